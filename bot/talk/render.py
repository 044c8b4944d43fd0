"""From views to pages: worded, numbered, split at sentence ends, within what the door can show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.talk.capabilities import Capabilities
from bot.talk.session import Shown
from bot.talk.view import Button, Link, Page, View, WebLink
from bot.talk.wording import Wording, Words, _

_BREAKS = (
    re.compile(r"\n\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[。！？!?；;])|(?<=\. )"),
    re.compile(r"(?<=[，,、 ])"),
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A reply as the door gets it, and what its numbers mean."""

    pages: tuple[Page, ...]
    shown: list[Shown]
    rest: tuple[Page, ...] = ()
    """Pages that the door's replies per message did not allow; “more” brings them."""


def render(
    views: Sequence[View],
    capabilities: Capabilities,
    wording: Wording,
    turn: int = 0,
    public_url: str = "",
) -> Rendered:
    """Word the views in the reader's language and shape them for the door.

    Options are numbered through the whole reply, so that typing a number is always enough. `turn` goes into the wire of
    answers: a button pressed later is recognised as old.
    """
    shown: list[Shown] = []
    drafts: list[Page] = []
    for view in views:
        buttons = tuple([_button(option, wording, shown, turn, public_url) for option in view.options])
        text = wording(view.text)
        picture = f"{public_url}{view.picture.path}" if view.picture and capabilities.sends_pictures else ""
        if view.picture:
            text = f"{text}\n{wording(view.picture.words)}".strip()
        spot = None
        if view.spot:
            spot = (view.spot.latitude, view.spot.longitude, wording(view.spot.name), wording(view.spot.address))
        language = wording.language if picture or view.wants else ""
        drafts.append(Page(text, buttons, view.wants, picture, spot, language))
    if capabilities.replies_per_message == 1 and len(drafts) > 1:
        drafts = [_joined(drafts)]
    pages = [page for draft in drafts for page in _fitted(draft, capabilities)]
    allowed = capabilities.replies_per_message
    if len(pages) > allowed:
        hint = wording(_("(Send “more” to read on.)"))
        last = pages[allowed - 1]
        pages[allowed - 1] = Page(
            f"{last.text}\n{hint}", last.buttons, last.wants, last.picture, last.spot, last.language
        )
    return Rendered(tuple(pages[:allowed]), shown, tuple(pages[allowed:]))


def _button(option: object, wording: Wording, shown: list[Shown], turn: int, public_url: str) -> Button:
    label: Words = getattr(option, "label", "")
    if isinstance(option, WebLink):
        within = option.path.startswith("/")
        return Button(0, wording(label), url=f"{public_url}{option.path}" if within else option.path)
    number = len(shown) + 1
    if isinstance(option, Link):
        entry = Shown(wording(label), link=option.intent.link)
        wire = entry.link
    else:
        entry = Shown(wording(label), pick=getattr(option, "key", ""))
        wire = f"{turn}.{number}"
    shown.append(entry)
    return Button(number, entry.label, wire)


def _joined(drafts: Sequence[Page]) -> Page:
    """Several things said, as the one message that the door allows."""
    return Page(
        text="\n\n".join(draft.text for draft in drafts if draft.text),
        buttons=tuple(button for draft in drafts for button in draft.buttons),
        wants=drafts[-1].wants,
        picture=next((draft.picture for draft in drafts if draft.picture), ""),
        spot=next((draft.spot for draft in drafts if draft.spot), None),
        language=next((draft.language for draft in drafts if draft.language), ""),
    )


def _fitted(page: Page, capabilities: Capabilities) -> list[Page]:
    """The page in as many messages as its text needs; the options stand under the last."""
    text, buttons = page.text, page.buttons
    if capabilities.buttons:
        if max([len(button.label) for button in buttons], default=0) > capabilities.label_length:
            text += "\n\n" + "\n".join([f"{button.number}  {button.label}" for button in buttons if button.number])
            buttons = tuple([
                Button(button.number, _shortened(button, capabilities.label_length), button.wire, button.url)
                for button in buttons
            ])
        below = 0
    else:
        below = sum(capabilities.length(button.label) + capabilities.option_cost for button in buttons)
    room = capabilities.text_length - min(below, capabilities.text_length // 2)
    parts = split(text, room, capabilities)
    picture, language = page.picture, page.language
    last = Page(parts[-1], buttons, page.wants, picture if len(parts) == 1 else "", page.spot, language)
    first = [
        Page(part, picture=picture, language=language) if place == 0 else Page(part)
        for place, part in enumerate(parts[:-1])
    ]
    return [*first, last]


def _shortened(button: Button, length: int) -> str:
    if len(button.label) <= length:
        return button.label
    return (
        f"{button.number}  {button.label[: length - 5].rstrip()}…"
        if button.number
        else button.label[: length - 1] + "…"
    )


def split(text: str, room: int, capabilities: Capabilities) -> list[str]:
    """Cut a long text at paragraphs, else lines, else sentence ends, else commas, so that each part fits in `room`."""
    if capabilities.length(text) <= room:
        return [text]
    parts: list[str] = []
    while text and capabilities.length(text) > room:
        cut = _cut(text, room, capabilities)
        parts.append(text[:cut].strip())
        text = text[cut:].strip()
    return [part for part in [*parts, text] if part]


def _cut(text: str, room: int, capabilities: Capabilities) -> int:
    """Where to cut: the last good break that still fits and leaves no crumb."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if capabilities.length(text[:middle]) <= room else (low, middle - 1)
    for kind in _BREAKS:
        ends = [found.end() for found in kind.finditer(text, 0, low) if found.end() > low // 3]
        if ends:
            return ends[-1]
    return low
