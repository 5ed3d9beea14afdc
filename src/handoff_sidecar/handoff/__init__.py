"""What a handoff says: facts from OpenCode's records and notes from the agent, made into a small prompt.

Pure: models and notes in, text out. No I/O but the vocabulary file that ships with the package, no clock.
"""
