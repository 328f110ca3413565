"""The Kubernetes API server, met over HTTPS by the clients that use it."""
