"""The decisions hold their form: numbered without gaps, half a page each, with a price and what would change them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "docs/decisions").iterdir())
PARTS = ("Context.", "Decision.", "Price.", "What would change our mind.")
HALF_A_PAGE = 40
"""Lines."""

NAMED = re.compile(r"docs/decisions/(\d\d-[\w-]+\.md)")
NUMBERED = re.compile(r"\b[Dd]ecision (\d+)\b")


def is_numbered(names: Iterable[str]) -> bool:
    """Do the files stand as 01, 02, 03 and so on, each number once?"""
    numbers = [name.partition("-")[0] for name in sorted(names)]
    return numbers == [f"{place:02}" for place in range(1, len(numbers) + 1)]


def faults(number: int, text: str) -> list[str]:
    """What keeps a text from being a decision."""
    lines = text.splitlines()
    wrong = [] if re.match(rf"# {number}\. \S", lines[0]) else [f"begins with {lines[0]!r}"]
    if len(lines) > HALF_A_PAGE:
        wrong.append(f"has {len(lines)} lines")
    heads = re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)
    if [head for head in heads if head in PARTS] != list(PARTS):
        wrong.append(f"has the parts {heads}")
    return wrong


def test_numbers_are_unique_and_without_gaps() -> None:
    assert is_numbered(file.name for file in FILES), [file.name for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_is_half_a_page_with_its_price(file: Path) -> None:
    assert faults(int(file.name[:2]), file.read_text(encoding="utf-8")) == []


def test_whoever_names_a_decision_names_one_that_there_is() -> None:
    sources = [
        file
        for folder in ("bot", "handlers", "storage", "tests", "benchmarks", "docs")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".md"}
    ]
    texts = [file.read_text(encoding="utf-8") for file in sources]
    named = {name for text in texts for name in NAMED.findall(text)}
    assert named
    assert named <= {file.name for file in FILES}
    numbered = {int(number) for text in texts for number in NUMBERED.findall(text)}
    assert numbered
    assert max(numbered) <= len(FILES)


def test_a_number_given_twice_or_left_out_would_be_noticed() -> None:
    """Control."""
    assert is_numbered(["02-b.md", "01-a.md"])
    assert not is_numbered(["01-a.md", "02-b.md", "02-c.md"])
    assert not is_numbered(["01-a.md", "03-b.md"])


def test_a_decision_without_a_price_would_be_noticed() -> None:
    """Control."""
    whole = FILES[0].read_text(encoding="utf-8")
    assert faults(1, whole) == []
    assert faults(2, whole)
    assert faults(1, whole.replace("**Price.**", "**Gain.**"))
    assert faults(1, whole + "\n" * HALF_A_PAGE)
