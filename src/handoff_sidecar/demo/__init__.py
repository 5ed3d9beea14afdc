"""What shows the plugin at work: a scripted model, and a throwaway OpenCode that talks to it."""
