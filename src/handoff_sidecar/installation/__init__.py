"""The program on the user's machine: how it got there, how OpenCode finds it, how it is updated."""
