"""A server's facts are made by assignment, and are the same facts; then they are guarded again."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from typing import Any

import pytest

from bot import app, births
from bot.births import frozen, made_plainly, unguarded
from bot.domain.places import Gazetteer
from bot.talk.view import Page, View
from bot.talk.wording import Text


@dataclass(frozen=True, slots=True)
class Fact:
    """One of each kind of field."""

    number: int
    name: str = "nobody"
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Doubled:
    """Looks at itself as soon as it is there, and has no slots."""

    number: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", self.number * 2)


@dataclass(frozen=True, slots=True)
class Further(Fact):
    """A kind of the other."""

    more: int = 3


@dataclass(frozen=True)
class Nothing:
    """Has no fields."""


@dataclass(frozen=True)
class Counted:
    """Is made in its own way."""

    number: int = field(init=False, default=5)


GIVEN: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (Fact, (1,), {}),
    (Fact, (1, "Ann"), {"parts": {"a": 1}}),
    (Doubled, (4,), {}),
    (Further, (1,), {"more": 7}),
    (Nothing, (), {}),
    (Counted, (), {}),
]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(births, "OURS", (*births.OURS, "tests"))


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(("kind", "arguments", "named"), GIVEN, ids=[str(one[0].__name__) for one in GIVEN])
def test_the_same_arguments_make_the_same_fact(
    kind: Any, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    usual = kind(*arguments, **named)
    again = replace(usual)
    with unguarded():
        plain = kind(*arguments, **named)
        assert plain == usual
        assert (repr(plain), asdict(plain), replace(plain)) == (repr(usual), asdict(usual), again)
        assert copy.copy(plain) == pickle.loads(pickle.dumps(plain)) == usual


@pytest.mark.usefixtures("ours")
def test_each_fact_has_its_own_of_what_a_factory_makes() -> None:
    with unguarded():
        assert Fact(1).parts == {}
        assert Fact(1).parts is not Fact(1).parts


@pytest.mark.usefixtures("ours")
def test_what_is_missing_or_too_much_is_still_refused() -> None:
    kind: Any = Fact
    with unguarded():
        for arguments, named in (((), {}), ((1, "a", {}, 4), {}), ((1,), {"nothing": 2})):
            with pytest.raises(TypeError):
                kind(*arguments, **named)


@pytest.mark.usefixtures("ours")
def test_it_is_guarded_before_and_afterwards_even_when_serving_breaks() -> None:
    fact: Any = Fact(1)

    def serve() -> None:
        with unguarded(), unguarded():  # two of a process
            fact.number = 2  # the control: only here nobody asks
            raise OSError("broke")

    with pytest.raises(OSError, match="broke"):
        serve()
    with pytest.raises(FrozenInstanceError):
        fact.number = 3
    with pytest.raises(FrozenInstanceError):
        del fact.number
    assert fact == Fact(2)


def test_what_makes_itself_in_its_own_way_is_left_alone() -> None:
    assert made_plainly(Counted) is None


def test_all_facts_of_the_program_take_what_they_took() -> None:
    facts = frozen()
    assert {Text, View, Page} <= set(facts)
    before = [inspect.signature(one).replace(return_annotation=None) for one in facts]
    with unguarded():
        after = [inspect.signature(one) for one in facts]
    for one, usual, plain in zip(facts, before, after, strict=True):
        assert [(each.name, each.default) for each in plain.parameters.values()] == [
            (each.name, each.default) for each in usual.parameters.values()
        ], one
    assert [one for one in facts if made_plainly(one) is None] == [Gazetteer], "which makes some of its fields itself"


def test_while_it_serves_they_are_unguarded() -> None:
    assert "settled(), unguarded()" in inspect.getsource(app.App.serve)
