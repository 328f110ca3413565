"""Deploying to Kubernetes: what `functions.handlers.deploy` does between a checked request and its answer.

`deployer` is the flow; `manifests`, `changes` and `autoscaler` decide what is written; `http_api` writes it; `eks`
finds the cluster and signs in to it.
"""
