"""What `python -m conformance.image` takes for a leak, and what it says where it cannot run."""

import os
from pathlib import Path

import pytest

from conformance import debian
from conformance.image.__main__ import MOST_MEGABYTES, leaks, too_large
from conformance.image.builds import URI

LOG = "CapEff:\t0000000000000000\n" + "Address family not supported by protocol\n" * 2
DONE = {"status": "done"}


def test_a_build_that_found_nothing() -> None:
    assert leaks(DONE, LOG) == []


@pytest.mark.parametrize(
    ("task", "log"),
    [
        (DONE, LOG + f"export AWS_CONTAINER_CREDENTIALS_RELATIVE_URI='{URI}'"),
        (DONE, LOG + "REACHED"),
        (DONE, LOG.replace("Address family not supported by protocol", "Network is unreachable")),
        (DONE, LOG.replace("0000000000000000", "00000000a80425fb")),
        ({"status": "failed"}, LOG),
        (DONE, ""),
    ],
)
def test_a_build_that_found_something_or_did_not_look(task: dict[str, object], log: str) -> None:
    assert leaks(task, log)


def test_the_size_is_held_to_a_budget() -> None:
    assert too_large(MOST_MEGABYTES) == []
    assert too_large(MOST_MEGABYTES + 1) == ["the image has 351 MB, more than 350"]


def test_what_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.missing("buildah", "debootstrap") == (
        "buildah, debootstrap not installed (Debian: apt-get install buildah debootstrap)"
    )
    for name in ("buildah", "debootstrap"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert debian.missing("buildah", "debootstrap") is None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert debian.missing("buildah") == "this part needs root (debootstrap, chroot)"
