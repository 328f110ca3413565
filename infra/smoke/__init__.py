"""``make smoke API=https://…``: send one source through every call of a deployed installation, step by step."""
