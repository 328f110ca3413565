"""The Kubernetes side of the one-machine cloud: API server, controllers and kubelet."""
