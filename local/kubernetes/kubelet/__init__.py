"""The node agent: pods become function processes, and what becomes of those is written back to the pods.

`agent` follows the pods, `pod_worker` lives one pod's life, `container` one container's; the rest are their tools.
"""
