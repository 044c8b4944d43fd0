"""What we use of aiogram. Everything of it comes through here: its models are built when they are first used.

aiogram builds all its 446 types when it is imported (2 CPU seconds, 105 MB), and a bot needs two dozen. pydantic can
build a model at its first use; here aiogram is held back from asking for more while it is imported, and told its types'
names again whenever one is built. Docs: docs/decisions/13-aiogram-built-at-use.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

_REBUILD = BaseModel.__dict__["model_rebuild"]


@contextmanager
def _held_back(names: dict[str, Any]) -> Iterator[None]:
    """While it is imported, aiogram's types keep the names that they shall be built with and stay unbuilt."""

    def wait(cls: type[BaseModel], /, *, _types_namespace: Mapping[str, Any] | None = None, **how: Any) -> bool | None:
        if _types_namespace is None or not cls.__module__.startswith("aiogram."):
            built: bool | None = _REBUILD.__get__(None, cls)(_types_namespace=_types_namespace, **how)
            return built
        names.update(_types_namespace)
        return None

    setattr(BaseModel, "model_rebuild", classmethod(wait))  # noqa: B010 - a method that mypy knows as it was
    try:
        yield
    finally:
        setattr(BaseModel, "model_rebuild", _REBUILD)  # noqa: B010


NAMES: dict[str, Any] = {}
"""aiogram's types by name: their annotations name one another. Empty if somebody imported aiogram before."""

with _held_back(NAMES):
    from aiogram.client.context_controller import BotContextController
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.methods import (
        DeleteWebhook,
        GetFile,
        GetMe,
        GetUpdates,
        SetMyCommands,
        SetWebhook,
        TelegramMethod,
    )
    from aiogram.methods.base import Response
    from aiogram.types import (
        BotCommand,
        CallbackQuery,
        Location,
        Message,
        User,
    )


def _build(cls: type[BaseModel], /, **how: Any) -> bool | None:
    """What pydantic calls when a model is first used; every type, method and answer of aiogram inherits it."""
    names = how.pop("_types_namespace", None) or NAMES or None
    built: bool | None = _REBUILD.__get__(None, cls)(_types_namespace=names, **how)
    return built


for _one in (BotContextController, Response):
    setattr(_one, "model_rebuild", classmethod(_build))  # noqa: B010

__all__ = [
    "AiohttpSession",
    "BotCommand",
    "CallbackQuery",
    "DeleteWebhook",
    "GetFile",
    "GetMe",
    "GetUpdates",
    "Location",
    "Message",
    "SetMyCommands",
    "SetWebhook",
    "TelegramAPIServer",
    "TelegramMethod",
    "User",
]
