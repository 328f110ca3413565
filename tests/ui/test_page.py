"""The page's files as they are: how large, of which types, with no text of their own, and what their rules do."""

import gzip
import re
import shutil
from pathlib import Path

import pytest

from functions.ui.files import STATIC as SERVED
from infra.tools.build_folder import ROOT
from tests.ui.tools import HERE, MODULES, STATIC, WORK, node, packages

MOST_BYTES = 60_000
"""Of all that a browser loads, compressed as the service sends it."""
MOST_BYTES_OF_OURS = 90_000
"""Of all files, as they are in the repository."""


def test_the_page_is_small() -> None:
    files = [path for path in STATIC.rglob("*.*") if path.suffix in (".js", ".css", ".html", ".svg")]
    assert SERVED == STATIC
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) < MOST_BYTES
    assert sum(path.stat().st_size for path in files) < MOST_BYTES_OF_OURS


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_is_small_and_begins_with_what_it_is_for(module: Path) -> None:
    text = module.read_text("utf-8")
    assert text.startswith("/**")
    assert text.count("\n") < 300


def test_nothing_is_asked_of_another_host() -> None:
    for path in STATIC.rglob("*.*"):
        if path.suffix in (".js", ".css", ".html"):
            addresses = set(re.findall(r"https?://[\w.-]+", path.read_text("utf-8")))
            assert addresses <= {"http://www.w3.org"}, path.name


def test_types() -> None:
    """The answers' types are those of docs/openapi.json: a field that the API has not is an error."""
    folder = WORK / "types"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(STATIC, folder / "static", ignore=shutil.ignore_patterns("vendor"))
    shutil.copyfile(STATIC.parent / "types.d.ts", folder / "types.d.ts")
    (folder / "node_modules").symlink_to(packages())
    vendor = folder / "static" / "vendor"
    vendor.mkdir()
    for name, package in {"preact": "preact", "hooks": "preact/hooks"}.items():
        (vendor / f"{name}.d.ts").write_text(f'export * from "{package}";\n')
    (vendor / "htm.d.ts").write_text('export { default } from "htm";\n')
    shutil.copyfile(HERE / "tsconfig.json", folder / "tsconfig.json")
    openapi = packages() / "openapi-typescript" / "bin" / "cli.js"
    made = node(openapi, ROOT / "docs" / "openapi.json", "--output", folder / "openapi.d.ts")
    assert made.returncode == 0, made.stdout
    done = node(packages() / "typescript" / "bin" / "tsc", "--project", folder)
    assert done.returncode == 0, done.stdout


def test_no_text_stands_outside_the_dictionaries() -> None:
    done = node(HERE / "hard-coded.js", *(path for path in MODULES if path.parent.name != "texts"))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_text_that_stands_outside_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.js"
    planted.write_text("html`<p title=\"Hello\">${t('a')} there</p>`;\n")
    assert node(HERE / "hard-coded.js", planted).stdout.count("\n") == 2


def test_the_rules_of_the_modules() -> None:
    """Runs the ``.test.js`` files beside this one in Node.js."""
    done = node("--test", *sorted(HERE.glob("*.test.js")))
    assert done.returncode == 0, done.stdout
