"""Requests and responses of the API, and the event that it publishes. Field names and order are the contract."""
