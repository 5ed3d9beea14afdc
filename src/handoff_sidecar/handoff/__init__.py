"""Handing a session off: by the tool, by a command, again after an interruption."""
