"""The briefs kept on disk, and what they tell of chains of sessions."""
