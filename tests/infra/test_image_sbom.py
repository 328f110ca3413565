"""The builder image's SBOM, held against the published schema and against what the image is made from."""

import json
import re
import shutil
from pathlib import Path

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra.tools import image_context, image_sbom
from infra.tools.locks import PinError
from tests.infra.conftest import ROOT

CONTEXT = image_context.image_context() / "builder_image" / image_sbom.NAME


def test_the_image_carries_a_list_of_the_published_form() -> None:
    text = CONTEXT.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = Bom.from_json(json.loads(text))  # type: ignore[attr-defined]  # made by the library's decorator
    bom.validate()
    assert "builder_image/sbom.cdx.json" in (ROOT / "builder_image" / "Dockerfile").read_text()


def test_it_lists_every_package_of_both_environments_with_its_hashes() -> None:
    parts = {part["purl"]: part for part in json.loads(CONTEXT.read_text())["components"]}
    for lock, place in image_sbom.LOCKS.items():
        text = (ROOT / "builder_image" / lock).read_text()
        pins = re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE)
        assert pins
        for name, version in pins:
            part = parts[f"pkg:pypi/{name}@{version}"]
            assert {"name": "blue-faas:installed-in", "value": place} in part["properties"]
            (files,) = part["externalReferences"]
            block = text[text.index(f"{name}=={version}") :].partition("# via")[0]
            assert [each["content"] for each in files["hashes"]] == re.findall(r"sha256:([0-9a-f]+)", block)


def test_it_lists_the_base_and_the_spin_cli_by_their_hashes() -> None:
    parts = {part["name"]: part for part in json.loads(CONTEXT.read_text())["components"]}
    dockerfile = (ROOT / "builder_image" / "Dockerfile").read_text()
    assert f"@sha256:{parts['python']['hashes'][0]['content']}\n" in dockerfile
    pin = json.loads((ROOT / "builder_image" / "spin.json").read_text())
    (archive,) = parts["spin"]["externalReferences"]
    assert archive["hashes"] == [{"alg": "SHA-256", "content": pin["sha256"][image_sbom.PLATFORM]}]


def test_it_says_that_it_does_not_know_what_the_base_has_inside() -> None:
    document = json.loads(CONTEXT.read_text())
    base = next(part["bom-ref"] for part in document["components"] if part["type"] == "container")
    assert {"aggregate": "unknown", "assemblies": [base]} in document["compositions"]


def test_a_package_for_another_system_is_not_in_the_image(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "builder_image", tmp_path / "builder_image")
    lock = tmp_path / "builder_image" / "requirements.txt"
    lock.write_text(
        lock.read_text()
        + f"colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:{'0' * 64}\n    # via click\n"
        + f"uvloop==0.21.0 ; sys_platform == 'linux' \\\n    --hash=sha256:{'1' * 64}\n    # via uvicorn\n"
    )
    names = {part["name"] for part in image_sbom.document(tmp_path, "0")["components"]}
    assert "uvloop" in names
    assert "colorama" not in names


@pytest.mark.parametrize(
    ("file", "pinned", "loose", "said"),
    [
        ("Dockerfile", r"@sha256:[0-9a-f]{64}", "", "names no image by name, tag and sha256 digest"),
        ("Dockerfile", r"sha256:[0-9a-f]{64}", "sha256:latest", "names no image by name, tag and sha256 digest"),
        ("toolchain.txt", r" \\\n +--hash=sha256:[0-9a-f]{64}", "", "has no hashes. Run `make lock`"),
    ],
)
def test_what_is_not_pinned_stops_the_synthesis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, pinned: str, loose: str, said: str
) -> None:
    for part in ("builder_image", "functions"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(image_context, "ROOT", tmp_path)
    monkeypatch.setattr(image_context, "BUILD", tmp_path / "build")
    image_context.image_context()
    path = tmp_path / "builder_image" / file
    path.write_text(re.sub(pinned, lambda _: loose, path.read_text()))
    with pytest.raises(PinError, match=said):
        image_context.image_context()
