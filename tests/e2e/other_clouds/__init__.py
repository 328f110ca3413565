"""Clouds that are started another way: without a cluster, or with one of the user's."""
