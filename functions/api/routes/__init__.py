"""Routes of the build API, one file a resource. Each parses, asks functions.tasks, and shapes the answer."""
