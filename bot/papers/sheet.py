"""What all our papers have in common: fonts, how wide a text is, the QR on them, and the drawing by typst."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import segno
import typst

Kind = Literal["pdf", "png"]

PIXELS_PER_INCH = 144.0
"""A4 is 1191 × 1684 pixels: sharp on a phone, 150 kB."""


def template(name: str) -> bytes:
    """The layout of that name; it stands beside this file."""
    return files("bot.papers").joinpath(name).read_bytes()


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """The open Chinese fonts that came with the program, and none of the machine's: a paper looks alike everywhere."""
    folder = Path(pylopdf_fonts_zh_cn.sans_path()).parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def drawn(layout: bytes, facts: Mapping[str, Any], kind: Kind) -> bytes:
    """The one sheet that a layout makes of what it is given. Takes a tenth of a second and reads fonts from disk: for a
    thread, never for the event loop. Raises TypeError where it does not fit on one."""
    data = json.dumps(facts, ensure_ascii=False)
    made = typst.compile(layout, font_paths=fonts(), format=kind, ppi=PIXELS_PER_INCH, sys_inputs={"data": data})
    if not isinstance(made, bytes):
        raise TypeError("a paper must fit on one sheet")
    return made


def wide(text: str) -> int:
    """Columns that a text takes, a Chinese character being two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text)


def code(address: str) -> str:
    """The QR as SVG; error correction M: 15 % may be under a stamp."""
    drawing = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawing, kind="svg", border=0, xmldecl=False)
    return drawing.getvalue().decode()
