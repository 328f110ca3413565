"""The builder image, made from its own Dockerfile without docker, and one build in it as CodeBuild would run it."""
