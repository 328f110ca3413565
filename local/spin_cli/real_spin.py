"""A real ``spin`` in the place of the stand-in, led to the stack's own registry."""

import shlex
from pathlib import Path


def install_real_spin(bin_dir: str | Path, real: str | Path, proxy_url: str, bundle: str | Path) -> Path:
    """Write ``bin_dir/spin`` and return its path.

    ``spin registry`` goes through `local.oci.registry_proxy`, whatever proxy this machine uses otherwise: the
    registry's name must not lead to the real AWS. Every other command is the real one's as it is.

    Parameters
    ----------
    bin_dir
        Made if missing.
    real
        The executable.
    proxy_url
        Of the proxy, ``http://127.0.0.1:PORT``.
    bundle
        File of the certificate authorities to trust.
    """
    script = Path(bin_dir) / "spin"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.unlink(missing_ok=True)
    proxy, trusted = shlex.quote(proxy_url), shlex.quote(str(bundle))
    script.write_text(
        f"""#!/bin/sh
case "$1" in registry|oci)
  unset NO_PROXY no_proxy ALL_PROXY all_proxy
  export HTTPS_PROXY={proxy} https_proxy={proxy} SSL_CERT_FILE={trusted}
esac
exec {shlex.quote(str(real))} "$@"
""",
        "utf-8",
    )
    script.chmod(0o755)
    return script
