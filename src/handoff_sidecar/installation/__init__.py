"""This program on a person's machine: how it came there, how OpenCode finds it, how it stays current."""
