"""What a stranger sees first: one version, links that lead somewhere, actions and hooks that nobody else can move."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for folder in (".", "docs", "docs/decisions", "cluster", "examples")
    for path in (ROOT / folder).glob("*.md")
)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and mkdocs make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in _HEADING.findall(text)}


ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
WHERE_TO_CHANGE = dict(
    re.findall(r"^\| ([^|`]+) \| `([^`|]+)` \|$", ARCHITECTURE.partition("## Where to change")[2], re.M)
)
"""What to change, and the one file for it."""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    source = ROOT / page
    for target in _LINK.findall(_CODE.sub("", source.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = source.parent / path if path else source
        assert file.exists(), f"{page}: {target}"
        assert not anchor or anchor in _anchors(file), f"{page}: {target}"


def test_every_page_has_a_place_in_the_navigation() -> None:
    """Decisions are added by docs/hooks.py; `make docs` asks the same, and whether the pages can be built."""
    placed = re.findall(r": ([\w.-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M)
    assert len(placed) == len(set(placed))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= set(placed)


def test_the_version_has_its_release_notes() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d{2}-\d{2})?$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[:2] == ["Unreleased", version]


def test_the_workflow_runs_what_lands_with_actions_that_nobody_can_move() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert any(step.get("run", "").endswith(" .ci/run") for step in steps)
    for step in steps:
        assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])


def test_the_hooks_are_tools_of_this_repository() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    assert {hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]} == {"system"}


def test_every_path_of_the_architecture_exists() -> None:
    paths = re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|json|toml))`", ARCHITECTURE)
    assert len(paths) > 60
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_what_to_change_is_in_one_file_each() -> None:
    rows = re.findall(r"^\| (?!---|to change)", ARCHITECTURE.partition("## Where to change")[2], re.M)
    assert len(rows) == len(WHERE_TO_CHANGE)
    assert all((ROOT / path).is_file() for path in WHERE_TO_CHANGE.values())


@pytest.mark.parametrize(
    ("change", "held_by"),
    [
        ("the text of a type error, and the hint below it", "Save the file as UTF-8"),
        ("a default of autoscaling, replicas or resources", '"target_cpu": 50'),
        ("what happens to a task when CodeBuild dies, and what its owner reads", "The build ended without a result"),
    ],
)
def test_no_other_file_holds_it(change: str, held_by: str) -> None:
    folders = ("functions", "infra", "builder_image")
    product = [ROOT / "cdk.json", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    assert [path for path in product if held_by in path.read_text("utf-8")] == [ROOT / WHERE_TO_CHANGE[change]]
