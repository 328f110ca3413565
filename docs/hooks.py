"""What mkdocs does for this repository beside reading ``docs/``: the pages at its root, and a list of the decisions."""

import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
OF_THE_ROOT: Final = {
    "README.md": "index.md",
    "README.ko.md": "ko.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security-policy.md",
    "LICENSE": "license.txt",
}
"""Files at the repository's root, and where they stand in the site."""
_DECISIONS: Final = "decisions/index.md"
_ELSEWHERE: Final = {"docs/decisions": _DECISIONS}
_SOURCES: Final = {uri: source for source, uri in OF_THE_ROOT.items()}
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the decisions at the end of the navigation."""
    pages = [f"decisions/{path.name}" for path in _decisions()]
    config.nav = [*(config.nav or []), {"Decisions": [_DECISIONS, *pages]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the root, and the list of decisions."""
    for source, uri in OF_THE_ROOT.items():
        files.append(File.generated(config, uri, content=(ROOT / source).read_text("utf-8")))
    entries = [f"- [{_title(path)}]({path.name})" for path in _decisions()]
    text = "\n".join(["# Decisions", "", "What somebody will ask about, and why it is so.", "", *entries, ""])
    files.append(File.generated(config, _DECISIONS, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Lead links to where the site has their files; of what it has not, such as code, the text stays."""
    here = page.file.src_uri
    folder = posixpath.dirname(_SOURCES.get(here, f"docs/{here}"))

    def led(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        if ":" in target:
            return link[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        uri = OF_THE_ROOT.get(path) or _ELSEWHERE.get(path) or path.removeprefix("docs/")
        if files.get_file_from_path(uri) is None and (ROOT / path).exists():
            return text
        return f"[{text}]({posixpath.relpath(uri, posixpath.dirname(here) or '.')}{anchor})"

    return _LINK.sub(led, markdown)


def _decisions() -> list[Path]:
    return sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def _title(path: Path) -> str:
    first = path.read_text("utf-8").partition("\n")[0]
    return f"{path.name[:4]}: {first.removeprefix('# ')}"
