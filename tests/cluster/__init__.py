"""The manifests in ``cluster/``: that they build, apply, and grant the deploy function what it uses and no more."""
