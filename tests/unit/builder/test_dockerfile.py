"""What the builder image is made from; `python -m conformance.image` makes it."""

import re

from tests.unit.builder.harness import ROOT

DOCKERFILE = (ROOT / "builder_image" / "Dockerfile").read_text()


def test_every_stage_begins_from_one_base_by_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${BASE}"}
    (default,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.[0-9]+-slim-bookworm@sha256:[0-9a-f]{64}", default)


def test_what_is_installed_is_pinned() -> None:
    assert "apt-get" not in re.sub(r"^#.*$", "", DOCKERFILE, flags=re.MULTILINE)
    assert DOCKERFILE.count(" install ") == DOCKERFILE.count("--constraint /opt/pins/constraints.txt") == 2


def test_the_descriptions_of_the_services_that_the_builder_calls_are_kept() -> None:
    called = re.findall(r'self\._client\("([a-z0-9]+)"\)', (ROOT / "builder_image/builder/aws.py").read_text())
    kept = re.findall(r"! -name (\S+)", DOCKERFILE)
    assert sorted(called) == sorted(kept)
    assert called
