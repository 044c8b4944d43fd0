"""A table for a spreadsheet, as a file that the browser keeps."""

from __future__ import annotations

from aiohttp import web

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table(body: bytes | None, name: str) -> web.Response:
    """The file under this name. Raises HTTPNotFound where there is none for whoever asks."""
    if body is None:
        raise web.HTTPNotFound
    kept = {"Content-Disposition": f'attachment; filename="menkou-{name}.xlsx"'}
    return web.Response(body=body, content_type=XLSX, headers=kept)
