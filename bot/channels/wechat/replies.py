"""From a page to what WeChat shows: our own renderer, because `]]>` in a nickname rewrites the library's answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bot.channels.wechat.parsing import ILLEGAL
from bot.channels.wechat.places import to_gcj02
from bot.talk.capabilities import Capabilities
from bot.talk.view import Button, Page

TEXT_LIMIT = 2048
"""Bytes of a text that WeChat takes, markup included. Measured by third parties; not in the reference."""
TEXT_ROOM = 1800
"""Bytes that the core may fill: 600 Chinese characters (people report failures above about 630) and below 2,000 bytes,
which leaves 248 for what a door adds, such as a map link."""
SUCCESS = "success"
"""The answer that means: received, nothing to say."""
PICTURE = {"zh_CN": "图片", "en": "Picture"}
"""What a picture's link says, by the reader's language; in both where it is not known."""

_OPTION = '\n{number} <a href="weixin://bizmsgmenu?msgmenucontent={number}&msgmenuid={wire}">{label}</a>'
_USUAL_WIRE = 24
"""Bytes of a wire that the core leaves room for; longer ones are rare, and cost their line its markup at worst."""

WECHAT = Capabilities(
    buttons=0,  # a passive answer has no buttons: options are links in its text, and numbers to type
    label_length=20,
    text_length=TEXT_ROOM,
    unit="utf8",
    option_cost=len(_OPTION.format(number=10, wire="w" * _USUAL_WIRE, label="")),
    replies_per_message=1,  # one answer to one push; platform page on passive replies
    sends_pictures=True,  # as an article, or as a link in the text: no upload
    cards=1,  # one article when answering a message, since 12 October 2018; the same in customer messages
)

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ARTICLE_TEXT = 120
"""Characters, about, that an article card shows; a longer page goes as text so that nothing is hidden."""


@dataclass(frozen=True, slots=True)
class Article:
    """A card: title, description, picture and the page that it opens."""

    title: str
    description: str
    picture: str
    url: str


def layout(page: Page) -> str | Article:
    """How WeChat shows the page: a card when it has a picture, a page to open and nothing to choose; else a text."""
    pages = [button for button in page.buttons if button.url]
    words = clean(page.text).strip()
    if page.picture and len(pages) == len(page.buttons) == 1 and 0 < len(words) <= _ARTICLE_TEXT:
        title, _line, description = words.partition("\n")
        return Article(title, description.strip(), page.picture, pages[0].url)
    return page_text(page)


def page_text(page: Page) -> str:
    """The page as one text of at most 2,048 bytes; its options as links that cost no quota and as numbers to type.

    When it would be too long, options lose their markup from the last one up (typing their number still works), then
    the page's own words are cut.
    """
    words = harmless(clean(page.text))
    below = _spot(page) + _picture(page)
    linked = [_linked(button) for button in page.buttons]
    plain = [_plain(button) for button in page.buttons]
    for unlinked in range(len(linked) + 1):
        options = "".join(linked[: len(linked) - unlinked] + plain[len(linked) - unlinked :])
        text = (words + below + options).strip("\n")
        if len(text.encode()) <= TEXT_LIMIT:
            return text
    room = TEXT_LIMIT - len((below + options).encode()) - len("…".encode())
    return (_cut(words, room) + "…" + below + options) if room > 0 else _cut(words + below + options, TEXT_LIMIT)


def joined(pages: Sequence[Page]) -> Page | None:
    """The pages of a reply as the one message that may go back; None: nothing to say."""
    if len(pages) <= 1:
        return pages[0] if pages else None
    return Page(
        text="\n\n".join(page.text for page in pages),
        buttons=tuple(button for page in pages for button in page.buttons),
        picture=next((page.picture for page in pages if page.picture), ""),
        spot=next((page.spot for page in pages if page.spot), None),
        language=next((page.language for page in pages if page.language), ""),
    )


def passive_reply(shown: str | Article, to: str, account: str, at: float) -> str:
    """The answer's XML. `at`: seconds since 1970; WeChat wants them whole."""
    if isinstance(shown, str):
        body = f"<MsgType><![CDATA[text]]></MsgType><Content>{cdata(shown)}</Content>"
    else:
        body = (
            "<MsgType><![CDATA[news]]></MsgType><ArticleCount>1</ArticleCount><Articles><item>"
            f"<Title>{cdata(shown.title)}</Title><Description>{cdata(shown.description)}</Description>"
            f"<PicUrl>{cdata(shown.picture)}</PicUrl><Url>{cdata(shown.url)}</Url></item></Articles>"
        )
    return (
        f"<xml><ToUserName>{cdata(to)}</ToUserName><FromUserName>{cdata(account)}</FromUserName>"
        f"<CreateTime>{int(at)}</CreateTime>{body}</xml>"
    )


def customer_message(shown: str | Article, to: str) -> dict[str, object]:
    """The same as a customer message. Options stay links in a text: a `msgmenu` is refused on some accounts (40200)."""
    if isinstance(shown, str):
        return {"touser": to, "msgtype": "text", "text": {"content": shown}}
    article = {
        "title": shown.title,
        "description": shown.description,
        "url": shown.url,
        "picurl": shown.picture,
    }
    return {"touser": to, "msgtype": "news", "news": {"articles": [article]}}


def clean(text: str) -> str:
    """The text without what XML cannot carry: with one such character in it the person reads “service unavailable”."""
    return ILLEGAL.sub("", text)


def cdata(text: str) -> str:
    """The text as character data that nothing in it can end."""
    return f"<![CDATA[{clean(text).replace(']]>', ']]]]><![CDATA[>')}]]>"


def harmless(text: str) -> str:
    """The text with no tag in it: WeChat turns `<a href>` in a text into a link, whoever wrote it."""
    return _TAG.sub("＜", text)


def _label(text: str) -> str:
    """What stands inside a link of ours: no angle bracket at all, so that nothing can end it early."""
    return clean(text).replace("<", "＜").replace(">", "＞")


def _linked(button: Button) -> str:
    label = _label(button.label)
    if button.url:
        return f'\n<a href="{_attribute(button.url)}">{label}</a>'
    return _OPTION.format(number=button.number, wire=quote(button.wire, safe="-._~"), label=label)


def _plain(button: Button) -> str:
    label = _label(button.label)
    return f"\n{label} {clean(button.url)}" if button.url else f"\n{button.number} {label}"


def _spot(page: Page) -> str:
    """A map link: a passive answer cannot carry a place. Tencent's map page counts in GCJ-02."""
    if page.spot is None:
        return ""
    latitude, longitude, name, address = page.spot
    north, east = to_gcj02(latitude, longitude)
    title = quote(clean(name)[:8] or "-", safe="")
    where = f"https://apis.map.qq.com/uri/v1/marker?marker=coord:{north:.6f},{east:.6f};title:{title}&referer=menkou"
    shown = _label(f"{name} {address}".strip() or f"{north:.5f}, {east:.5f}")
    return f'\n<a href="{where}">{shown}</a>'


def _picture(page: Page) -> str:
    """A link that opens it."""
    if not page.picture:
        return ""
    return f'\n<a href="{_attribute(page.picture)}">🖼 {PICTURE.get(page.language, "图片 Picture")}</a>'


def _attribute(url: str) -> str:
    """An address that cannot end the attribute it stands in."""
    return clean(url).replace('"', "%22").replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")


def _cut(text: str, room: int) -> str:
    """As many characters as fit into `room` bytes."""
    return text.encode()[: max(room, 0)].decode("utf-8", "ignore")
