"""The new session is made and shown, the old one left; and what is done where that was interrupted."""
