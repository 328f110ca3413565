"""The packages that an app asks for: read, resolved, installed."""
