"""The API server's certificate, from a CA that is made anew at every start and known to nobody else."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerCertificate:
    """Files that the server reads, and the CA by which clients check it."""

    certificate: Path
    key: Path
    ca_file: Path
    ca_pem: bytes


def make_certificate(folder: Path, *names: str) -> ServerCertificate:
    """Make a CA and a certificate for ``names`` (host names or addresses) in ``folder``, readable by its owner only."""
    import trustme

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Blue FaaS one-machine cluster")
    issued = authority.issue_cert(*names)
    ca_pem = authority.cert_pem.bytes()
    files = ServerCertificate(folder / "server.pem", folder / "server.key", folder / "ca.pem", ca_pem)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    for path, content in (
        (files.certificate, chain),
        (files.key, issued.private_key_pem.bytes()),
        (files.ca_file, ca_pem),
    ):
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    return files
