"""What an operator can set: the environment first, then `menkou.toml`; a name that does not exist is refused."""

from bot.settings.demo import for_demo
from bot.settings.loading import describe, load
from bot.settings.names import FOLDER, Settings
from bot.settings.problems import BadSettings, NotPossible
from bot.settings.sources import FILE, PREFIX, SECRETS
from bot.settings.values import NEW_KEY, password_in

__all__ = [
    "FILE",
    "FOLDER",
    "NEW_KEY",
    "PREFIX",
    "SECRETS",
    "BadSettings",
    "NotPossible",
    "Settings",
    "describe",
    "for_demo",
    "load",
    "password_in",
]
