"""The deploy function, from an API Gateway event to the objects in a real Kubernetes API server on this machine."""
