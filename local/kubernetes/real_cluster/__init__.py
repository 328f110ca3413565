"""A real cluster in place of the built-in Kubernetes API: `KUBECONFIG=… make local`."""
