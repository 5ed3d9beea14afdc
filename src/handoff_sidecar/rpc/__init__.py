"""JSON-RPC 2.0 between two processes, one message a line, both of which may call.

A stack of three files, bottom up: `stdio` (the process's pipes), `messages` (lines to models) and `connection` (calls
and their answers). It does not know what methods mean, nor anything of OpenCode. The peer is our own plugin: it is not
guarded against as a stranger would be.
"""
