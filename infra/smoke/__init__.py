"""``make smoke API=https://…``: one source through every call of a deployed installation, told step by step."""
