"""The one-machine cloud: AWS APIs, a build runner, a Kubernetes API and a function runtime on 127.0.0.1."""
