"""What a person is told while a task runs."""

import datetime
from typing import Any

import pytest
from blue_faas_cli.console import Output
from blue_faas_cli.progress import in_words

from functions.models.builds import Task


def task(status: str, **fields: Any) -> Task:
    return Task.model_validate({"task_id": "1", "status": status, **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "pending", "queued": True, "step": "queue"}, "waiting for a build machine"),
        ({"status": "pending", "queued": True, "queued_ahead": 0}, "waiting for a build machine"),
        ({"status": "pending", "queued": True, "queued_ahead": 1}, "waiting for a build machine, 1 build before it"),
        ({"status": "pending", "queued": True, "queued_ahead": 2}, "waiting for a build machine, 2 builds before it"),
        ({"status": "pending", "step": "upload"}, "waiting for its source"),
        ({"status": "building"}, "building"),
        ({"status": "building", "step": "type_check"}, "type check"),
    ],
)
def test_words(fields: dict[str, Any], words: str) -> None:
    assert in_words(task(**fields)) == words


def test_how_long_a_step_has_lasted() -> None:
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=90)
    words = in_words(task("building", step="build", step_started_at=since.isoformat()))
    assert words in ("build, 90 s", "build, 91 s")


def test_a_log_has_each_piece_of_news_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(as_json=False).waiting("building") as tell:
        for words, is_news in (("waiting", True), ("waiting", True), ("build, 5 s", False), ("building", True)):
            tell(words, is_news)
    assert capsys.readouterr().err.splitlines() == ["waiting", "building"]
