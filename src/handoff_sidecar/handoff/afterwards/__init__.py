"""What happens in a session after its work went on elsewhere."""
