"""Tenancy: who calls (`caller`), what is written down of workspaces (`policies`), and what follows (`access`)."""
