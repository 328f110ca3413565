"""The control loops of the one-machine cluster: SpinApp, Deployment, ReplicaSet, autoscaler, scheduler.

Each talks only to the Kubernetes API, so each would do its work against any API server.
"""
