"""A small OCI distribution client, and the gate that gives the local registry ECR's manners.

`pull` is what a kubelet needs, `registry` what a pusher needs; both share `reference` (image names), `mirrors`
(registry host to base URL), `auth` (Basic and Bearer) and `errors`. `gate` is the server side: an ASGI app in front of
the AWS emulator's ``/v2/``.

Why no library: the stand-in for `spin` is started several times by each build, so start-up counts. python-dxf 12
refuses to send a password over plain HTTP, which the gate on 127.0.0.1 speaks, asks manifests for a ``mediaType`` that
Spin does not write, and loses the registry's words at a 401; oras 0.2 takes three times as long to import as httpx.
Both send the password along to the host that an upload's ``Location`` names.

Source of the protocol: OCI distribution-spec 1.1, https://github.com/opencontainers/distribution-spec.
"""
