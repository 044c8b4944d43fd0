"""A QR code as the path of an SVG: a page can draw it and a script redraw it without markup made from strings."""

from __future__ import annotations

from dataclasses import dataclass

import segno

QUIET_ZONE = 4
"""Modules of white around the code: ISO/IEC 18004 asks for four."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """`size` is the side of the square in modules, quiet zone included; `path` the dark modules."""

    size: int
    path: str


def draw(text: str) -> Drawing:
    """The code of a text, error correction M: 15 % of it may be hidden by a head in front of the projector."""
    matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    runs: list[str] = []
    for y, row in enumerate(matrix):
        start = None
        for x, dark in enumerate((*row, 0)):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                runs.append(f"M{start + QUIET_ZONE} {y + QUIET_ZONE}h{x - start}v1h{start - x}z")
                start = None
    return Drawing(len(matrix) + 2 * QUIET_ZONE, "".join(runs))
