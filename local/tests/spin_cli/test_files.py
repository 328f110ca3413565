"""Which files a component takes along, where it sees them, and what it may not take."""

from pathlib import Path

import pytest

from local.spin_cli.files import collect_files
from local.spin_cli.manifest import Component, Placement
from local.spin_cli.terminal import SpinError

TREE = ("a.txt", "b.md", "d/a.txt", "d/e/c.txt", "d/.hidden", "secret/key")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    for name in TREE:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "outside.txt").write_text("outside")
    return root


def collect(app: Path, *files: str | Placement, exclude: list[str] | None = None) -> dict[str, str]:
    """Guest path to app path."""
    component = Component("app.wasm", files=list(files), exclude_files=exclude or [])
    return {guest: str(path.relative_to(app)) for guest, path in collect_files(app, component).items()}


@pytest.mark.parametrize(
    ("mount", "found"),
    [
        ("a.txt", {"a.txt": "a.txt"}),
        ("./d//a.txt", {"d/a.txt": "d/a.txt"}),
        ("*.txt", {"a.txt": "a.txt"}),
        ("**/*.txt", {"a.txt": "a.txt", "d/a.txt": "d/a.txt", "d/e/c.txt": "d/e/c.txt"}),
        ("d", {f"d/{name}": name for name in ("d/.hidden", "d/a.txt", "d/e/c.txt")}),
        ("d/", {f"d/{name}": name for name in ("d/.hidden", "d/a.txt", "d/e/c.txt")}),
        ("d/e", {"d/e/d/e/c.txt": "d/e/c.txt"}),
        ("d/**/*", {name: name for name in ("d/.hidden", "d/a.txt", "d/e/c.txt")}),
        ("d/**", {}),
        ("x/*", {}),
        (Placement("d", "/"), {".hidden": "d/.hidden", "a.txt": "d/a.txt", "e/c.txt": "d/e/c.txt"}),
        (Placement("d/e", "/x/y/"), {"x/y/c.txt": "d/e/c.txt"}),
        (Placement("a.txt", "/x/b.txt"), {"x/b.txt": "a.txt"}),
    ],
)
def test_mounts(app: Path, mount: str | Placement, found: dict[str, str]) -> None:
    assert collect(app, mount) == found


def test_excludes_hold_for_patterns_and_folders_but_not_for_a_file_by_name(app: Path) -> None:
    assert collect(app, "**/*", exclude=["secret/*", "**/*.txt"]) == {"b.md": "b.md", "d/.hidden": "d/.hidden"}
    assert collect(app, Placement("d", "/"), exclude=["d/e/*"]) == {".hidden": "d/.hidden", "a.txt": "d/a.txt"}
    assert collect(app, "a.txt", exclude=["a.txt"]) == {"a.txt": "a.txt"}


def test_a_later_mount_wins(app: Path) -> None:
    assert collect(app, "a.txt", Placement("b.md", "a.txt")) == {"a.txt": "b.md"}


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        ("nope.txt", "does not exist and doesn't appear to be a glob pattern"),
        (Placement("nope", "/"), 'File or directory "nope" does not exist'),
        ("..", "can't end in a parent directory path"),
        ("d/.", "can't end in a current directory path"),
        ("../outside.txt", "outside the application directory"),
        ("d/../../*", "outside the application directory"),
        ("/etc/passwd", "outside the application directory"),
        (Placement("../outside.txt", "x"), "outside the application directory"),
        (Placement("/etc", "x"), "outside the application directory"),
        (Placement("a.txt", "../x"), "leads out of the guest's root"),
        (Placement("a.txt", "/"), "is not a valid destination file name"),
        (Placement("a.txt", "x/"), "is not a valid destination file name"),
        ("a**", "Failed to resolve glob pattern"),
    ],
)
def test_mounts_that_are_refused(app: Path, mount: str | Placement, said: str) -> None:
    with pytest.raises(SpinError, match=said.replace("(", r"\(")):
        collect(app, mount)


def test_a_malformed_exclude_is_refused(app: Path) -> None:
    with pytest.raises(SpinError, match="Invalid exclude_files glob pattern"):
        collect(app, "*", exclude=["a**"])


@pytest.mark.parametrize("mount", ["link", "*", Placement("link", "x"), "d", Placement("d", "/")])
@pytest.mark.parametrize("target", ["../outside.txt", "/etc/passwd", ".."])
def test_links_that_lead_outside_are_refused(app: Path, mount: str | Placement, target: str) -> None:
    for place in (app / "link", app / "d" / "link"):
        place.symlink_to(target if place.parent == app or target.startswith("/") else f"../{target}")
    with pytest.raises(SpinError, match=r"symbolic link|outside"):
        collect(app, mount)


def test_a_link_within_the_app_is_followed_to_a_file_only(app: Path) -> None:
    (app / "link").symlink_to("d/a.txt")
    assert collect(app, "link") == {"link": "link"}
    (app / "folder").symlink_to("d")
    with pytest.raises(SpinError, match="symbolic link to a directory"):
        collect(app, "*")


@pytest.mark.parametrize("pattern", ["folder/*", "folder/**/*", "*/a.txt", "**/a.txt", "**/e/*.txt"])
def test_a_pattern_that_leads_through_a_link_to_a_folder_is_refused(app: Path, pattern: str) -> None:
    (app / "folder").symlink_to("d")
    with pytest.raises(SpinError, match="symbolic link to a directory"):
        collect(app, pattern)


@pytest.mark.parametrize("pattern", ["a*.txt", "d/*.txt", "d/**/*"])
def test_a_link_to_a_folder_beside_the_pattern_is_not_looked_at(app: Path, pattern: str) -> None:
    (app / "folder").symlink_to("d")
    assert collect(app, pattern)
