"""What a handoff says: notes and facts turned into a prompt that fits its budget. Does no I/O."""
