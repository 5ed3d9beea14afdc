"""`read_session`: which session is meant, what is read of it, and how the answer is put."""
