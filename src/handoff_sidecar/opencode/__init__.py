"""OpenCode's HTTP API: its objects, a client, and the transport that reaches it from inside OpenCode.

Everything that depends on OpenCode 1.x is here or in the plugin shim.
"""
