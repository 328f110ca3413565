"""The page where callers are asked for: tokens by signing in, signatures by ``blue ui``, in a real browser."""

import os
import subprocess
import sys

import httpx

from local.cloud.supervisor import Cloud
from local.tests.front.callers import ROOT, WORKSPACE, keys, operator
from tests.ui.tools import journey, needs_browser


def test_where_requests_are_signed_the_cloud_serves_no_page(iam: Cloud) -> None:
    assert httpx.get(f"{iam.url}/ui").status_code == 403


@needs_browser
def test_users_sign_in_at_the_issuer(jwt: Cloud) -> None:
    journey("sign-in", jwt.url)


@needs_browser
def test_blue_ui_signs_for_its_own_tab(iam: Cloud) -> None:
    command = [sys.executable, "-m", "blue_faas_cli", "ui", "--url", iam.url, "--no-browser"]
    command += ["--authorizer", "iam", "--region", iam.region, "--workspace", WORKSPACE]
    environment = {**os.environ, **keys(operator(iam)), "PYTHONPATH": f"{ROOT}:{ROOT / 'cli' / 'src'}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            address = process.stdout.readline().strip()
            assert "#key=" in address
            journey("key", address, SOURCE=str(ROOT / "examples" / "hello" / "app.py"))
        finally:
            process.terminate()
