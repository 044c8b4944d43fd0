"""From a push to what it means: something a person said or did, or news about what we sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from bot.channels.wechat.parsing import NotWeChat, Push
from bot.channels.wechat.places import to_wgs84
from bot.talk.incoming import Address, BadLink, Incoming, Intent, Photo, Place, Window

NAME = "wechat"
LANGUAGE = "zh_CN"
"""WeChat says nothing of a person's language since user/info lost its profile fields in 2021."""

MESSAGE_WINDOW = Window(48 * 3600, 5)
"""Customer messages after a person's own message: 5 within 48 hours (20 until 2023). Platform page kf/intro."""
ACTION_WINDOW = Window(60, 3, by_action=True)
"""Customer messages after a menu click, a scan or a follow: 3 within a minute. Platform page kf/intro."""

KEY_LENGTH = 160
_NAME = re.compile(r"[A-Za-z0-9_@-]{1,64}\Z")
_PICK = re.compile(r"\d{1,9}\.\d{1,4}\Z", re.ASCII)
_CODE = re.compile(r"\d{8}\Z", re.ASCII)
_COMMAND = re.compile(r"/([a-z]+)((?:\s+\S+)*)\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a person said or did. `quiet`: whatever it leads to, nothing may be answered in the chat."""

    incoming: Incoming
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """News about what we sent: a template message, a subscription notice or a mass message reached its end."""

    kind: str
    """`template`, `mass` or `notice`."""
    openid: str
    message_id: str
    status: str
    """The platform's word: `success`, `send success`, `failed:user block`, `failed: system failed`, an error code …"""
    template_id: str = ""
    detail: str = ""
    """Of a mass message: how many it reached."""

    @property
    def arrived(self) -> bool:
        """Page Template_Message_Interface and Batch_Sends: `success` and `send success`; all else says why not."""
        return self.status.lower() in ("success", "send success", "sendsuccess")


@dataclass(frozen=True, slots=True)
class Granted:
    """A person allowed, or no longer allows, one kind of subscription notice."""

    openid: str
    template_id: str
    accepted: bool
    at: datetime
    """By the platform's clock: the same answer told twice has the same moment."""
    once: bool = True
    """The popup's answer: one more message may be sent. Else a switch in the settings, which grants none."""


Heard = Said | Finished | tuple[Granted | Finished, ...] | None
"""None: nothing that concerns us (a page opened from the menu, a picture picker, events of shops and cards)."""


class Reader:
    """Turns pushes into what they mean."""

    def __init__(self, *, public_url: str = "", scripts: Collection[str] = ()) -> None:
        """`public_url`: the city's address, its links are ours. `scripts`: what `/word` and a strange QR may start."""
        self._host = urlsplit(public_url).netloc.lower()
        self._scripts = frozenset(scripts)

    def read(self, push: Push, raw: str = "") -> Heard:
        """What the push means. Raises NotWeChat if a field that it must have is missing or not what it should be."""
        sender = push.need("FromUserName")
        if not _NAME.match(sender) or not _NAME.match(push.need("ToUserName")):
            raise NotWeChat(400, "sender or receiver is not an id")
        if push.kind == "event":
            read_event = _EVENTS.get(push.event)
            return read_event(self, push, raw) if read_event else None
        read_message = _MESSAGES.get(push.kind, Reader.unknown)
        return Said(replace(read_message(self, push, self._message(push, raw)), language=LANGUAGE))

    # --- What people send --------------------------------------------------------------------------------------------

    def text(self, push: Push, bare: Incoming) -> Incoming:
        """Typed words, or a tapped option: that arrives as its number with the option's wire in `bizmsgmenuid`."""
        wire = push.text("bizmsgmenuid")
        if _PICK.match(wire):
            return replace(bare, pick=wire, window=None)
        intent = _link(wire) if wire else None
        if intent:
            return replace(bare, intent=intent, window=None)
        words = push.text("Content")
        intent = self._own_link(words) or self._command(words)
        return replace(bare, intent=intent) if intent else replace(bare, text=words or None)

    def voice(self, push: Push, bare: Incoming) -> Incoming:
        """Spoken words if WeChat recognised them; it is being withdrawn and ends sentences that nobody ended."""
        return replace(bare, text=push.text("Recognition").rstrip("。.").strip() or None)

    def image(self, push: Push, bare: Incoming) -> Incoming:
        """A picture, by the media id under which it can be fetched for three days."""
        return replace(bare, photo=Photo(push.need("MediaId")))

    def location(self, push: Push, bare: Incoming) -> Incoming:
        """A pin from the map picker: GCJ-02 by all practice, though no official page names the datum."""
        return replace(bare, place=Place(*to_wgs84(*_degrees(push, "Location_X", "Location_Y"))))

    def link(self, push: Push, bare: Incoming) -> Incoming:
        """A shared page: one of ours is as good as pressing its button."""
        return replace(bare, intent=self._own_link(push.text("Url")))

    def unknown(self, _push: Push, bare: Incoming) -> Incoming:
        """A video, a file, a mini-program card, whatever comes next: the router says what is possible."""
        return bare

    # --- What people do ----------------------------------------------------------------------------------------------

    def followed(self, push: Push, raw: str) -> Said:
        """Subscribed, by search or card, or by a QR whose scene names a script (wechatpy strips `qrscene_`)."""
        scene = push.text("EventKey").removeprefix("qrscene_")
        return self._did(push, raw, _link(scene) or Intent("start"))

    def scanned(self, push: Push, raw: str) -> Said:
        """A follower scanned one of the account's QR codes."""
        return self._did(push, raw, _link(push.text("EventKey")) or Intent("start"))

    def left(self, push: Push, raw: str) -> Said:
        """Unsubscribed: nobody is there to be answered, and the platform obliges us to delete what we hold."""
        return Said(replace(self._event(push, raw), intent=Intent("gone")), quiet=True)

    def clicked(self, push: Push, raw: str) -> Said:
        """A menu entry; its key is a link."""
        key = push.text("EventKey")
        intent = _link(key)
        return self._did(push, raw, intent) if intent else self._did(push, raw, None, key)

    def scanned_from_menu(self, push: Push, raw: str) -> Said:
        """A menu entry that opens the scanner: a check-in code, one of our links or pages, or somebody else's QR."""
        result = push.group("ScanCodeInfo").text("ScanResult")
        if _CODE.match(result):
            return self._did(push, raw, Intent("checkin", (result,)))
        intent = self._known_link(result) or self._own_link(result)
        return self._did(push, raw, intent) if intent else self._did(push, raw, None, result)

    def was_at(self, push: Push, raw: str) -> Said:
        """The phone's own position on entering the chat, or every 5 s in it: WGS-84, and no reason to chat."""
        latitude, longitude = _degrees(push, "Latitude", "Longitude")
        accuracy = push.number("Precision") if push.text("Precision") else 0.0
        place = Place(latitude, longitude, max(accuracy, 0.0), live=True)
        return Said(replace(self._event(push, raw), intent=Intent("whereabouts"), place=place), quiet=True)

    # --- News about what we sent -------------------------------------------------------------------------------------

    def template_finished(self, push: Push, _raw: str) -> Finished:
        """A template message arrived or failed."""
        return Finished("template", push.need("FromUserName"), push.text("MsgID"), push.text("Status"))

    def mass_finished(self, push: Push, _raw: str) -> Finished:
        """A mass message is done; the sender of the push is the platform, not a person."""
        reached = f"{push.text('SentCount') or '?'} of {push.text('TotalCount') or '?'}"
        number = push.text("MsgID") or push.text("MsgId")
        return Finished("mass", "", number, push.text("Status"), detail=reached)

    def notice_answered(self, push: Push, _raw: str) -> tuple[Granted | Finished, ...]:
        """The consent popup was answered, or consent changed in the settings: one entry for each template."""
        popup = push.event == "subscribe_msg_popup_event"
        group = push.group("SubscribeMsgPopupEvent" if popup else "SubscribeMsgChangeEvent")
        openid, at = push.need("FromUserName"), _moment(push.need("CreateTime"))
        return tuple(
            Granted(openid, one.need("TemplateId"), one.text("SubscribeStatusString") == "accept", at, popup)
            for one in group.groups("List")
        )

    def notice_sent(self, push: Push, _raw: str) -> tuple[Granted | Finished, ...]:
        """Subscription notices that were sent: what became of each."""
        openid = push.need("FromUserName")
        return tuple(
            Finished("notice", openid, one.text("MsgID"), one.text("ErrorStatus"), one.text("TemplateId"))
            for one in push.group("SubscribeMsgSentEvent").groups("List")
        )

    # --- Pieces ------------------------------------------------------------------------------------------------------

    def _message(self, push: Push, raw: str) -> Incoming:
        sender, created = push.need("FromUserName"), push.need("CreateTime")
        key = _fitted(push.need("MsgId"), sender, created)
        return Incoming(Address(NAME, sender), key, _moment(created), window=MESSAGE_WINDOW, raw=raw)

    def _event(self, push: Push, raw: str) -> Incoming:
        """Events have no id; two of one second differ in kind or key. Platform page on passive replies."""
        sender, created = push.need("FromUserName"), push.need("CreateTime")
        key = _fitted(sender, created, push.event, push.text("EventKey"))
        return Incoming(Address(NAME, sender), key, _moment(created), language=LANGUAGE, raw=raw)

    def _did(self, push: Push, raw: str, intent: Intent | None, text: str = "") -> Said:
        return Said(replace(self._event(push, raw), intent=intent, text=text or None, window=ACTION_WINDOW))

    def _command(self, words: str) -> Intent | None:
        typed = _COMMAND.match(words)
        return self._known_link("-".join((typed[1], *typed[2].split()))) if typed else None

    def _known_link(self, written: str) -> Intent | None:
        """A link that starts one of our scripts: any single word looks like a link, and not all words are meant so."""
        intent = _link(written)
        return intent if intent and intent.script in self._scripts else None

    def _own_link(self, words: str) -> Intent | None:
        """The script that an address of our own pages leads to: its `go` or `start` parameter, else the path's end."""
        if not self._host or not words.startswith(("http://", "https://")):
            return None
        try:
            address = urlsplit(words)
        except ValueError:
            return None
        if address.netloc.lower() != self._host:
            return None
        query = parse_qs(address.query)
        named = [*query.get("go", []), *query.get("start", []), address.path.rsplit("/", 1)[-1]]
        return self._known_link(named[0])


_MESSAGES: dict[str, Callable[[Reader, Push, Incoming], Incoming]] = {
    "text": Reader.text,
    "voice": Reader.voice,
    "image": Reader.image,
    "location": Reader.location,
    "link": Reader.link,
}

_EVENTS: dict[str, Callable[[Reader, Push, str], Heard]] = {
    "subscribe": Reader.followed,
    "subscribe_scan": Reader.followed,
    "scan": Reader.scanned,
    "unsubscribe": Reader.left,
    "click": Reader.clicked,
    "scancode_push": Reader.scanned_from_menu,
    "scancode_waitmsg": Reader.scanned_from_menu,
    "location": Reader.was_at,
    "templatesendjobfinish": Reader.template_finished,
    "masssendjobfinish": Reader.mass_finished,
    "subscribe_msg_popup_event": Reader.notice_answered,
    "subscribe_msg_change_event": Reader.notice_answered,
    "subscribe_msg_sent_event": Reader.notice_sent,
}


def _link(written: str) -> Intent | None:
    try:
        return Intent.parse(written)
    except BadLink:
        return None


def _moment(created: str) -> datetime:
    if not re.fullmatch(r"\d{1,10}", created, re.ASCII):
        raise NotWeChat(400, "CreateTime is not a time")
    return datetime.fromtimestamp(int(created), UTC)


def _degrees(push: Push, latitude: str, longitude: str) -> tuple[float, float]:
    north, east = push.number(latitude), push.number(longitude)
    if abs(north) > 90 or abs(east) > 180:
        raise NotWeChat(400, "not a point on Earth")
    return north, east


def _fitted(*parts: str) -> str:
    """The key of these parts; what is too long for the inbox's column (the address of a page) enters as its digest."""
    key = " ".join(part for part in parts if part)
    if len(key) <= KEY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"{key[: KEY_LENGTH - 41]} {digest}"
