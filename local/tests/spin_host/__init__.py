"""The function runtime, tested over HTTP against its real command line."""
