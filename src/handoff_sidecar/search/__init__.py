"""Searching old messages: queries, matching and ranking. Does no I/O."""
