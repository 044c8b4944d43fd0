"""One's own data as a table to open and to print: a sheet for each subject, every cell plain text.

Nothing in it is a formula or a link, whatever somebody once typed: what begins with `=` is read, never run.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CELL = 32_767
"""Characters that a cell holds (Excel's limit); what is longer goes on in the row below."""

SHEET = 31
"""Characters of a sheet's name."""

PLAIN = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def workbook(taken: Mapping[str, Any]) -> bytes:
    """The export as an .xlsx file. Takes a while for years of data: for a thread, never for the event loop."""
    return book_of(sheets(taken))


def book_of(listed: Iterable[tuple[str, Sequence[Sequence[str]]]]) -> bytes:
    """Sheets by name, the columns' names first, as an .xlsx file."""
    import xlsxwriter  # only here: most people never ask, and each process would carry it

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, PLAIN) as book:
        heavy = book.add_format({"bold": True})
        for name, rows in listed:
            sheet = book.add_worksheet(name[:SHEET])
            sheet.freeze_panes(1, 0)
            at = 0
            for row in rows:
                height = max((len(pieces(text)) for text in row), default=1)
                for column, text in enumerate(row):
                    for below, piece in enumerate(pieces(text)):
                        sheet.write_string(at + below, column, piece, *([heavy] if at == 0 else []))
                at += height
    return out.getvalue()


def sheets(taken: Mapping[str, Any]) -> Iterable[tuple[str, list[Sequence[str]]]]:
    """Name and rows of each sheet, the columns' names first; subjects without rows have none."""
    about = [("made", str(taken["made"])), ("time zone", str(taken["time_zone"]))]
    yield "about", [("what", "value"), *about]
    for table, rows in taken["data"].items():
        if rows:
            yield table, [tuple(rows[0]), *(tuple(as_text(value) for value in row.values()) for row in rows)]
    yield "left out", [("field", "why"), *((one["field"], one["why"]) for one in taken["left_out"])]


def as_text(value: object) -> str:
    """One value as a person reads it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pieces(text: str) -> list[str]:
    """A text in parts that a cell holds; half of a character that needs two never stands alone."""
    if len(text) <= CELL // 2:
        return [text]
    return [text[start : start + CELL // 2] for start in range(0, len(text), CELL // 2)]
