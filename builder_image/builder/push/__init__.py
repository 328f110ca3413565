"""From a built app to an image in a registry: the folder that is pushed, login, push, digest."""
