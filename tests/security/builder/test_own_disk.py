"""A step's own disk: limits that the kernel keeps, seen by nobody else, and gone with the builder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from builder.sandbox import own_disk
from builder.settings import MIB

from tests.security.builder.conftest import Box, MakeBox, may_make_namespaces
from tests.unit.builder.harness import open_folder

pytestmark = pytest.mark.skipif(not may_make_namespaces(), reason="no file system can be mounted here")

OVER = f"wrote more than {8 * MIB:,} bytes to disk"

FILES = "import os\nfor number in range({}): os.close(os.open(f'tmp/{{number}}', os.O_CREAT))"
NAMELESS = "import tempfile\nkept = tempfile.TemporaryFile()\nkept.write(bytes({} << 20)); kept.flush()"


def used(box: Box) -> int:
    """Inodes in use on the box's disk."""
    disk = os.statvfs(box.sandbox.folder)
    return disk.f_files - disk.f_ffree


def test_bytes(make_box: MakeBox) -> None:
    """Between two looks of the watch, too: the step ends at once, and leaves nothing that a look would count."""
    box = make_box(disk_bytes=8 * MIB, file_bytes=100 * MIB)
    assert box.sh("head -c 8000000 /dev/zero > fits && rm fits").succeeded
    outcome = box.sh("head -c 9000000 /dev/zero > large")
    assert outcome.failure == OVER
    assert "No space left on device" in outcome.output.tail
    assert (box.sandbox.folder / "large").stat().st_size == 8 * MIB


def test_inodes(make_box: MakeBox) -> None:
    box = make_box(disk_bytes=8 * MIB)
    left = 8 * MIB // own_disk.FILE_BYTES - used(box)
    assert box.python(FILES.format(left - 1)).succeeded
    assert box.python("import os; os.mkdir('last')").failure == OVER
    assert box.python(FILES.format(left + 1)).failure == OVER


def test_files_without_a_name(make_box: MakeBox) -> None:
    box = make_box(disk_bytes=8 * MIB, file_bytes=100 * MIB)
    assert box.python(NAMELESS.format(7)).succeeded
    outcome = box.python(NAMELESS.format(9))
    assert not outcome.succeeded
    assert "No space left on device" in outcome.output.tail


def test_nothing_of_it_is_left(make_box: MakeBox) -> None:
    box = make_box()
    assert box.sandbox.has_own_disk
    box.sh("echo x > file")
    assert (box.sandbox.folder / "file").exists()
    box.sandbox.__exit__()
    assert list(box.sandbox.folder.iterdir()) == []
    box.sandbox.folder.rmdir()


KILLED = """\
import sys, time
from pathlib import Path
from builder.sandbox import own_disk
folder = Path(sys.argv[1])
before = own_disk.mount(folder, 1 << 20)
assert own_disk.take_namespace() and own_disk.mount(folder, 1 << 20)
(folder / "file").write_text("x")
print(before, flush=True)
time.sleep(60)
"""


def test_only_the_builder_sees_it_and_it_goes_when_the_builder_is_killed() -> None:
    with open_folder() as around:
        (around / "box").mkdir()
        command = [sys.executable, "-c", KILLED, str(around / "box")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}) as it:
            assert it.stdout is not None
            assert it.stdout.readline() == "False\n"  # nothing is mounted where everybody would see it
            assert list((around / "box").iterdir()) == []
            assert str(around) not in Path("/proc/self/mountinfo").read_text()
            it.send_signal(signal.SIGKILL)
        (around / "box").rmdir()
