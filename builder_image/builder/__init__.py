"""The builder: what CodeBuild runs, from an upload in S3 to an image in a registry. Start at pipeline.py."""
