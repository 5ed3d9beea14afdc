"""What a session's messages tell: facts, files, rules, requests, triggers. Does no I/O."""
