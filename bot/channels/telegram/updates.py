"""From one raw update to what it means. Only the fields that we read are validated, each update alone.

A kind of sticker or of quote that came after this release must not bury the sentence beside it; and whoever wrote to
us is a chat's number, so that names go nowhere, not even into what is kept raw.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

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

_HIDDEN = "…"
_LARGEST_ID = 2**63 - 1
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
        kind = next((one for one in KINDS if one in update), "")
        if not kind:
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
        query = CallbackQuery.model_validate(kept)
        chat = query.message.chat if query.message else None
        if chat is None or chat.type != "private" or query.from_user.is_bot:
            return Read(press=query.id)
        bare = self._bare("callback_query", key, str(chat.id), self._clock(), query.from_user, kept)
        data = query.data or ""
        if _PICK.match(data):
            return Read(replace(bare, pick=data), query.id)
        return Read(replace(bare, intent=link(data)), query.id)

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
        user = User.model_validate(_nameless(part.get("from")))
        kept = {"date": part.get("date"), "chat": chat, "old": before, "new": now}
        bare = self._bare("my_chat_member", key, str(chat["id"]), _moment(part.get("date")), user, kept)
        return Read(replace(bare, intent=intent))

    # --- What a message holds ----------------------------------------------------------------------------------------

    def _content(self, message: Message, bare: Incoming, part: Mapping[str, Any]) -> Incoming | None:
        if message.text is not None:
            return self._text(message.text, bare)
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

    def _text(self, text: str, bare: Incoming) -> Incoming:
        """A sentence or a command. A command that starts no script is said without its slash where it is a way out."""
        text = _UNSTORABLE.sub("", text)
        found = _COMMAND.match(text)
        if found is None:
            return replace(bare, text=text if text.strip() else None)
        word, rest = found[1].lower(), (found[2] or "").strip()
        if word == "start":
            return replace(bare, intent=link(rest) or Intent("start"))
        if word in self._scripts:
            intent = link("-".join((word, *rest.split())))
            return replace(bare, intent=intent) if intent else replace(bare, text=f"{word} {rest}")
        return replace(bare, text=word if plain(word) in _WAYS_OUT else text)

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
        at = message.date.astimezone(UTC)
        return message, self._bare(kind, key, str(message.chat.id), at, message.from_user, _veiled(kept))

    @staticmethod
    def _bare(kind: str, key: str, chat: str, at: datetime, user: User, kept: Mapping[str, Any]) -> Incoming:
        raw = written({"update_id": int(key), kind: kept})
        return Incoming(Address(NAME, chat), key, at, language=language_hint(user.language_code), raw=raw)


_READERS: dict[str, Callable[[Reader, str, Mapping[str, Any]], Read]] = {
    "message": Reader.message,
    "edited_message": Reader.edited_message,
    "callback_query": Reader.callback_query,
    "my_chat_member": Reader.my_chat_member,
}


class _Malformed(ValueError):
    """A part of an update is not what the Bot API says."""


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
    text = json.dumps(update, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "backslashreplace")[:RAW_LIMIT].decode("utf-8", "ignore")


def link(text: str) -> Intent | None:
    """The intent that a link's written form means; None if it is no link."""
    try:
        return Intent.parse(text)
    except BadLink:
        return None


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
    if not isinstance(value, int) or not 0 <= value < 2**33:  # until 2242
        raise _Malformed("date is not a time")
    return datetime.fromtimestamp(value, UTC)


def _veiled(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What may stay on disk as it came: without the number and the whereabouts of a person."""
    veiled = dict(kept)
    for name, secret in (("contact", ("phone_number",)), ("location", ("latitude", "longitude"))):
        if isinstance(veiled.get(name), dict):
            veiled[name] = {**veiled[name], **dict.fromkeys(secret, _HIDDEN)}
    return veiled
