"""The fast lane against componentize-py: a corpus of apps built both ways, and everything compared that can be seen."""
