"""What the value of a setting must look like, and what is said of one that does not."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from bot.domain.rulesets import BadRules, with_own

KEY_LENGTH = 32
"""Characters that the secret key has at least: all other keys are derived from it."""

NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
"""The command that makes a secret key."""


def telegram_token(value: SecretStr) -> SecretStr:
    """Telegram writes the bot's number, a colon and 35 characters."""
    if not re.fullmatch(r"\d{4,16}:[A-Za-z0-9_-]{30,64}", value.get_secret_value()):
        raise ValueError("is not a bot token; @BotFather shows it as 123456789:AAF…")
    return value


def telegram_secret(value: SecretStr) -> SecretStr:
    """Bot API, setWebhook: 1–256 characters A-Z, a-z, 0-9, _ and -; under 32 anybody could guess it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{32,256}", value.get_secret_value()):
        raise ValueError(f"needs 32 to 256 letters, digits, _ or -; make one: {NEW_KEY}")
    return value


def wechat_app_id(value: str) -> str:
    if not re.fullmatch(r"wx[0-9a-f]{16}", value):
        raise ValueError("is not an AppID; the console shows it as wx and 16 digits or letters a–f")
    return value


def wechat_name(value: str) -> str:
    """WeChat's console, 名称: at most 30 characters, of which it counts a Chinese one twice."""
    name = " ".join(value.split())
    if not 0 < len(name) <= 30 or not name.isprintable():
        raise ValueError("needs 1 to 30 characters, the same as 名称 in the console")
    return name


def wechat_token(value: SecretStr) -> SecretStr:
    """WeChat's console: 3–32 letters and digits."""
    if not re.fullmatch(r"[A-Za-z0-9]{3,32}", value.get_secret_value()):
        raise ValueError("needs 3 to 32 letters and digits, the same as Token in the console")
    return value


def aes_key(value: SecretStr) -> SecretStr:
    """WeChat's console: 43 letters and digits, which are 32 bytes in Base64 without its last sign."""
    if not re.fullmatch(r"[A-Za-z0-9]{43}", value.get_secret_value()):
        raise ValueError("needs 43 letters and digits, the same as EncodingAESKey in the console")
    return value


def secret_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < KEY_LENGTH:
        raise ValueError(f"needs at least {KEY_LENGTH} characters; make one: {NEW_KEY}")
    return value


def database(value: str) -> str:
    """Addresses that people copy from elsewhere get the driver that Menkou uses."""
    scheme, colon, rest = value.partition("://")
    scheme = {
        "sqlite": "sqlite+aiosqlite",
        "postgres": "postgresql+asyncpg",
        "postgresql": "postgresql+asyncpg",
    }.get(scheme, scheme)
    if not colon or scheme not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise ValueError("needs sqlite+aiosqlite:///var/menkou.db or postgresql+asyncpg://name:password@host/database")
    return f"{scheme}://{rest}"


def password_in(address: str) -> str:
    """The password in a database's address, as it is written there; empty: there is none."""
    # As SQLAlchemy reads an address: to urlsplit a password with # or / in it is none.
    found = re.search(r"://[^:/]*:([^@]+)@|[?&]password=([^&]+)", address)
    return (found[1] or found[2]) if found else ""


def listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("needs an address and a port, such as 127.0.0.1:8080")
    return value


def web(value: str) -> str:
    """An address of a server, without a slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("needs an address such as https://volunteers.example.org")
    return value.rstrip("/")


def zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone; write it as Asia/Shanghai") from None
    return value


def hours(value: str) -> str:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})", value)
    try:
        if match:
            time(int(match[1]), int(match[2]))
            time(int(match[3]), int(match[4]))
            return f"{int(match[1]):02}:{match[2]}-{int(match[3]):02}:{match[4]}"
    except ValueError:
        match = None
    raise ValueError("needs two times of day, such as 21:00-08:00")


def rules(value: object) -> object:
    """The city's own sets of rules from the file that is named. Read once, at the start: no turn waits for a file."""
    if not isinstance(value, str):
        return value
    try:
        return with_own(Path(value).read_text(encoding="utf-8"))
    except BadRules as wrong:
        raise ValueError(f"names a file that cannot be used: {wrong}") from None
    except (OSError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is not UTF-8"
        raise ValueError(f"names a file that cannot be read: {why}") from None
