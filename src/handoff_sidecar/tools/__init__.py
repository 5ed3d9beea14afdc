"""The tools that OpenCode's models can call."""
