"""The settings as the program begins with them, and as an operator is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from bot.domain.rulesets import Rules
from bot.settings.names import Settings
from bot.settings.problems import BadSettings
from bot.settings.sources import PREFIX, SECRETS


def load(**typed: str | None) -> Settings:
    """Read the settings. Raises BadSettings with one line for every problem, never showing a value.

    `typed`: on the command line, which wins over what is written; None: it was not.
    """
    given: dict[str, Any] = {name: value for name, value in typed.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as fault:
        raise BadSettings(*_lines(fault)) from None


def _lines(fault: ValidationError) -> Iterator[str]:
    for error in fault.errors(include_input=False, include_url=False):
        name = PREFIX + "_".join(str(part) for part in error["loc"][:1]).upper()
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] in ("literal_error", "bool_parsing", "float_parsing", "string_type", "string_too_short"):
            message = message.replace("Input should be", "should be").replace("Value should", "should")
        yield f"{name} {message[:1].lower() + message[1:] if message.startswith('Input') else message}."


def describe() -> Mapping[str, tuple[str, str]]:
    """Every setting with its default and one sentence, for `menkou doctor --settings`."""
    return {
        PREFIX + name.upper(): (
            _written(field.default),
            f"{field.description}{' (or …_FILE)' if name in SECRETS else ''}",
        )
        for name, field in Settings.model_fields.items()
    }


def _written(default: object) -> str:
    """A default as an operator would write it."""
    if default is None or isinstance(default, Rules):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
