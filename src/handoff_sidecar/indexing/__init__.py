"""Keeping the index up to date with OpenCode: what is read of sessions, when, and at whose cost."""
