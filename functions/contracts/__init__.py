"""What crosses a process boundary: task rows, S3 keys, the build's result. Shared with the builder image.

Nothing here imports boto3 or Powertools: the builder and every Lambda can afford to load it.
"""
