"""The function runtime: one process serves one pod's Spin application over HTTP.

It stands where ``containerd-shim-spin`` stands on a cluster. The kubelet writes the pulled image to a folder and forks
what ``python -m local.spin_host --app FOLDER …`` is; requests then go `server` → `routes` → `application` → `guest`,
and what the guest asks of its host is answered under `host`.
"""
