"""The command `handoff-sidecar`: subcommands, their options, and what they print."""
