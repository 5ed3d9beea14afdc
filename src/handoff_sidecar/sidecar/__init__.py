"""The sidecar process: its objects, its JSON-RPC methods, its log."""
