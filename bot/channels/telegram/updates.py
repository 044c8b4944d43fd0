"""From one raw update to what it means. Only the fields that we read are validated, each update alone.

A kind of sticker or of quote that came after this release must not bury the sentence beside it; and whoever wrote to
us is a chat's number, so that names go nowhere, not even into what is kept raw. A text and a press as nearly all are
need none of aiogram's models: docs/decisions/25-everyday-traffic-by-hand.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from bot.channels.telegram.library import CallbackQuery, Location, Message, User
from bot.channels.telegram.numbers import NAME
from bot.talk.incoming import Address, BadLink, Incoming, Intent, Photo, Place
from bot.talk.numbers import plain
from bot.talk.router import BACK, CANCEL, GO_ON, MORE, UNDO

KINDS = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of update that we ask for; all others are none of ours."""

RAW_LIMIT = 64 * 1024

_READ = (
    *("message_id", "date", "edit_date", "chat", "from", "text", "caption"),
    *("location", "contact", "photo", "document"),
)
_SERVICE = frozenset(
    {
        *("pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "proximity_alert_triggered"),
        *("chat_background_set", "boost_added", "users_shared", "chat_shared", "user_shared", "connected_website"),
        *("forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened"),
        *("gift", "unique_gift", "gift_upgrade_sent", "refunded_payment", "managed_bot_created"),
    }
)
"""What the chat itself notes about itself: nobody said it, nobody waits for an answer."""

_BESIDE_TEXT = frozenset(_READ) - {"message_id", "date", "chat", "from", "text"}
"""What we read of a message that is more than a text."""

_HIDDEN = "…"
_LARGEST_ID = 2**63 - 1
_LATEST = 2**33
"""Seconds since 1970; the year 2242."""
_PICK = re.compile(r"\d{1,9}\.\d{1,4}\Z", re.ASCII)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@[A-Za-z0-9_]{1,64})?(?:\s+(.*))?\Z", re.DOTALL)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_WAYS_OUT = CANCEL | BACK | MORE | UNDO | GO_ON


@dataclass(frozen=True, slots=True)
class Read:
    """What an update came to."""

    incoming: Incoming | None = None
    """None: it does not concern us (a group, an edit, a note of the chat itself)."""
    press: str = ""
    """The pressed button's query: it must be answered, whosever it is, or its clock turns for ever."""


class Unreadable(ValueError):
    """Nobody can read this update. `why` quotes nothing of it."""

    def __init__(self, key: str, why: str, raw: str) -> None:
        super().__init__(why)
        self.key = key
        self.why = why
        self.raw = raw


class Reader:
    """Turns updates into what they mean."""

    def __init__(self, clock: Callable[[], datetime], scripts: Collection[str]) -> None:
        """`clock`: a pressed button says nothing of its time. `scripts`: what `/word` may start."""
        self._clock = clock
        self._scripts = frozenset(scripts)

    def read(self, update: object) -> Read:
        """What the update means. Raises Unreadable."""
        if not isinstance(update, dict) or not is_update_id(update.get("update_id")):
            raise Unreadable(unread_key(update), "it has no update_id", written(update))
        key = str(update["update_id"])
        for kind in KINDS:
            if kind in update:
                break
        else:
            return Read()
        try:
            return _READERS[kind](self, key, _mapping(update[kind]))
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"][:4])
            raise Unreadable(key, f"{kind}.{where}: {first['type']}", written(update)) from None
        except _Malformed as wrong:
            raise Unreadable(key, f"{kind}: {wrong}", written(update)) from None
        except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as wrong:
            # Whatever else a part can be: one update that breaks the reading may not come back for a day.
            raise Unreadable(key, f"{kind}: {type(wrong).__name__}", written(update)) from None

    # --- Kinds of update ---------------------------------------------------------------------------------------------

    def message(self, key: str, part: Mapping[str, Any]) -> Read:
        """Something said, shared or sent."""
        if is_plain_text(part):
            number, user, text = part["chat"]["id"], part["from"], part["text"]
            kept = {
                "message_id": part["message_id"],
                "date": part["date"],
                "chat": {"id": number, "type": "private"},
                "from": _nameless(user),
                "text": text,
            }
            at = datetime.fromtimestamp(part["date"], UTC)
            return Read(_incoming("message", key, number, at, user.get("language_code"), kept, self._said(text)))
        message, bare = self._message("message", key, part)
        if bare is None:
            return Read()
        return Read(self._content(message, bare, part))

    def edited_message(self, key: str, part: Mapping[str, Any]) -> Read:
        """A live location that moved on; what else is edited was answered as it stood.

        It comes every few seconds by itself, so it is no message to chat about; the last one, when the sharing ends,
        has no live period and tells nothing new.
        """
        message, bare = self._message("edited_message", key, part)
        location = message.location
        if bare is None or location is None or not location.live_period or part.get("forward_origin"):
            return Read()
        at = _moment(message.edit_date) if message.edit_date else bare.at
        return Read(replace(bare, at=at, intent=Intent("whereabouts"), place=_place(location, live=True)))

    def callback_query(self, key: str, part: Mapping[str, Any]) -> Read:
        """A pressed button. Its data carries no right; data of another program or release is no sentence either."""
        kept = {name: part[name] for name in ("id", "chat_instance", "data") if name in part}
        under = part.get("message")
        kept["from"] = _nameless(part.get("from"))
        if isinstance(under, dict):
            kept["message"] = {name: under.get(name) for name in ("message_id", "date")}
            kept["message"]["chat"] = _chat(under.get("chat"))
        if is_plain_press(part):
            at, code = self._clock(), part["from"].get("language_code")
            press = _pressed(part["data"])
            chat_id = kept["message"]["chat"]["id"]
            return Read(_incoming("callback_query", key, chat_id, at, code, kept, press), part["id"])
        query = CallbackQuery.model_validate(kept)
        chat = query.message.chat if query.message else None
        if chat is None or chat.type != "private" or query.from_user.is_bot:
            return Read(press=query.id)
        code, press = query.from_user.language_code, _pressed(query.data or "")
        return Read(_incoming("callback_query", key, chat.id, self._clock(), code, kept, press), query.id)

    def my_chat_member(self, key: str, part: Mapping[str, Any]) -> Read:
        """Blocked or unblocked: in a private chat nothing else changes what we are."""
        chat = _chat(part.get("chat"))
        now = _mapping(part.get("new_chat_member")).get("status")
        before = _mapping(part.get("old_chat_member")).get("status")
        if chat["type"] != "private":
            return Read()
        if now == "kicked":
            intent = Intent("gone")
        elif now == "member" and before in ("kicked", "left"):
            intent = Intent("returned")
        else:
            return Read()
        code = User.model_validate(_nameless(part.get("from"))).language_code
        kept, at = {"date": part.get("date"), "chat": chat, "old": before, "new": now}, _moment(part.get("date"))
        return Read(_incoming("my_chat_member", key, chat["id"], at, code, kept, {"intent": intent}))

    # --- What a message holds ----------------------------------------------------------------------------------------

    def _content(self, message: Message, bare: Incoming, part: Mapping[str, Any]) -> Incoming | None:
        if message.text is not None:
            return replace(bare, **self._said(message.text))
        if message.location is not None:
            live = bool(message.location.live_period) and not part.get("forward_origin")
            return replace(bare, place=_place(message.location, live=live))
        if message.contact is not None:
            return self._contact(message, bare)
        if message.photo:
            largest = max(message.photo, key=lambda size: size.width * size.height)
            return replace(bare, photo=Photo(largest.file_id))
        if message.document is not None and (message.document.mime_type or "").startswith("image/"):
            return replace(bare, photo=Photo(message.document.file_id))
        # A sticker, a film, a voice, whatever comes next: the router says what is possible.
        return None if _SERVICE & part.keys() else bare

    def _said(self, text: str) -> dict[str, Any]:
        """A sentence or a command. A command that starts no script is said without its slash where it is a way out."""
        text = _UNSTORABLE.sub("", text)
        found = _COMMAND.match(text)
        if found is None:
            return {"text": text if text.strip() else None}
        word, rest = found[1].lower(), (found[2] or "").strip()
        if word == "start":
            return {"intent": link(rest) or Intent("start")}
        if word in self._scripts:
            intent = link("-".join((word, *rest.split())))
            return {"intent": intent} if intent else {"text": f"{word} {rest}"}
        return {"text": word if plain(word) in _WAYS_OUT else text}

    @staticmethod
    def _contact(message: Message, bare: Incoming) -> Incoming:
        """One's own number, in the international form; somebody else's is not for us to have."""
        contact = message.contact
        if contact is None or message.from_user is None or contact.user_id != message.from_user.id:
            return bare
        digits = re.sub(r"[^\d]", "", contact.phone_number)
        return replace(bare, text=f"+{digits}" if digits else None)

    # --- Pieces ------------------------------------------------------------------------------------------------------

    def _message(self, kind: str, key: str, part: Mapping[str, Any]) -> tuple[Message, Incoming | None]:
        """The message, and what we know of it so far; None unless a person wrote it in a chat with us alone."""
        kept = {name: part[name] for name in _READ if name in part}
        kept["chat"] = _chat(part.get("chat"))
        if "from" in kept:
            kept["from"] = _nameless(kept["from"])
        if isinstance(kept.get("contact"), dict):
            kept["contact"] = {**kept["contact"], "first_name": _HIDDEN}
            kept["contact"].pop("last_name", None)
            kept["contact"].pop("vcard", None)
        message = Message.model_validate(kept)
        if message.chat.type != "private" or message.from_user is None or message.from_user.is_bot:
            return message, None
        at, code = message.date.astimezone(UTC), message.from_user.language_code
        return message, _incoming(kind, key, message.chat.id, at, code, _veiled(kept))


_READERS: dict[str, Callable[[Reader, str, Mapping[str, Any]], Read]] = {
    "message": Reader.message,
    "edited_message": Reader.edited_message,
    "callback_query": Reader.callback_query,
    "my_chat_member": Reader.my_chat_member,
}


class _Malformed(ValueError):
    """A part of an update is not what the Bot API says."""


def is_plain_text(part: Mapping[str, Any]) -> bool:
    """A person's text to us alone, every field that we read exactly as the Bot API says: no more to validate."""
    return (
        type(part.get("text")) is str
        and _BESIDE_TEXT.isdisjoint(part)
        and _is_of_private_chat(part)
        and _is_person(part.get("from"))
    )


def is_plain_press(part: Mapping[str, Any]) -> bool:
    """The same of a button pressed in a chat with us alone."""
    under = part.get("message")
    return (
        type(part.get("id")) is str
        and type(part.get("data")) is str
        and type(part.get("chat_instance")) is str
        and type(under) is dict
        and _is_of_private_chat(under)
        and _is_person(part.get("from"))
    )


def _is_of_private_chat(message: Mapping[str, Any]) -> bool:
    date, chat = message.get("date"), message.get("chat")
    return (
        type(message.get("message_id")) is int
        and type(date) is int
        and 0 <= date < _LATEST
        and type(chat) is dict
        and type(chat.get("id")) is int
        and chat.get("type") == "private"
    )


def _is_person(user: object) -> bool:
    return (
        type(user) is dict
        and type(user.get("id")) is int
        and user.get("is_bot") is False
        and type(user.get("language_code", "")) is str
    )


def is_update_id(value: object) -> bool:
    """An update's number: dedupe by it, never order by it (it starts anew at random after a quiet week)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_ID


def chat_of(update: object) -> str:
    """The chat whose order the update must keep, or empty: read without validating anything."""
    if not isinstance(update, dict):
        return ""
    for kind in KINDS:
        part = update.get(kind)
        if isinstance(part, dict):
            under = part.get("message") if kind == "callback_query" else part
            chat = under.get("chat") if isinstance(under, dict) else None
            return str(chat.get("id", "")) if isinstance(chat, dict) else ""
    return ""


def unread_key(update: object) -> str:
    """A key for what has none: the same thing delivered again is the same thing."""
    body = update if isinstance(update, bytes) else written(update).encode()
    return f"unread {hashlib.sha256(body).hexdigest()[:40]}"


def written(update: object) -> str:
    """As JSON that every database can keep, at most 64 KiB."""
    try:
        whole = to_json(update, fallback=str)
    except ValueError:  # half a surrogate pair, or too deep: json is slower and takes it
        text = json.dumps(update, ensure_ascii=False, separators=(",", ":"), default=str)
        whole = text.encode("utf-8", "backslashreplace")
    return whole[:RAW_LIMIT].decode("utf-8", "ignore")


def _incoming(
    kind: str, key: str, chat: int, at: datetime, code: str | None, kept: Mapping[str, Any],
    what: Mapping[str, Any] = MappingProxyType({}),
) -> Incoming:  # fmt: skip
    """What we know of an update; `what` it said, by Incoming's fields; `kept` of it for the record."""
    raw = written({"update_id": int(key), kind: kept})
    return Incoming(Address(NAME, str(chat)), key, at, language=language_hint(code), raw=raw, **what)


def _pressed(data: str) -> dict[str, Any]:
    """A button's data: an answer, or a link."""
    return {"pick": data} if _PICK.match(data) else {"intent": link(data)}


def link(text: str) -> Intent | None:
    """The intent that a link's written form means; None if it is no link."""
    try:
        return Intent.parse(text)
    except BadLink:
        return None


@lru_cache(maxsize=64)
def language_hint(code: str | None) -> str | None:
    """The app's language as ours: `zh-hans`, `zh-hant`, `zh` are Chinese, every other one reads English sooner."""
    if not code:
        return None
    return "zh_CN" if code.lower().split("-")[0] == "zh" else "en"


def _place(location: Location, *, live: bool) -> Place:
    north, east, accuracy = location.latitude, location.longitude, location.horizontal_accuracy or 0.0
    if not (math.isfinite(north) and math.isfinite(east) and abs(north) <= 90 and abs(east) <= 180):
        raise _Malformed("not a point on Earth")
    return Place(north, east, max(accuracy, 0.0) if math.isfinite(accuracy) else 0.0, live)


def _mapping(part: object) -> Mapping[str, Any]:
    if not isinstance(part, dict):
        raise _Malformed("not an object")
    return part


def _chat(part: object) -> dict[str, Any]:
    """A chat's number and type, which must be there."""
    chat = _mapping(part)
    if not isinstance(chat.get("id"), int) or not isinstance(chat.get("type"), str):
        raise _Malformed("chat without id or type")
    return {"id": chat["id"], "type": chat["type"]}


def _nameless(part: object) -> dict[str, Any]:
    """A user without a name: the Bot API sends it with every message, and nothing of ours needs it."""
    user = _mapping(part)
    kept = {name: user[name] for name in ("id", "is_bot", "language_code") if name in user}
    return {**kept, "first_name": _HIDDEN}


def _moment(value: object) -> datetime:
    if not isinstance(value, int) or not 0 <= value < _LATEST:
        raise _Malformed("date is not a time")
    return datetime.fromtimestamp(value, UTC)


def _veiled(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What may stay on disk as it came: without the number and the whereabouts of a person."""
    veiled = dict(kept)
    for name, secret in (("contact", ("phone_number",)), ("location", ("latitude", "longitude"))):
        if isinstance(veiled.get(name), dict):
            veiled[name] = {**veiled[name], **dict.fromkeys(secret, _HIDDEN)}
    return veiled
