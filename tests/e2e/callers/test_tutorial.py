"""docs/tutorial.md: its commands as they stand, in one shell, print what it says that they print."""

import re
import subprocess
from pathlib import Path
from typing import Final

from tests.support.client import ROOT, Client

_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
"""Commands, and what they print if the page shows it."""
_END: Final = "--- end of a block"


def test_the_tutorial(cloud: Client, tmp_path: Path) -> None:
    blocks = _BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8"))
    host = cloud.url.removeprefix("http://")
    # A command that fails ends it; whoever types goes on, so nothing else is strict.
    script = "set -eo pipefail\n" + "".join(f"{commands}echo; echo '{_END}'\n" for commands, _ in blocks)
    done = subprocess.run(
        ["bash", "-c", script.replace("127.0.0.1:8000", host)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(_END)
    assert len(printed) == len(blocks) + 1
    for (commands, shown), output in zip(blocks, printed, strict=False):
        pattern = ".*".join(map(re.escape, shown.strip().split("…")))
        assert re.fullmatch(pattern, output.strip()), f"{commands}printed:\n{output}"
    assert list(tmp_path.iterdir()) == []
