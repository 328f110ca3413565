"""One sandboxed command: what it can see, what it can reach, and that nothing of it outlives its step."""

import contextlib
import ctypes
import errno
import os
import platform
import re
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder.errors import StoppedError
from builder.sandbox import disk, processes, run, syscall_filter
from builder.sandbox.bpf import NUMBERS
from builder.sandbox.disk import remove_folder
from builder.sandbox.processes import of_user, sees_open_files
from builder.settings import MIB

from tests.security.builder.conftest import Box, MakeBox, may_make_namespaces


@pytest.fixture(scope="module", autouse=True)
def _subreaper() -> Iterator[None]:
    """As in the builder's process: what loses its parent becomes a child of this one, and not of the machine's init."""
    prctl = ctypes.CDLL(None).prctl
    prctl(36, 1, 0, 0, 0)
    yield
    prctl(36, 0, 0, 0, 0)


@pytest.fixture(autouse=True)
def _disks_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where open files cannot be seen, the disk's growth counts: this machine's grows by what others do, too."""
    if not sees_open_files():
        monkeypatch.setattr(run, "written_on_disks", lambda _: 0)


def test_the_environment_is_made_from_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    monkeypatch.setenv("TASK_ID", "the-task")
    seen = dict(line.split("=", 1) for line in box.sh("env").output.tail.splitlines())
    assert set(seen) - {"PWD", "_", "SHLVL", "OLDPWD"} == {"PATH", "HOME", "TMPDIR", "LANG"}


def test_no_process_of_another_user_can_be_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    outcome = box.sh(
        f"cat /proc/{os.getpid()}/environ /proc/{os.getppid()}/environ /proc/{os.getpid()}/mem /proc/$PPID/environ;"
        "for f in /proc/[0-9]*/environ; do [ $f = /proc/$$/environ ] || tr '\\0' '\\n' < $f; done; echo end"
    )
    assert "the-secret" not in outcome.output.tail
    assert "AWS_" not in outcome.output.tail
    assert "Permission denied" in outcome.output.tail


def test_it_is_nobody_and_cannot_become_anyone(box: Box) -> None:
    tail = box.sh("id -u; id -g; id -G; grep -E 'NoNewPrivs|Cap(Prm|Eff|Inh|Amb)' /proc/self/status").output.tail
    assert tail.split() == [
        *[str(box.uid)] * 3,
        *("CapInh:", "0" * 16, "CapPrm:", "0" * 16, "CapEff:", "0" * 16, "CapAmb:", "0" * 16, "NoNewPrivs:", "1"),
    ]


def test_only_the_three_standard_descriptors_are_open(box: Box) -> None:
    tail = box.python("import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))").output.tail
    assert tail.strip() == "[0, 1, 2, 3]"  # the last is the listing itself


def test_it_writes_to_its_own_folder_only(box: Box) -> None:
    (box.around / "kept").mkdir(mode=0o755)
    (box.around / "kept" / "file").write_text("as it was")
    outcome = box.sh(
        f"cd {box.around}; echo x > kept/file; echo x > new; rm -rf kept; ls; echo x > /etc/x; echo x > /usr/bin/x;"
        f"echo fine > {box.sandbox.folder}/mine; exit 0"
    )
    assert outcome.succeeded
    assert (box.around / "kept" / "file").read_text() == "as it was"
    assert not (box.around / "new").exists()
    assert not Path("/etc/x").exists()
    assert (box.sandbox.folder / "mine").read_text() == "fine\n"


def test_another_sandbox_is_out_of_reach(make_box: MakeBox) -> None:
    one, two = make_box(), make_box()
    assert one.uid != two.uid
    (two.sandbox.folder / "secret").write_text("two's")
    started = threading.Event()
    two_outcome = []

    def wait() -> None:
        two_outcome.append(two.sandbox.run(["/bin/sh", "-c", "echo up; sleep 1"], two.sandbox.folder, 20, up))

    def up(_: str) -> None:
        started.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert started.wait(20)
    outcome = one.sh(f"cat {two.sandbox.folder}/secret; kill -9 -1; kill -9 $(pgrep -u {two.uid})")
    thread.join()
    assert "two's" not in outcome.output.tail
    assert two_outcome[0].succeeded


_SOCKETS = """\
import socket
for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
    try: print(socket.socket(getattr(socket, family), socket.SOCK_DGRAM))
    except OSError as error: print(error.strerror)
socket.socketpair()
print(open("/proc/net/dev").read().count(":"))
"""


def test_there_is_no_network(box: Box) -> None:
    """No socket that could reach an address, with or without interfaces."""
    *sockets, interfaces = box.python(_SOCKETS).output.tail.splitlines()
    assert sockets == ["Address family not supported by protocol"] * 5
    if may_make_namespaces():
        assert interfaces == "1"  # lo, which is down


_NAMESPACES = """\
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def show(*call):
    print(call[0] if (answer := libc.syscall(*call)) >= 0 else os.strerror(ctypes.get_errno()))
for flag in (0x10000000, 0x00020000, 0x40000000, 0x10000000 | 0x00020000):
    show(unshare, flag)
show(setns, os.open("/proc/self/ns/user", os.O_RDONLY), 0)
show(clone, 0x10000000 | 17, 0, 0, 0, 0)
show(clone3, 0, 0)
show(keyctl, 0, -4, 1)
show(add_key, b"user", b"name", b"x", 1, -4)
show(io_uring_setup, 1, 0)
show(memfd_create, b"", 0)
show(memfd_secret, 0)
show(shmget, 0, 4096, 0o1600)
"""


def test_there_are_no_namespaces_no_keyrings_no_hidden_memory_and_no_way_round_the_filter(box: Box) -> None:
    numbers = "".join(f"{name} = {number}\n" for name, number in NUMBERS[platform.machine()].items())
    answers = box.python(numbers + _NAMESPACES).output.tail.splitlines()
    refused, unknown = "Operation not permitted", "Function not implemented"
    assert answers == [refused] * 6 + [unknown] + [refused] * 2 + [unknown] * 4


_32_BIT = """\
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
address = ctypes.addressof(ctypes.c_char.from_buffer(code))
print("number:", ctypes.CFUNCTYPE(ctypes.c_int)(address)(), flush=True)
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only there is a second set of calls")
def test_calls_of_32_bit_programs_end_the_step(box: Box) -> None:
    outcome = box.python(_32_BIT)
    # Kernels without such calls end it, too.
    assert outcome.exit_code in (-signal.SIGSYS, -signal.SIGSEGV)
    assert "number" not in outcome.output.tail


def test_a_step_that_cannot_be_confined_does_not_run(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscall_filter, "program", lambda **_: bytes(8))  # one instruction that the kernel refuses
    outcome = box.sh("echo ran")
    assert outcome.exit_code == 126
    assert outcome.output.tail == "cannot start the sandboxed command: [Errno 22] cannot confine this step\n"


def test_what_a_step_is_given_is_in_nobodys_arguments(box: Box) -> None:
    box.sandbox.environment = {**box.sandbox.environment, "INDEX_PASSWORD": "the-password"}
    seen = box.sh("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'; echo; echo $INDEX_PASSWORD").output.tail
    assert seen.count("the-password") == 1


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_a_kernel_without_process_descriptors(box: Box, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Linux 4.14 has none, and older container runtimes refuse what they do not know."""

    def refuse(_: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert box.sh("echo fine").output.tail == "fine\n"
    assert box.sh("exit 3").exit_code == 3
    assert box.sh("sleep 1000", seconds=0.3).failure == "took longer than 0.3 seconds"
    threading.Timer(0.2, box.sandbox.stop).start()
    with pytest.raises(StoppedError):
        box.sh("sleep 1000", seconds=100)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("end of") and not _ends(thread)]


def _ends(thread: threading.Thread) -> bool:
    thread.join(10)
    return not thread.is_alive()


@pytest.mark.parametrize(
    "leave",
    [
        "sleep 1000 &",
        "setsid sleep 1000 &",
        "(setsid sh -c 'sleep 1000 & sleep 1000' </dev/null >/dev/null 2>&1 &)",
        "nohup sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' &",
    ],
)
def test_nothing_is_left_running(box: Box, leave: str) -> None:
    outcome = box.sh(f"{leave}\nsleep 0.1; echo started")
    assert outcome.succeeded
    assert "started" in outcome.output.tail
    assert list(of_user(box.uid)) == []


def test_a_process_that_hides_its_owner_is_not_left_running(box: Box) -> None:
    hide = "import ctypes, os, time; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); "
    box.python(hide + "os.fork() or (os.setsid(), time.sleep(1000))")
    assert list(of_user(box.uid)) == []


def test_a_fork_bomb_ends_with_its_step(make_box: MakeBox) -> None:
    box = make_box(processes=50)
    outcome = box.python("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", seconds=1)
    assert outcome.failure == "took longer than 1 seconds"
    assert list(of_user(box.uid)) == []


def test_a_command_that_does_not_end(box: Box) -> None:
    outcome = box.sh("echo before; sleep 1000", seconds=0.5)
    assert outcome.failure == "took longer than 0.5 seconds"
    assert outcome.output.tail == "before\n"
    assert not outcome.succeeded


def test_a_command_that_closes_its_output_and_stays(box: Box) -> None:
    assert box.sh("exec >&- 2>&-; sleep 1000", seconds=0.5).failure == "took longer than 0.5 seconds"


def test_stop_ends_a_step_at_once(box: Box) -> None:
    threading.Timer(0.2, box.sandbox.stop).start()
    with pytest.raises(StoppedError):
        box.sh("sleep 1000", seconds=100)
    assert list(of_user(box.uid)) == []
    with pytest.raises(StoppedError):
        box.sh("sleep 1000", seconds=100)


def test_processor_time(make_box: MakeBox) -> None:
    outcome = make_box(cpu_seconds=1).sh("while :; do :; done")
    assert outcome.exit_code < 0


def test_memory_of_one_process(make_box: MakeBox) -> None:
    box = make_box(memory_bytes=100 * MIB)
    assert "MemoryError" in box.python("x = bytearray(200_000_000)").output.tail
    assert box.python("x = bytearray(20_000_000)").succeeded


def test_memory_of_all_processes_together(make_box: MakeBox) -> None:
    box = make_box(memory_bytes=100 * MIB)
    program = "import os, time\nfor _ in range(4): os.fork() or (bytearray(40_000_000), time.sleep(60))\ntime.sleep(60)"
    keep = program.replace("(bytearray(40_000_000), time.sleep(60))", "exec('x = b\"1\" * 40_000_000; time.sleep(60)')")
    assert box.python(keep).failure == f"used more than {100 * MIB:,} bytes of memory"


def test_one_file(make_box: MakeBox) -> None:
    box = make_box(file_bytes=MIB)
    assert box.sh("head -c 1048576 /dev/zero > fits").succeeded
    assert not box.sh("head -c 1048577 /dev/zero > large").succeeded
    assert (box.sandbox.folder / "large").stat().st_size == MIB


@pytest.mark.usefixtures("no_own_disk")
@pytest.mark.parametrize("where", [".", "/dev/shm"])
def test_many_files(make_box: MakeBox, where: str) -> None:
    box = make_box(disk_bytes=8 * MIB, file_bytes=MIB)
    outcome = box.sh(
        f"cd {where}; i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > blue-faas-test-$i; sleep 0.02; done"
    )
    assert outcome.failure == f"wrote more than {8 * MIB:,} bytes to disk"


_NAMELESS = "import tempfile, time\nkept = [tempfile.TemporaryFile() for _ in range({})]\n"
_NAMELESS += "for file in kept: file.write(bytes(2 << 20)); file.flush()\ntime.sleep({})"


@pytest.mark.skipif(not sees_open_files(), reason="root may not look at processes of other users here")
@pytest.mark.usefixtures("no_own_disk")
def test_files_without_a_name(make_box: MakeBox) -> None:
    box = make_box(disk_bytes=8 * MIB, file_bytes=3 * MIB)
    assert box.python(_NAMELESS.format(2, 1.2)).succeeded
    assert box.python(_NAMELESS.format(8, 60)).failure == f"wrote more than {8 * MIB:,} bytes to disk"


@pytest.mark.usefixtures("no_own_disk")
@pytest.mark.skipif(not may_make_namespaces(), reason="no file system can be mounted here")
def test_files_without_a_name_where_nobody_can_see_them(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk of the step's own: what others write here is not to be counted."""
    for look in ("sees_open_files", "nameless_files_of_user"):
        monkeypatch.setattr(run, look, lambda *_: 0)
    monkeypatch.setattr(disk, "_SHARED_FOLDERS", ())
    monkeypatch.setattr(run, "_FREE_FILES", 0)
    box.sandbox.limits = box.sandbox.limits.model_copy(update={"disk_bytes": 8 * MIB, "file_bytes": 3 * MIB})
    temporary = box.sandbox.folder / "tmp"
    options = f"size=1g,mode=700,uid={box.uid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(temporary)], check=True)
    try:
        box.sandbox.folder = temporary
        assert box.python(_NAMELESS.format(2, 1.2)).succeeded
        assert box.python(_NAMELESS.format(8, 60)).failure == f"wrote more than {8 * MIB:,} bytes to disk"
    finally:
        subprocess.run(["umount", str(temporary)], check=True)


@pytest.mark.usefixtures("no_own_disk")
def test_files_with_nothing_in_them(make_box: MakeBox) -> None:
    box = make_box(disk_bytes=4 * MIB)
    program = "import os, time\nfor number in range({}): os.close(os.open(str(number), os.O_CREAT))\ntime.sleep({})"
    assert box.python(program.format(500, 0.7)).succeeded
    assert box.python(program.format(2000, 60)).failure == f"wrote more than {4 * MIB:,} bytes to disk"


@pytest.mark.parametrize(("bytes_left", "files_left"), [(100 * MIB, 10**6), (10**12, 100)])
def test_a_machine_that_runs_full(box: Box, monkeypatch: pytest.MonkeyPatch, bytes_left: int, files_left: int) -> None:
    full = os.statvfs_result((1, 1, 10**9, bytes_left, bytes_left, 10**7, files_left, files_left, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    assert box.sh("sleep 60").failure == "left the build machine without free disk space"


def test_a_machine_whose_memory_is_used_up(box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By what no process has in its account: the kernel's own count tells."""
    meminfo = tmp_path / "meminfo"
    monkeypatch.setattr(processes, "_MEMORY", str(meminfo))
    meminfo.write_text("MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable: 131072 kB\n")
    assert box.sh("sleep 0.7").succeeded
    meminfo.write_text("MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable: 131071 kB\n")
    assert box.sh("sleep 60").failure == "left the build machine without free memory"


def test_the_kernel_tells_how_much_memory_is_free() -> None:
    assert 0 < processes.free_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_what_is_left_in_shared_folders_is_removed(make_box: MakeBox) -> None:
    box = make_box()
    box.sh("mkdir -p /dev/shm/blue-faas-left/a; echo x > /dev/shm/blue-faas-left/a/b; echo x > /tmp/blue-faas-left")
    assert Path("/tmp/blue-faas-left").exists()
    box.sandbox.__exit__()
    assert not Path("/tmp/blue-faas-left").exists()
    assert not Path("/dev/shm/blue-faas-left").exists()


def test_a_gigabyte_of_output_fills_nothing(make_box: MakeBox) -> None:
    box = make_box(log_bytes=10_000)
    outcome = box.sh("head -c 1000000000 /dev/zero | tr '\\0' 'x'; echo; echo the end", seconds=60)
    assert outcome.succeeded
    assert len(outcome.output.tail) <= 256 * 1024
    assert outcome.output.tail.endswith("\nthe end\n")
    assert sum(map(len, box.lines)) < 20_000
    assert box.lines[-1] == "(more output than the log takes: the rest is left out)"


def test_a_folder_handed_over_through_a_link_stays_whose_it_was(box: Box) -> None:
    (box.around / "mine").write_text("x")
    (box.sandbox.folder / "link").symlink_to(box.around / "mine")
    box.sandbox.hand_over()
    assert (box.around / "mine").stat().st_uid == 0


def test_no_core_files_and_no_setuid_for_others(box: Box) -> None:
    box.sh("cp /bin/sh shell; chmod 6777 shell; ulimit -c; kill -SEGV $$")
    assert not list(box.sandbox.folder.glob("core*"))
    mode = (box.sandbox.folder / "shell").stat()
    assert mode.st_uid == box.uid
    assert stat.S_IMODE(box.sandbox.folder.stat().st_mode) == 0o700


def test_users_are_given_back(make_box: MakeBox) -> None:
    first = make_box()
    uid = first.uid
    first.sandbox.user.release()
    assert make_box().uid == uid


def test_the_next_step_of_a_user_may_have_all_its_processes(make_box: MakeBox) -> None:
    """Ended ones that nobody has collected count too."""
    box = make_box(processes=50)
    with box.sandbox:
        box.python("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", seconds=1)
    owners = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            owners.append(re.search(r"^Uid:\t(\d+)", status.read_text(), re.MULTILINE))
    assert str(box.uid) not in {owner[1] for owner in owners if owner}


_DEEP = """\
import os, time
for _ in range(3000):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
time.sleep(30)
"""


@pytest.mark.usefixtures("no_own_disk")
def test_folders_below_where_paths_end_are_noticed_and_removed(box: Box) -> None:
    """Their content would not be counted, and removing them level by level needs more levels than Python has."""
    outcome = box.python(_DEEP)
    assert outcome.failure == "made folders that are nested too deeply"
    remove_folder(box.sandbox.folder)
    assert not box.sandbox.folder.exists()
