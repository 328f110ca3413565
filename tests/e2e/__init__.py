"""The whole path over real HTTP on the one-machine cloud."""
