"""What the builder image is made from; `python -m conformance.image` makes it."""

import re
import shutil
from pathlib import Path

import pytest

from infra.tools import image_context
from tests.unit.builder.harness import ROOT

DOCKERFILE = (ROOT / "builder_image" / "Dockerfile").read_text()


def test_every_stage_begins_from_one_base_by_digest() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, re.MULTILINE)
    assert {base for base, _ in stages} - {name for _, name in stages} == {"${BASE}", "scratch"}
    assert "FROM scratch\nCOPY --from=base / /\n" in DOCKERFILE
    (default,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.[0-9]+-slim-bookworm@sha256:[0-9a-f]{64}", default)


def test_what_is_installed_is_pinned() -> None:
    assert "apt-get" not in re.sub(r"^#.*$", "", DOCKERFILE, flags=re.MULTILINE)
    assert DOCKERFILE.count(" install ") == DOCKERFILE.count("--require-hashes") == 2


def test_the_descriptions_of_the_services_that_the_builder_calls_are_kept() -> None:
    called = re.findall(r'self\._client\("([a-z0-9]+)"\)', (ROOT / "builder_image/builder/aws.py").read_text())
    kept = re.findall(r"! -name (\S+)", DOCKERFILE)
    assert sorted(called) == sorted(kept)
    assert called


def test_another_base_is_another_toolchain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TOOLCHAIN_ID is the name of the image's context: builds of an older base are not used again."""
    for part in ("builder_image", "functions"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(image_context, "ROOT", tmp_path)
    monkeypatch.setattr(image_context, "BUILD", tmp_path / "build")
    before = image_context.image_context().name
    (tmp_path / "builder_image" / "Dockerfile").write_text(re.sub("sha256:[0-9a-f]{4}", "sha256:0000", DOCKERFILE))
    assert image_context.image_context().name != before
