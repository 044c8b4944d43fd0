"""A photo of one of our codes is as good as scanning it: fetched from the platform, read in a thread, forgotten.

Before the turn, because a turn makes no calls. Only what leads to us becomes anything; every other picture stays one.
Where a conversation asks for a picture itself, it is brought along instead, made fit for every door.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import structlog

from bot.talk.door import Listener
from bot.talk.incoming import PHOTO, PICTURE, Address, BadLink, Flaw, Incoming, Intent, Photo
from bot.talk.view import Reply

LARGEST = 10 * 1024 * 1024
"""Bytes of a picture. WeChat's own limit for one is 10 MB; Telegram's photos are far smaller."""

PIXELS = 24_000_000
"""Of a picture, by its header, before anything is unpacked: what telephones take; 24 MB as grey."""

SIDE = 2_000
"""Pixels of the longer side that are looked at: enough for a code that fills a tenth of the picture."""

FORMATS = ("JPEG", "PNG", "WEBP")

SHOWN_SIDE = 1_600
"""Pixels of the longer side of a picture that is brought along: a telephone's width, twice over."""

NARROWEST = 120
"""Pixels of its shorter side: what is narrower is a strip, and Telegram refuses more than 20 to 1."""

QUALITY = 85

SECONDS = 3.0
"""For fetching a picture; then it is one without a code, answered within the five seconds that WeChat waits."""

AT_ONCE = 2
WAITING = 16
"""Pictures that may wait to be read; beyond, they are pictures without a code: text is never kept waiting by them."""

_LONGEST = 300
_CODE = re.compile(r"\d{8}\Z", re.ASCII)

Fetch = Callable[[str], Awaitable[bytes | None]]
"""The platform's key of a picture in, its bytes out; None: it cannot be had. Asks the platform's own host, no other."""

log = structlog.get_logger("menkou.photos")


class Seeing:
    """A listener that looks at photos first: those of our codes become what the code says."""

    def __init__(
        self,
        listener: Listener,
        fetch: Mapping[str, Fetch],
        public_url: str,
        scripts: Collection[str],
        question: Callable[[Address], Awaitable[str]] | None = None,
    ) -> None:
        """`fetch`: how each door's pictures are had; may be filled later. `scripts`: what a code may start.

        `question`: the name of what this person is asked now: for a picture itself, for any photo, or something else.
        """
        self._listener = listener
        self._question = question
        self._fetch = fetch
        self._host = urlsplit(public_url).netloc.lower()
        self._scripts = frozenset(scripts)
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def take(self, incoming: Incoming) -> Reply:
        """See `Listener.take`."""
        return await self._listener.take(await self.seen(incoming) if incoming.photo else incoming)

    async def later(self, incoming: Incoming, said: int = 0) -> None:
        """See `Listener.later`."""
        await self._listener.later(incoming, said)

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        """See `Listener.bury`."""
        await self._listener.bury(door, key, raw, why)

    async def seen(self, incoming: Incoming) -> Incoming:
        """The message with what its photo says in the photo's place, where that is ours."""
        photo = incoming.photo
        if photo is None:
            return incoming
        # Beyond this line a picture goes on only as it was made here, and only where one is asked for.
        bare = replace(incoming, photo=Photo(photo.key))
        fetch = self._fetch.get(incoming.address.door)
        if fetch is None and photo.picture is None:
            return bare
        question = await self._question(incoming.address) if self._question else ""
        if question == PHOTO:
            return bare
        asked = question == PICTURE
        if self._waiting >= WAITING:
            return replace(bare, photo=Photo(photo.key, flaw="away")) if asked else bare
        self._waiting += 1
        try:
            async with self._free:
                picture = photo.picture or (await self._fetched(fetch, photo.key) if fetch else None)
                if asked:
                    fit = await asyncio.to_thread(made_fit, picture) if picture else "away"
                    return replace(bare, photo=_brought(photo.key, fit))
                codes = await asyncio.to_thread(read_codes, picture) if picture else []
        finally:
            self._waiting -= 1
        return self._read(bare, codes)

    def _read(self, incoming: Incoming, codes: Sequence[str]) -> Incoming:
        meant = (self.meaning(code) for code in codes)
        found = next((one for one in meant if one is not None), None)
        if found is None:
            return incoming
        log.info("a code was read from a photo", door=incoming.address.door)
        if isinstance(found, Intent):
            return replace(incoming, photo=None, intent=found)
        return replace(incoming, photo=None, text=found)

    @staticmethod
    async def _fetched(fetch: Fetch, key: str) -> bytes | None:
        try:
            async with asyncio.timeout(SECONDS):
                return await fetch(key)
        except TimeoutError:
            return None

    def meaning(self, code: str) -> Intent | str | None:
        """What a code leads to here: a certificate's page, a script's link in one of our addresses, eight digits.

        None: somebody else's code, which is nobody's business of ours.
        """
        if _CODE.match(code):
            return code
        try:
            address = urlsplit(code)
        except ValueError:
            return None
        host = address.netloc.lower()
        if address.scheme not in ("http", "https") or host not in (self._host, "t.me"):
            return self._known(code)
        if host == self._host and address.path.startswith("/proof/"):
            return code
        query = parse_qs(address.query)
        return self._known(next(iter([*query.get("go", []), *query.get("start", [])]), ""))

    def _known(self, link: str) -> Intent | None:
        try:
            intent = Intent.parse(link)
        except BadLink:
            return None
        return intent if intent.script in self._scripts and intent.arguments else None


def _brought(key: str, fit: bytes | Flaw) -> Photo:
    return Photo(key, fit) if isinstance(fit, bytes) else Photo(key, flaw=fit)


def made_fit(picture: bytes) -> bytes | Flaw:
    """A picture as a JPEG that every door takes, upright, with nothing beside it; or why not. For a thread.

    It is drawn anew: what a camera or a program wrote into the file (where it was taken, by whom) stays behind.
    """
    from PIL import Image, ImageOps

    if len(picture) > LARGEST:
        return "large"
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            if image.width * image.height > PIXELS:
                return "large"
            image.draft("RGB", (SHOWN_SIDE, SHOWN_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
        upright.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
        if min(upright.size) < NARROWEST:
            return "small"
        whole = Image.new("RGB", upright.size, "white")
        whole.paste(upright, mask=upright)
        out = io.BytesIO()
        whole.save(out, "JPEG", quality=QUALITY, optimize=True)
    except Image.DecompressionBombError:
        return "large"
    except Exception as broken:  # noqa: BLE001 - as below
        log.info("a picture could not be read", error=type(broken).__name__)
        return "kind"
    return out.getvalue()


def read_codes(picture: bytes) -> list[str]:
    """The texts of the QR codes in a picture; none for whatever is no picture, too large, or broken. For a thread."""
    import zxingcpp  # only here: most processes never see a photo
    from PIL import Image, ImageOps

    if len(picture) > LARGEST:
        return []
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            if image.width * image.height > PIXELS:
                return []
            image.draft("L", (SIDE, SIDE))  # a JPEG is unpacked no larger than it is looked at
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((SIDE, SIDE))
            grey = upright.convert("L")
        found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    except Exception as broken:  # noqa: BLE001 - Pillow raises nearly everything for a file that was made to break it
        log.info("a picture could not be read", error=type(broken).__name__)
        return []
    return [one.text for one in found if 0 < len(one.text) <= _LONGEST]
