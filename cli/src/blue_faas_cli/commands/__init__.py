"""The commands, a file for each kind. They load what they need when they run."""
