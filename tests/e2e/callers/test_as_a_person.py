"""What a person does: pastes the printed lines, takes a port that is taken, watches the demo."""

import io
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from local.cloud import demo
from local.cloud.options import CloudOptions
from local.cloud.processes import PartFailedError
from local.cloud.supervisor import Cloud
from local.cloud.welcome import welcome
from tests.support.client import ROOT, Client


def shell(script: str, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout


def test_the_printed_lines_work_when_pasted(running_cloud: Cloud) -> None:
    steps, _, rest = welcome(running_cloud).partition("# Look at the cluster (kubectl)")
    said = shell(steps.partition("\n")[2])
    assert re.search(r'"status": ?"done"', said)
    assert re.search(r'"app_name": ?"my-function"', said)
    assert "Hello from Blue FaaS!" in said
    look = rest.partition("# Look at AWS (the AWS CLI)")[2].partition("Ctrl-C")[0]
    ask = f'{look}\n{sys.executable} -c \'import boto3; print(boto3.client("s3").list_buckets()["Buckets"])\''
    assert "'Name'" in shell(ask)


def test_a_taken_port_is_said_in_one_line(cloud: Client) -> None:
    with pytest.raises(PartFailedError, match=r"Port \d+ on 127.0.0.1 is taken; .*PORT=") as raised:
        Cloud(CloudOptions(port=cloud.cloud.port))
    assert "\n" not in str(raised.value)


def test_the_demo_says_how_far_it_is_and_what_next(running_cloud: Cloud) -> None:
    said = io.StringIO()
    demo.show(running_cloud, Console(file=said, soft_wrap=True, highlight=False))
    lines = said.getvalue()
    assert re.search(r"^ +[0-9.]+ s  pending", lines, re.MULTILINE)
    assert "HTTP 200: Hello from Blue FaaS!" in lines
    end = lines.partition("What next")[2]
    assert "make local" in end
    for path in re.findall(r"(?:docs|examples)/[\w./-]*\w", end):
        assert (ROOT / path).exists()
