"""What `handoff-sidecar doctor` checks and says: a line for each check, and what to do next."""
