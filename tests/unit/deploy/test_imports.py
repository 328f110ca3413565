"""What a cold start loads."""

import subprocess
import sys


def test_the_handler_does_without_the_kubernetes_package() -> None:
    """That package costs more at every cold start than the rest of a deploy (see functions/cluster/http_api.py)."""
    code = (
        "import functions.deploy, sys; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'kubernetes', 'local', 'yaml', 'requests'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
