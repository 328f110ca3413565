"""A tool's output: every line is passed on until the log is full, the end is kept, memory is bounded."""

import io

import pytest
from builder.log import BuildLog, printable
from builder.sandbox.output import Output
from hypothesis import given
from hypothesis import strategies as st


@given(chunks=st.lists(st.binary(max_size=40)))
def test_lines_come_out_as_they_went_in_however_they_are_cut(chunks: list[bytes]) -> None:
    lines: list[str] = []
    output = Output(lines.append, 10_000)
    for chunk in chunks:
        output.feed(chunk)
    output.finish()
    whole = b"".join(chunks)
    expected = whole.decode("utf-8", "replace")
    assert output.tail == expected
    complete = whole.split(b"\n")
    if not complete[-1]:
        complete.pop()
    assert lines == [line.decode("utf-8", "replace") for line in complete]


@pytest.mark.parametrize(("size", "cut"), [(9, False), (10, True)])
def test_the_log_takes_so_much_and_says_when_it_stops(size: int, *, cut: bool) -> None:
    lines: list[str] = []
    output = Output(lines.append, 11)
    output.feed(b"x" * size + b"\n")
    output.feed(b"more\n")
    assert ("(more output than the log takes: the rest is left out)" in lines) is cut or "more" in lines
    assert output.tail.endswith("more\n")


def test_a_line_without_end_is_cut() -> None:
    lines: list[str] = []
    output = Output(lines.append, 100_000)
    output.feed(b"x" * 10_000)
    assert [len(line) for line in lines] == [4096, 4096]


def test_only_the_end_is_kept() -> None:
    output = Output(lambda _: None, 1)
    for _ in range(20):
        output.feed(b"x" * 65_536)
    output.feed(b"end")
    assert len(output.tail) == 256 * 1024
    assert output.tail.endswith("xend")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\rb\x07\x00c", "abc"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b]0;t\x07x", "]0;tx"),
        ("\x9b31m가", "31m가"),
    ],
)
def test_control_characters_are_dropped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_steps_are_timed_and_named_also_when_they_fail() -> None:
    stream = io.StringIO()
    log = BuildLog(stream)
    with pytest.raises(ValueError, match="x"), log.step("fetch", "Fetch it"):
        raise ValueError("x")
    assert set(log.durations) == {"fetch"}
    assert "Fetch it: failed in 0.00s" in stream.getvalue()
