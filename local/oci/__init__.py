"""A small OCI distribution client, and the gate that gives the local registry ECR's manners.

`pull` is what a kubelet needs, `registry` what a pusher needs; both share `reference` (image names), `mirrors`
(registry host to base URL), `auth` (Basic and Bearer) and `errors`. `gate` is the server side: an ASGI app in front of
the AWS emulator's ``/v2/``.

Source of the protocol: OCI distribution-spec 1.1, https://github.com/opencontainers/distribution-spec.
"""
