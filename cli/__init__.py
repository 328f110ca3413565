"""The command line: `src/` is the wheel, `reference.py` writes its page in docs/."""
