"""Facts are made plainly while it serves.

A frozen dataclass guards its fields at its own birth too: each goes through a call of `object.__setattr__`, at four to
nine times the cost of an assignment, and a turn makes a hundred facts: a sixth of its Python. Whether one is changed is
asked by mypy of the source and by Python in every test; a process that serves people need not ask again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import MISSING, fields
from typing import Any, cast

OURS = ("bot", "handlers", "storage")
_GUARDS = ("__setattr__", "__delattr__")


@contextmanager
def unguarded() -> Iterator[None]:
    """While it lasts, facts are made by assignment; then all is as it was."""
    with ExitStack() as afterwards:
        for one in frozen():
            plain = made_plainly(one)
            if plain is not None:
                afterwards.callback(_give_back, one, {name: vars(one)[name] for name in (*_GUARDS, "__init__")})
                for guard in _GUARDS:
                    delattr(one, guard)
                one.__init__ = plain
        yield


def _give_back(one: type, taken: dict[str, Any]) -> None:
    for name, value in taken.items():
        setattr(one, name, value)


def frozen() -> list[Any]:
    """Our frozen dataclasses, of the modules that there are by now."""
    ours = [(name, module) for name, module in list(sys.modules.items()) if name.partition(".")[0] in OURS]
    return [
        one
        for name, module in ours
        for one in vars(module).values()
        if isinstance(one, type) and one.__module__ == name and _is_frozen(one)
    ]


def _is_frozen(one: Any) -> bool:
    """Guarded, and not only by what it is a kind of."""
    own = vars(one)
    return "__dataclass_params__" in own and one.__dataclass_params__.frozen and all(guard in own for guard in _GUARDS)


def made_plainly(one: Any) -> Callable[..., None] | None:
    """What makes the same of the same arguments. None: it is not made as dataclasses usually are."""
    usual, names = vars(one).get("__init__"), [field.name for field in fields(one)]
    code = getattr(usual, "__code__", None)
    if code is None or code.co_filename != "<string>" or [*code.co_varnames[1 : code.co_argcount]] != names:
        return None
    defaults = usual.__defaults__ or ()
    left_out = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    known: dict[str, Any] = {}
    lines = ["pass"]
    for field in fields(one):
        if field.default_factory is MISSING:
            lines.append(f"self.{field.name} = {field.name}")
        else:
            known[f"make_{field.name}"], known[f"no_{field.name}"] = field.default_factory, left_out[field.name]
            lines.append(
                f"self.{field.name} = make_{field.name}() if {field.name} is no_{field.name} else {field.name}"
            )
    if hasattr(one, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(('self', *names))}):\n " + "\n ".join(lines), known)  # noqa: S102 - as dataclasses do
    made: Any = known["__init__"]
    made.__defaults__ = usual.__defaults__
    return cast(Callable[..., None], made)
