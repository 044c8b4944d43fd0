"""The disk that `test_power_cut.py` rests on: what a flush makes last, and what chance may leave of the rest."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.promises.disk import HOWS, SECTOR, Disk, How, Step, hinders_tracing, steps, traced

OLD = bytes(2 * SECTOR)
NEW = b"x" * (2 * SECTOR)


def found(disk: Disk, how: How, seeds: int = 60) -> set[bytes | None]:
    """All that may be found of the file."""
    return {disk.without_power(how, Random(seed)).get("/d/f") for seed in range(seeds)}


def disk(*taken: Step) -> Disk:
    made = Disk("/d", {"/d/f": OLD})
    for step in taken:
        made.take(step)
    return made


def test_what_was_flushed_is_found_whatever_chance_does() -> None:
    one = disk(Step("write", "/d/f", NEW), Step("flush", "/d/f", since=1))
    assert all(found(one, how) == {NEW} for how in HOWS)


def test_what_was_not_flushed_is_found_or_not_or_torn_at_a_sector() -> None:
    one = disk(Step("write", "/d/f", NEW))
    assert found(one, "none") == {OLD}
    assert found(one, "all") == {NEW}
    assert found(one, "subset") == {OLD, NEW}
    assert found(one, "torn") == {OLD, NEW, NEW[:SECTOR] + OLD[:SECTOR], OLD[:SECTOR] + NEW[:SECTOR]}


def test_a_later_write_may_be_found_without_an_earlier_one_but_a_prefix_has_no_gaps() -> None:
    one = disk(Step("write", "/d/f", NEW[:SECTOR]), Step("write", "/d/f", NEW[:SECTOR], SECTOR))
    later_alone = OLD[:SECTOR] + NEW[:SECTOR]
    assert later_alone in found(one, "subset")
    assert found(one, "prefix") == {OLD, NEW[:SECTOR] + OLD[:SECTOR], NEW}


def test_a_flush_makes_nothing_last_that_was_written_after_it_began() -> None:
    one = disk(Step("write", "/d/f", NEW), Step("flush", "/d/f", since=0))
    assert found(one, "none") == {OLD}


def test_a_name_is_there_when_its_folder_was_flushed() -> None:
    made = (Step("create", "/d/log"), Step("write", "/d/log", b"words"), Step("flush", "/d/log", since=2))
    assert disk(*made).without_power("none", Random(1)) == {"/d/f": OLD}
    whole = disk(*made, Step("flush", "/d", since=3))
    assert whole.without_power("none", Random(1)) == {"/d/f": OLD, "/d/log": b"words"}
    gone = disk(Step("remove", "/d/f"))
    assert found(gone, "none") == {OLD}
    assert found(gone, "all") == {None}


def test_a_file_that_grew_by_what_was_not_written_may_hold_anything() -> None:
    one = disk(Step("write", "/d/f", b"y" * SECTOR, 2 * SECTOR))
    tails = {content[2 * SECTOR :] for content in found(one, "torn") if content is not None}
    assert len(tails) > 10


def hexed(words: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in words.encode())


def test_a_call_across_another_thread_counts_from_where_it_began_and_a_flush_to_where_it_ended() -> None:
    file = f"3<{hexed('/d/f')}>"
    lines = [
        f'10 pwrite64({file}, "{hexed("one")}", 3, 0) = 3\n',
        f"10 fdatasync({file} <unfinished ...>\n",
        f'11 pwrite64({file}, "{hexed("two")}", 3, 8 <unfinished ...>\n',
        "10 <... fdatasync resumed>)       = 0\n",
        "11 <... pwrite64 resumed>)        = 3\n",
        f'11 unlink("{hexed("/d/none")}") = -1 ENOENT (No such file or directory)\n',
        "+++ exited with 0 +++\n",
    ]
    assert list(steps(lines)) == [
        Step("write", "/d/f", b"one"), Step("write", "/d/f", b"two", 8), Step("flush", "/d/f", since=1),
    ]  # fmt: skip


def test_a_call_that_the_model_does_not_know_is_no_surprise_later() -> None:
    with pytest.raises(AssertionError, match="rename is not in the model"):
        list(steps([f'10 rename("{hexed("/d/f")}", "{hexed("/d/g")}") = 0\n']))


def test_a_real_program_is_seen_as_it_is(tmp_path: Path) -> None:
    if hindered := hinders_tracing(tmp_path):
        pytest.skip(f"nothing can be traced here: {hindered}")
    file = tmp_path / "f"
    seen = traced(["dd", f"of={file}", "if=/dev/null", "bs=512", "count=1"], tmp_path / "trace", [file], 20)
    assert seen[0] == Step("create", str(file))
