"""The one-machine cloud: what starts it, from a checkout of the repository or from what the wheel carries."""
