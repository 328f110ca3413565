"""What controllers and the node stand on: an API to read, write and follow objects, a work queue, events.

`api` says what they need of a Kubernetes API. `store_api` is the one-machine cloud's, in this process; `http_api` is
any server's over HTTP, for other processes and for real control planes.
"""
