"""Text: tokens, redaction, clean lines. Knows nothing of sessions."""
