"""What the API takes and answers, and the event that it publishes. Field names and order are the contract."""
