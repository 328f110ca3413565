"""Commands and helpers around the stack: Lambda bundles, the image's context, generated documents."""
