"""The slash commands that no model sees: `/handoff-now`, `-draft`, `-resume`, `-rules` and `-undo`."""
