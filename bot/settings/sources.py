"""Where settings are written: the environment, files that it names, `menkou.toml`; a wrong name gets the nearest."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from bot.settings.problems import BadSettings

PREFIX = "MENKOU_"

TESTING = ("MENKOU_TEST_", "MENKOU_CI")
"""Names that begin like this belong to the tests (`MENKOU_TEST_POSTGRES`) and are nobody's settings."""

FILE = Path("menkou.toml")
"""Read from the working directory."""

SECRETS = (
    "database_url",  # it may hold a password
    "move_to",  # so may this
    "secret_key",
    "telegram_token",
    "telegram_secret",
    "wechat_app_secret",
    "wechat_token",
    "wechat_aes_key",
    "wechat_aes_key_previous",
)
"""Settings that can also come from a file, as `…_FILE`."""


class Written(PydanticBaseSettingsSource):
    """The environment, `…_FILE` and `menkou.toml`, read at once so that every wrong name is told at once."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: `__call__` gives all values together."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Values by field. Raises BadSettings with one line for every wrong name, file or double."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        known = self.settings_cls.model_fields
        for where, found in (("menkou.toml", _from_toml(problems)), ("the environment", _from_environment(problems))):
            taken: dict[str, Any] = {}
            for name, value in found.items():
                shown = PREFIX + name.upper() if where == "the environment" else f"{name} in {where}"
                if name in known:
                    field, content = name, value
                elif name.endswith("_file") and name.removesuffix("_file") in SECRETS:
                    field, content = name.removesuffix("_file"), _read(str(value), shown, problems)
                else:
                    problems.append(_unknown(name, known, shown, in_environment=where == "the environment"))
                    continue
                if field in taken:
                    problems.append(f"{shown} is given together with its twin; keep one of the two.")
                taken[field] = content
            values.update(taken)
        if problems:
            raise BadSettings(*problems)
        return values


def _from_environment(problems: list[str]) -> dict[str, str]:
    """What begins with MENKOU_, in small letters; an empty value counts as not given (compose files write such)."""
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and not name.startswith(TESTING) and value.strip()
    }


def _from_toml(problems: list[str]) -> dict[str, Any]:
    """The file's keys, which are the settings' names in small letters without the prefix."""
    try:
        content = FILE.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as fault:
        problems.append(f"{FILE} cannot be read: {getattr(fault, 'strerror', None) or 'it is not UTF-8'}.")
        return {}
    try:
        return {name.lower(): value for name, value in tomllib.loads(content).items()}
    except tomllib.TOMLDecodeError as fault:
        # Its message quotes no values, only what was expected and where.
        problems.append(f"{FILE} is not TOML: {fault}.")
        return {}


def _read(path: str, shown: str, problems: list[str]) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is not UTF-8"
        problems.append(f"{shown} names a file that cannot be read: {why}.")
        return None


def _unknown(name: str, known: Iterable[str], shown: str, in_environment: bool) -> str:
    """One line with the nearest name that exists."""
    names = [*known, *(f"{secret}_file" for secret in SECRETS)]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near:
        return f"{shown} is not a setting of Menkou; `menkou doctor --settings` lists all names."
    meant = PREFIX + near[0].upper() if in_environment else near[0]
    return f"{shown} is not a setting of Menkou; did you mean {meant}?"
