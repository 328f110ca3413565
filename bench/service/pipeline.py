"""Builds of three apps beside the tools typed by hand: new, as they were, one line changed; and where the time goes.

By hand is what a person types who has everything installed: the app's packages (from uv's cache), mypy, ``spin build``
with componentize-py itself, ``spin registry login`` and ``push``, one after the other. All take turns.
"""

import datetime
import statistics
from collections import defaultdict
from typing import Final

import httpx

from bench import charts
from bench.charts import Span
from bench.page import table
from bench.run import Run
from functions.contracts.task import BUILD_STEPS
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.benchmarks import chain
from tests.benchmarks.apps import App, hello, thirty_modules, three_packages
from tests.benchmarks.series import Series

APPS: Final = (hello, thirty_modules, three_packages)
MARKS: Final = {"same source again": 0.05, "one line changed": 0.20}
"""Most of what the tools take by hand."""
_BESIDE: Final = {"build": "type_check", "push": "store"}
"""Steps that begin together with another one (`functions.contracts.task.BUILD_STEPS`)."""
_HAND: Final = "by hand"
_NEW: Final = "new"


def measure(run: Run) -> str:
    """Return the section of the page."""
    with Cloud(CloudOptions(port=0, cluster=False)) as cloud:
        parts = [_one(make(), cloud, run) for make in APPS]
    rows = [row for found, _ in parts for row in found]
    head = ("app", "", "POST to done, s", "by hand, s", "ratio", "at most", "")
    return "\n\n".join((table(head, rows), *(picture for _, picture in parts)))


def _one(app: App, cloud: Cloud, run: Run) -> tuple[list[list[str]], str]:
    seconds: dict[str, list[float]] = defaultdict(list)
    falls: list[list[Span]] = []
    by_hand: list[chain.Steps] = []
    name = app.name.replace(" ", "-")
    chain.pipeline(app.never_built().upload(), cloud, name)  # what a first build fetches is there
    for number in range(run.runs):
        by_hand.append(chain.by_hand(app, cloud, number))
        seconds[_HAND].append(by_hand[-1]["total"])
        new = app.never_built()
        upload = new.upload()  # once: an archive made anew has other times in it
        seconds[_NEW].append(chain.pipeline(upload, cloud, name)[0]["total"])
        seconds["same source again"].append(chain.pipeline(upload, cloud, name)[0]["total"])
        began = datetime.datetime.now(datetime.UTC)
        steps, task = chain.pipeline(new.never_built().upload(), cloud, name)
        seconds["one line changed"].append(steps["total"])
        falls.append(_fall(steps, _first_line(cloud, task["task_id"]) - began))
    title = (
        f"Where the time of a build goes: {app.name}, one line changed, {Series(tuple(seconds['one line changed']))} s"
    )
    says = f"Waterfall of a build of {app.name} after one line was changed: " + ", ".join(
        f"{span.name} {span.seconds:.2f} s" for span in _medians(falls)
    )
    picture = run.figure(f"waterfall-{name}", says, charts.waterfall(title, _medians(falls)))
    hand = ", ".join(
        f"{step} {statistics.median(each[step] for each in by_hand):.2f}" for step in by_hand[0] if step != "total"
    )
    return _rows(app.name, seconds), f"{picture}\n\nBy hand, {app.name}: {hand} s (medians)."


def _rows(name: str, seconds: dict[str, list[float]]) -> list[list[str]]:
    hand = Series(tuple(seconds[_HAND]))
    rows = []
    for kind in (_NEW, *MARKS):
        series, mark = Series(tuple(seconds[kind])), MARKS.get(kind)
        ratio = series.median / hand.median
        held = "" if mark is None else ("yes" if ratio <= mark else "**no**")
        rows.append([name, kind, str(series), str(hand), f"{ratio:.3f}", "" if mark is None else f"{mark:g}", held])
    return rows


def _first_line(cloud: Cloud, task_id: str) -> datetime.datetime:
    """Return when the builder wrote its first line, as its first step began."""
    query = {"workspace_id": chain.WORKSPACE}
    answer = httpx.get(f"{cloud.url}/api/v1/tasks/{task_id}/logs", params=query, timeout=60).raise_for_status()
    return datetime.datetime.fromisoformat(answer.json()["lines"][0]["timestamp"])


def _fall(steps: chain.Steps, first_line: datetime.timedelta) -> list[Span]:
    """Lay the builder's steps one after the other from its first line on, and what was before and after them."""
    at = first_line.total_seconds()
    spans = [
        Span("POST", 0.0, steps["accepted"]),
        Span("start of a builder", steps["accepted"], at - steps["accepted"]),
    ]
    begins: dict[str, float] = {}
    for step in (name for name in BUILD_STEPS if name in steps):
        begins[step] = begins.get(_BESIDE.get(step, ""), at)
        spans.append(Span(step.replace("_", " "), begins[step], steps[step]))
        at = max(at, begins[step] + steps[step])
    return [*spans, Span("report, and end of the task", at, max(0.0, steps["total"] - at))]


def _medians(falls: list[list[Span]]) -> list[Span]:
    return [
        Span(
            spans[0].name,
            statistics.median(span.begin for span in spans),
            statistics.median(span.seconds for span in spans),
        )
        for spans in zip(*falls, strict=True)
    ]
