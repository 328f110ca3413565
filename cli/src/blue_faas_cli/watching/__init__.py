"""``blue up --watch``: the cloud, the files that are watched, and one deploy after the other."""
