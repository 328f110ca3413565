"""Attacks on what strangers may send, and that none of them works."""
