"""What tools, commands and events share: the context and result of a call, toasts, background work."""
