"""Facts made plainly are facts all the same: equal by what they say, and nobody may change one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

import pytest
from mypy import api

from bot.facts import fact

SOURCE = """
from dataclasses import dataclass, replace
from bot.facts import fact

@fact
class Fact:
    number: int

@dataclass
class Plain:
    number: int

replace(Fact(1), number=2)
"""


@fact
class Sign:
    """One of each kind of field."""

    number: int
    name: str = "nobody"
    parts: Mapping[str, int] = field(default_factory=dict, hash=False)


def test_it_is_equal_and_hashed_by_what_it_says() -> None:
    assert Sign(1) == Sign(1, "nobody", {})
    assert Sign(1) != Sign(2)
    assert len({Sign(1), Sign(1), Sign(1, "Ann")}) == 2
    assert Sign(1).parts is not Sign(1).parts
    assert not hasattr(Sign(1), "__dict__")


def test_it_can_be_replaced_copied_and_kept() -> None:
    one = Sign(1, "Ann", {"a": 1})
    assert replace(one, number=2) == Sign(2, "Ann", {"a": 1})
    assert copy.copy(one) == pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(("whose", "refused"), [("Fact", True), ("Plain", False)])
def test_whoever_changes_one_is_told_before_anything_runs(tmp_path: Path, whose: str, refused: bool) -> None:
    """The second is the control: of a dataclass that anybody may change, nothing is said."""
    (tmp_path / "source.py").write_text(f"{SOURCE}{whose}(1).number = 3\n", encoding="utf-8")
    told, trouble, code = api.run(["--strict", "--cache-dir", str(tmp_path), str(tmp_path / "source.py")])
    assert (trouble, code) == ("", int(refused)), told
    assert ("read-only" in told) == refused
