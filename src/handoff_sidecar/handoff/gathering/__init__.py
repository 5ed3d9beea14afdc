"""What is known of a session that is handed off, and of the folder that it works in. Only reads."""
