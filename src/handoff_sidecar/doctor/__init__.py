"""What `handoff-sidecar doctor` looks at, and what it says: a line for each check, and what to do next."""
