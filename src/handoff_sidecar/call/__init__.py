"""What every way in shares: a tool call's context and result, toasts, work in the background."""
