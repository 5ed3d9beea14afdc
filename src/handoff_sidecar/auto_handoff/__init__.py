"""Watches sessions fill up and hands them off before OpenCode compacts them."""
