"""The one-machine cluster end to end: API server, controllers, kubelet, router, with real function processes."""
