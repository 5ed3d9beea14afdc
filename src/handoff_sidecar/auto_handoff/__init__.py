"""Watching sessions fill up, and handing them off before OpenCode compacts them."""
