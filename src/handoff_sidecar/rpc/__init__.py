"""JSON-RPC 2.0 between two processes, one message a line, both of which may call.

A stack of four files, bottom up: `stdio` (the process's pipes), `frames` (bytes to lines), `messages` (lines
to models) and `connection` (calls and their answers). It does not know what methods mean, nor anything of OpenCode.
"""
