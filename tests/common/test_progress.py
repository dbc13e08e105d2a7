"""Progress without a terminal: a line now and then, and durations as a reader says them."""

import pytest

from clearbench.common.progress import duration, duration_range, progress


def test_without_a_terminal_lines_come_ever_more_rarely_and_say_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = 0.0
    monkeypatch.setattr("clearbench.common.progress.time.monotonic", lambda: clock)
    with progress("encoding", 1000.0, "tokens") as advance:
        for _ in range(1000):
            clock += 1.0
            advance(1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "encoding: 3%, about 16 minutes left"
    assert [line.split(": ")[1].split("%")[0] for line in lines] == ["3", "4", "7", "10", "15", "23", "34", "52", "78"]


def test_the_time_left_follows_the_pace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = 0.0
    monkeypatch.setattr("clearbench.common.progress.time.monotonic", lambda: clock)
    with progress("encoding", 100.0, "tokens") as advance:
        clock = 30.0
        advance(50.0)
        clock = 600.0  # another program takes the machine
        advance(10.0)
    assert capsys.readouterr().err.splitlines() == [
        "encoding: 50%, about 30 seconds left",
        "encoding: 60%, about 7 minutes left",
    ]


def test_short_work_and_the_end_say_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = 0.0
    monkeypatch.setattr("clearbench.common.progress.time.monotonic", lambda: clock)
    with progress("encoding", 2.0, "tokens") as advance:
        clock = 29.0
        advance(1.0)
        clock = 99.0
        advance(1.0)
    with progress("nothing", 0.0, "tokens") as advance:
        clock = 999.0
        advance(0.0)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 second"), (1.6, "2 seconds"), (89, "89 seconds"), (90, "2 minutes"), (7200, "2.0 hours")],
)
def test_durations_are_said_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.5, 30, "1 to 30 seconds"),
        (40, 40.2, "40 seconds"),
        (26, 80, "26 to 80 seconds"),
        (50, 130, "50 seconds to 2 minutes"),
        (180, 300, "3 to 5 minutes"),
        (4000, 9000, "67 minutes to 2.5 hours"),
    ],
)
def test_a_range_names_its_unit_once_where_both_ends_share_it(low: float, high: float, text: str) -> None:
    assert duration_range(low, high) == text
