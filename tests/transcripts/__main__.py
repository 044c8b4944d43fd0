"""`python -m tests.transcripts --update`: play every file and write down what was answered; without it, name those
that differ."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bot import logs
from tests.transcripts import FILES, open_town, play


def main() -> int:
    """0: all files are as they should be (now)."""
    parser = argparse.ArgumentParser(prog="python -m tests.transcripts", description=__doc__)
    parser.add_argument("--update", action="store_true", help="rewrite the files")
    parser.add_argument("name", nargs="*", help="only files whose name has this in it")
    asked = parser.parse_args()
    logs.configure("error", (), "")
    differ = []
    for file in FILES:
        if asked.name and not any(name in file.name for name in asked.name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            town = open_town(f"sqlite+aiosqlite:///{Path(folder) / 'town.db'}")
            played = asyncio.run(play(file, town))
        if played != file.read_text(encoding="utf-8"):
            differ.append(file.name)
            if asked.update:
                file.write_text(played, encoding="utf-8")
    for name in differ:
        print(f"{name}: {'rewritten' if asked.update else 'differs; see it with --update and git diff'}")
    return 1 if differ and not asked.update else 0


if __name__ == "__main__":
    sys.exit(main())
