"""Text itself: tokens, redaction, clean lines. Knows nothing of sessions."""
