"""Which base URL answers for a registry host: the local registry stands in for ECR by a mirrors file.

The file is JSON, ``{"host[:port]": "http://127.0.0.1:PORT"}``, as containerd's ``hosts.toml`` does it: image references
keep the names they have on AWS, only the connection goes elsewhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Docker Hub's name, the key of its credentials and the machine that answers are three different hosts.
_WELL_KNOWN: Final = {"index.docker.io": "https://registry-1.docker.io", "docker.io": "https://registry-1.docker.io"}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Registry host to base URL (scheme, host, port, no path)."""

    hosts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path | None) -> "Mirrors":
        """Read a mirrors file; None means no mirrors.

        Raises
        ------
        ValueError
            The file cannot be read, or is not an object of strings.
        """
        if path is None:
            return cls()
        try:
            hosts = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot read the mirrors file {path}: {error}") from error
        if not isinstance(hosts, dict) or not all(isinstance(url, str) for url in hosts.values()):
            raise ValueError(f'the mirrors file {path} must be a JSON object like {{"host": "http://127.0.0.1:5000"}}')
        return cls(hosts)

    def base_url(self, host: str, *, plain_http: bool = False) -> str:
        """Where to send requests for ``host``: its mirror, else ``https://host`` (plain HTTP on this machine).

        Parameters
        ----------
        host
            Registry host as in an image reference, with its port.
        plain_http
            Speak HTTP to a host without a mirror, whatever it is.
        """
        if host in self.hosts:
            return self.hosts[host].rstrip("/")
        if plain_http or host.partition(":")[0] in _LOOPBACK:
            return f"http://{host}"
        return _WELL_KNOWN.get(host, f"https://{host}")
