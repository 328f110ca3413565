"""Archives made to do harm: each is refused with a sentence that says what is wrong, and others build on meanwhile."""

import re
import stat
from collections.abc import Callable

import pytest

from tests.security.service import archives
from tests.support.client import COMPONENT, Client, spin_toml, zipped

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "leaves the folder": (lambda: archives.named("../../etc/cron.d/x"), "leaves its folder"),
    "leaves the folder, hidden": (lambda: archives.named("a/../../x"), "leaves its folder"),
    "absolute": (lambda: archives.named("/etc/cron.d/x"), "absolute path"),
    "drive letter": (lambda: archives.named("C:/x"), "absolute path"),
    "drive letter, relative": (lambda: archives.named("c:x"), "absolute path"),
    "backslashes": (lambda: archives.named("..\\..\\x"), "leaves its folder"),
    "NUL": (lambda: archives.named(b"app.wasm\0.txt"), "control characters"),
    "newline": (lambda: archives.named("a\nb"), "control characters"),
    "not UTF-8": (lambda: archives.named("가".encode("cp949")), "not UTF-8"),
    "in no encoding": (lambda: archives.named(b"a\xff.txt", flags=0), "not UTF-8"),
    "200 deep paths": (lambda: archives.names(*(f"{n}" + "/\u0344" * 337 for n in range(200))), "more than 32 parts"),
    "NFC and NFD": (lambda: archives.names("caf\u00e9", "cafe\u0301"), "two names for one file"),
    "upper and lower case": (lambda: archives.names("lib/a.py", "Lib/a.py"), "two names for one file"),
    "file and folder": (lambda: archives.names("a", "a/b"), "both as a file and as a folder"),
    "duplicate": (lambda: archives.twice("app.wasm"), "'app.wasm' twice"),
    "symbolic link": (lambda: archives.link("/etc/shadow"), "not a plain file"),
    "symbolic link, relative": (lambda: archives.link("../../upload"), "not a plain file"),
    "character device": (lambda: archives.named("a", mode=stat.S_IFCHR | 0o666), "not a plain file"),
    "block device": (lambda: archives.named("a", mode=stat.S_IFBLK | 0o666), "not a plain file"),
    "FIFO": (lambda: archives.named("a", mode=stat.S_IFIFO | 0o666), "not a plain file"),
    "encrypted": (archives.encrypted, "encrypted"),
    "1 GB in one entry": (archives.one_huge_entry, r"unpacks to more than [\d,]+ bytes"),
    "100 MB of nothing": (lambda: archives.one_huge_entry(99), "unpacks to more than 200 times its size"),
    "1 GB that claims to be ten bytes": (archives.huge_entry_that_claims_to_be_small, "damaged"),
    "bomb": (archives.bomb, "damaged: its entries overlap"),
    "ZIP64, an entry of an exabyte": (lambda: archives.zip64(size=1 << 60), "damaged"),
    "ZIP64, a quintillion entries": (lambda: archives.zip64(entries=1 << 60), "more than 10,000 entries"),
    "ZIP64, a directory of a terabyte": (lambda: archives.zip64(directory_bytes=1 << 40), "more than 10,000 entries"),
    "ZIP64, a directory beyond the end": (lambda: archives.zip64(offset=1 << 60), "damaged"),
    "90,000 entries of no file": (lambda: archives.directory_without_files(90_000), "more than 10,000 entries"),
    "20,000 entries": (lambda: archives.many_entries(20_000), "more than 10,000 entries"),
}


@pytest.fixture(scope="module")
def answers(cloud: Client) -> dict[str, str]:
    """What each upload is told: all are sent at once, with an honest one among them."""
    tasks: dict[str, str] = {}
    said: dict[str, str] = {}
    for name, (make, _) in HOSTILE.items():
        answer = cloud.upload("app.zip", make(), workspace_id="hostile-archives")
        if answer.status_code == 202:
            tasks[name] = answer.json()["task_id"]
        else:
            assert answer.status_code == 400, answer.text
            said[name] = answer.json()["detail"]
    honest = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT, "beside": b"hostile archives"})
    beside = cloud.start("app.zip", honest, workspace_id="hostile-archives")
    for name, task_id in tasks.items():
        task = cloud.wait(task_id, "hostile-archives")
        assert task["status"] == "failed", name
        assert task["result"] is None
        said[name] = task["error"]
    assert cloud.wait(beside, "hostile-archives")["status"] == "done"
    return said


@pytest.mark.parametrize("name", HOSTILE)
def test_is_refused_and_told_why(answers: dict[str, str], name: str) -> None:
    assert re.search(HOSTILE[name][1], answers[name])
    assert "Traceback" not in answers[name]
    assert "unexpectedly" not in answers[name]


def test_the_bomb_is_one() -> None:
    assert len(archives.bomb()) < 50_000


def test_100_000_entries_dropped_into_the_bucket(cloud: Client) -> None:
    """More than a request can carry."""
    task = cloud.wait(cloud.drop("crowded", "app.zip", archives.many_entries(100_000)))
    assert task["status"] == "failed"
    assert "more than 10,000 entries" in task["error"]


def test_a_zip_in_a_zip_stays_one(cloud: Client) -> None:
    """Nobody unpacks what is inside: it is a file like others."""
    others = [("spin.toml", spin_toml("test ! -e leaf && test -f inner.zip")), ("app.wasm", COMPONENT)]
    task_id = cloud.start("app.zip", archives.nested(6, bytes(1 << 20), others))
    task = cloud.wait(task_id)
    assert task["status"] == "done", task["error"]


def test_a_hard_link_in_an_extra_field_is_no_link(cloud: Client) -> None:
    """PKWARE's UNIX extra field can name a link's target (APPNOTE 4.5.7); the entry stays the file that it is."""
    target = b"/etc/shadow"
    extra = b"\x0d\x00" + (12 + len(target)).to_bytes(2, "little") + bytes(12) + target
    content = archives.archive(archives.Entry(b"app.wasm", COMPONENT, extra=extra))
    assert cloud.wait(cloud.start("app.zip", content))["status"] == "done"
