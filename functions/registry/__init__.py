"""Asking image registries: is an image there, and what is its digest? Used before an image is deployed or reused.

`lookup.find_image` is the way in; `ecr` asks Amazon ECR with the function's own role, `distribution` any other registry
by the OCI distribution API.
"""
