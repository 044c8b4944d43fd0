"""Whole conversations, word for word, through the door that each file names, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations.kit import DOORS, Town
from tests.transcripts import FILES, Transcript, Unreadable, moment, open_town, play


@pytest.fixture
def town(database_url: str) -> Town:
    return open_town(database_url)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_the_conversation_is_what_people_see(file: Path, town: Town) -> None:
    assert await play(file, town) == file.read_text(encoding="utf-8"), (
        "the answers have changed; `python -m tests.transcripts --update` writes them down, the diff shows them"
    )


async def test_one_other_word_would_be_noticed(town: Town, tmp_path: Path) -> None:
    """Control: the comparison sees a single changed word."""
    text = FILES[0].read_text(encoding="utf-8")
    changed = tmp_path / "changed.txt"
    changed.write_text(text.rstrip("\n") + " indeed\n", encoding="utf-8")
    assert await play(changed, town) == text != changed.read_text(encoding="utf-8")


def test_the_files_cover_both_languages_and_three_doors() -> None:
    heads = [Transcript.read(file.read_text(encoding="utf-8")) for file in FILES]
    assert {one.language for one in heads} == {"en", "zh_CN"}
    assert {"terminal", "wechat", "telegram"} <= {one.door for one in heads} <= set(DOORS)


def test_a_moment_with_the_wrong_day_of_the_week_is_refused() -> None:
    assert f"{moment('[Saturday 28 November, 09:55]'):%Y-%m-%d %H:%M}" == "2026-11-28 09:55"
    assert f"{moment('[11月28日 09:55]'):%Y-%m-%d %H:%M}" == "2026-11-28 09:55"
    with pytest.raises((Unreadable, ValueError)):
        moment("[Sunday 28 November, 09:55]")
