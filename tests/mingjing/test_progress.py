"""The progress line: nothing for two seconds, then how far, how fast and how long yet."""

import pytest

from mingjing.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("mingjing.progress.time.monotonic", lambda: now[0])
    return now


def test_quick_work_is_quiet_and_long_work_is_told(clock, capsys):
    progress = Progress("Verifying p256", "tiles")
    clock[0] += 1.9
    progress(10, 1000)
    progress.end()
    assert capsys.readouterr().err == ""
    clock[0] += 3.1
    progress(500, 2000)
    progress(600, 2000)
    assert capsys.readouterr().err == "Verifying p256: 500 of 2,000 tiles, 100/s, 15 s left\n"
    clock[0] += 10
    progress(1500, 2000)
    assert capsys.readouterr().err == "Verifying p256: 1,500 of 2,000 tiles, 100/s, 5 s left\n"


def test_on_a_terminal_one_line_is_written_again_and_taken_away(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    progress = Progress("Exporting p256", "files")
    for _ in range(3):
        clock[0] += 2.5
        progress(5, 10)
    progress.end()
    said = capsys.readouterr().err
    assert said.count("\r\x1b[KExporting p256: 5 of 10 files") == 3
    assert "\n" not in said
    assert said.endswith("\r\x1b[K")
