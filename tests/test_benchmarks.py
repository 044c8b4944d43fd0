"""The benchmarks keep what they measured: one subject that breaks takes no other's figures with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.report import Line

COSTS = Line("A turn", "1 ms", "≤ 2 ms", True)
WEIGHS = Line("A sender", "90 MB", "≤ 80 MB", False, "it carries much")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run with two subjects writes; the machine is not asked, so nothing is looked for on it."""
    monkeypatch.setattr(benchmarks, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(benchmarks, "SUBJECTS", {"turns": lambda quick: [COSTS], "sending": lambda quick: [WEIGHS]})
    monkeypatch.setattr(benchmarks.machine, "describe", lambda: [("Machine", "an abacus")])
    monkeypatch.setattr(benchmarks.structlog, "configure", lambda **_settings: None)
    return tmp_path / "results.md"


def break_before_the_others(monkeypatch: pytest.MonkeyPatch, error: BaseException, results: Path) -> list[str]:
    """A first subject that breaks, and a last that reads what stands on disk when its turn comes."""
    seen: list[str] = []

    def breaks(quick: bool) -> list[Line]:
        raise error

    def reads(quick: bool) -> list[Line]:
        seen.append(results.read_text(encoding="utf-8"))
        return [WEIGHS]

    subjects = {"turns": lambda quick: [COSTS], "joins": breaks, "sending": reads}
    monkeypatch.setattr(benchmarks, "SUBJECTS", subjects)
    return seen


def test_a_subject_that_breaks_is_named_with_its_reason_and_the_others_are_written(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It once took a whole run of an hour with it: nothing was written at all."""
    seen = break_before_the_others(monkeypatch, TimeoutError("no answer\n| within 30 s"), results)
    assert benchmarks.main([]) == 1
    page = results.read_text(encoding="utf-8")
    assert "| A turn | 1 ms | ≤ 2 ms | yes |" in page
    assert "| Broken: joins | TimeoutError: no answer \\| within 30 s |  |  |" in page
    assert "| A sender | 90 MB | ≤ 80 MB | no |" in page
    assert "Not whole: joins broke.\n" in page
    # It was on disk before the next subject began, and said what it lacked.
    assert "| A turn | 1 ms | ≤ 2 ms | yes |" in seen[0]
    assert "Not whole: joins broke; sending still to come.\n" in seen[0]
    assert "TimeoutError" in capsys.readouterr().out


def test_a_run_that_is_stopped_leaves_what_it_had(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_before_the_others(monkeypatch, KeyboardInterrupt(), results)
    with pytest.raises(KeyboardInterrupt):
        benchmarks.main([])
    page = results.read_text(encoding="utf-8")
    assert "| A turn |" in page
    assert "Not whole: joins, sending still to come.\n" in page


def test_a_missed_aim_is_no_error_and_is_given_its_reason(results: Path) -> None:
    """Control: whole, and it says nothing else."""
    assert benchmarks.main([]) == 0
    page = results.read_text(encoding="utf-8")
    assert "- A sender: 90 MB; the aim is ≤ 80 MB. Why: it carries much.\n" in page
    assert "Not whole" not in page
    assert "Broken" not in page


def test_one_subject_alone_writes_no_file(results: Path) -> None:
    assert benchmarks.main(["--only", "turns"]) == 0
    assert not results.exists()
