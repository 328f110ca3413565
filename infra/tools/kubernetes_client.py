"""The part of the Kubernetes client that the deploy bundle ships: the transport, without the generated models.

``import kubernetes`` loads code for configuration files, websockets, OAuth and YAML, none of which a deploy uses. It
takes about 200 ms and loads 290 modules, out of 75 MB of source and 14 more packages. `functions.cluster.transport`
needs `ApiClient`, `Configuration` and `ApiException`. Those modules are shipped unchanged; only the packages'
``__init__`` files are replaced by ones that load on demand (`infra.tools.on_demand`). The import statements are the
same as with the whole package.
"""

import csv
import shutil
from pathlib import Path
from typing import Final

from infra.tools import on_demand

_SHIPPED: Final = (
    "client/api_client.py",
    "client/api_response.py",
    "client/configuration.py",
    "client/exceptions.py",
    "client/rest.py",
    "utils/_retry_base.py",
    "utils/keepalive.py",
    "utils/retry.py",
)
_PACKAGES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "": {},
    "client": {
        "ApiClient": (".api_client", "ApiClient"),
        "Configuration": (".configuration", "Configuration"),
        "ApiException": (".exceptions", "ApiException"),
    },
    "client/models": {},
    "utils": {},
}
"""Names that each package exports in addition to its modules, and where they are."""
_UNUSED_DISTRIBUTIONS: Final = (
    "aiohappyeyeballs",
    "aiohttp",
    "aiohttp_retry",
    "aiosignal",
    "attrs",
    "certifi",
    "charset_normalizer",
    "durationpy",
    "frozenlist",
    "idna",
    "multidict",
    "oauthlib",
    "propcache",
    "pyyaml",
    "requests",
    "requests_oauthlib",
    "websocket_client",
    "yarl",
)
"""Distributions that only the removed parts of the client use."""


def prune(folder: Path) -> None:
    """Reduce the client in a folder of installed packages, if it is installed there."""
    package = folder / "kubernetes"
    if not package.is_dir():
        return
    kept = {name: (package / name).read_bytes() for name in _SHIPPED}
    shutil.rmtree(package)
    for name, content in kept.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(content)
    for name, exports in _PACKAGES.items():
        (package / name).mkdir(parents=True, exist_ok=True)
        (package / name / "__init__.py").write_text(on_demand.init(exports), encoding="utf-8")
    for distribution in _UNUSED_DISTRIBUTIONS:
        _uninstall(folder, distribution)


def _uninstall(folder: Path, distribution: str) -> None:
    for metadata in folder.glob(f"{distribution}-*.dist-info"):
        with (metadata / "RECORD").open(encoding="utf-8", newline="") as record:
            files = [row[0] for row in csv.reader(record) if row]
        for top in {name.partition("/")[0] for name in files if not name.startswith("..")}:
            path = folder / top
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
