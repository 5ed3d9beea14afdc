"""Session handoff for OpenCode: the Python side of the plugin."""

__version__ = "0.1.0"
