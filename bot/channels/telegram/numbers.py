"""Telegram in numbers, without aiogram: what every process may know."""

from __future__ import annotations

from bot.talk.capabilities import Capabilities

NAME = "telegram"

TEXT_LIMIT = 4096
"""UTF-16 units of a message's text. Bot API, sendMessage."""
CAPTION_LIMIT = 1024
"""UTF-16 units under a picture. Bot API, sendPhoto."""
PICTURE_LIMIT = 10_000_000
"""Bytes of a picture that is brought in a form. Bot API, sendPhoto."""
DATA_LIMIT = 64
"""Bytes of a button's `callback_data`. Bot API, InlineKeyboardButton."""

TELEGRAM = Capabilities(
    buttons=24,  # clients take 100 (emulators, not the API's page); nobody reads more than this many
    label_length=40,  # the API sets none up to 64 and more, a phone cuts a button of full width at about 40
    text_length=3600,  # of 4096: the rest is for what the door itself adds, the addresses of pages and maps
    unit="utf16",
    replies_per_message=5,  # "avoid more than one message a second, short bursts pass"; Bots FAQ
    sends_pictures=True,
)
"""Limits of the Bot API 10.3 and of the clients that people read with."""
