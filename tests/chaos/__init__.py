"""What tasks depend on broken, and whole clouds killed: each folder has clouds of its own."""
