"""The settings of the demonstration city."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from bot.settings.names import Settings


def for_demo(given: Settings, folder: Path) -> Settings:
    """A database and a key of its own under `folder`, no platform, web chat on; what is only taste is kept."""
    return Settings(
        database_url=f"sqlite+aiosqlite:///{folder / 'menkou.db'}",
        secret_key=SecretStr(_kept_key(folder / "secret.key")),
        listen=given.listen,
        public_url=given.public_url,
        timezone=given.timezone,
        locale=given.locale,
        quiet_hours=given.quiet_hours,
        log_level=given.log_level,
        chat=True,
        telegram_token=None,
        telegram_mode="polling",
        wechat_app_id=None,
        wechat_app_secret=None,
        wechat_token=None,
        wechat_aes_key=None,
    )


def _kept_key(path: Path) -> str:
    """The key in the file; made on first use, readable for its owner alone."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = secrets.token_urlsafe(48)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(made + "\n")
        return made
