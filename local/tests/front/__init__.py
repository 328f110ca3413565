"""The front: who may call, and where requests lead."""
