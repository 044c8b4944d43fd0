"""A strict stand-in of WeChat: API server, push side, and a prompt to play a person by hand.

    python -m tests.standins.wechat --push http://127.0.0.1:8080/wechat --token TOKEN --aes-key KEY

Start Menkou with WECHAT_API_BASE set to the address that it prints, then type `:help`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable

from tests.standins.wechat_api import Fault, Follower, ManualClock, WeChatApiStandIn
from tests.standins.wechat_push import Answered, Broken, Person, Platform, Seal, xml_of

__all__ = [
    "Answered",
    "Broken",
    "Fault",
    "Follower",
    "ManualClock",
    "Person",
    "Platform",
    "Seal",
    "WeChatApiStandIn",
    "xml_of",
]

HELP = """\
anything            say it                    #2                  tap option 2 of the last answer
:follow [SCENE]     follow, by a QR's scene   :scan SCENE         scan a QR as a follower
:leave              unfollow                  :click KEY          a menu entry
:code KEY RESULT    scan from the menu        :place LAT LNG      a pin of the map (GCJ-02)
:at LAT LNG         the phone's position      :voice [WORDS]      speak
:photo  :file       send one                  :menu               the menu that was set
:allow TEMPLATE     allow one notice          :forbid TEMPLATE    do not
:check              the console's URL check   :quit"""


def _act(person: Person, line: str) -> Awaitable[Answered] | None:
    """What a typed line does; None: not understood."""
    word, *rest = line.split()
    match word, rest:
        case ":follow", _:
            return person.follows(rest[0] if rest else "")
        case ":scan", [scene]:
            return person.scans(scene)
        case ":leave", []:
            return person.leaves()
        case ":click", [key]:
            return person.clicks(key)
        case ":code", [key, result]:
            return person.scans_from_menu(key, result)
        case ":place", [latitude, longitude]:
            return person.shares_place(float(latitude), float(longitude))
        case ":at", [latitude, longitude]:
            return person.is_at(float(latitude), float(longitude))
        case ":allow", [template]:
            return person.allows(template)
        case ":forbid", [template]:
            return person.forbids(template)
        case ":voice", _:
            return person.speaks(" ".join(rest))
        case ":photo", []:
            return person.photographs()
        case ":file", []:
            return person.sends_file()
    if word.startswith(":"):
        return None
    return person.taps(word[1:]) if word.startswith("#") else person.says(line)


async def _play(arguments: argparse.Namespace) -> None:
    api = WeChatApiStandIn(arguments.app_id, arguments.secret, kind=arguments.kind, port=arguments.port)
    seal = Seal(arguments.token, arguments.aes_key, arguments.app_id)
    async with api, Platform(arguments.push, seal, api, clock=time.time, safe=not arguments.plain) as platform:
        print(f"WECHAT_API_BASE={api.base}\nType :help for what you can do.")
        person = platform.person(arguments.openid)
        printing = asyncio.create_task(_print_what_comes(api, person.openid))
        while (line := (await asyncio.to_thread(_asked)).strip()) != ":quit":
            if line == ":check":
                print("ok" if await platform.check_url() else "refused")
            elif line == ":menu":
                print(json.dumps(api.menu, ensure_ascii=False, indent=1))
            elif line:
                await _show(_act(person, line))
        printing.cancel()


async def _print_what_comes(api: WeChatApiStandIn, openid: str) -> None:
    """Customer messages, templates and notices, as they come."""
    seen = 0
    while True:
        received = api.followers[openid].received if openid in api.followers else []
        for message in received[seen:]:
            print("  <", json.dumps(message, ensure_ascii=False))
        seen = len(received)
        await asyncio.sleep(0.1)


async def _show(action: Awaitable[Answered] | None) -> None:
    if action is None:
        print(HELP)
        return
    try:
        answered = await action
    except AssertionError as wrong:
        print(f"  ({wrong})")
        return
    print(f"  [{answered.kind}]" + (f" {answered.why}" if answered.why else ""))
    print("\n".join(f"  {row}" for row in answered.shown.splitlines()))


def _asked() -> str:
    try:
        return input("> ")
    except EOFError:
        return ":quit"


def main(given: list[str]) -> None:
    """Read the arguments and play until `:quit`."""
    reader = argparse.ArgumentParser(prog="python -m tests.standins.wechat", description="A stand-in of WeChat.")
    reader.add_argument("--push", required=True, help="the address that Menkou listens on, .../wechat")
    reader.add_argument("--token", default="menkoutoken")
    reader.add_argument("--aes-key", default="A" * 43)
    reader.add_argument("--app-id", default="wx0123456789abcdef")
    reader.add_argument("--secret", default="0123456789abcdef0123456789abcdef")
    reader.add_argument("--kind", choices=["service", "subscription", "unverified"], default="service")
    reader.add_argument("--openid", default="oTest_0000000000000000000001")
    reader.add_argument("--plain", action="store_true", help="push in plain mode")
    reader.add_argument("--port", type=int, default=0, help="the API's port on 127.0.0.1; 0: a free one")
    asyncio.run(_play(reader.parse_args(given)))


if __name__ == "__main__":
    main(sys.argv[1:])
