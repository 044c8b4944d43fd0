"""A strict stand-in of Telegram: the Bot API's server, people who use the app, webhooks brought, a prompt to play one.

    python -m tests.standins.telegram --port 8081

Start Menkou with TELEGRAM_API_BASE set to the address that it prints and TELEGRAM_TOKEN to the token, then type
`:help`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.standins.telegram_api import TOKEN, Call, Fault, Person, TelegramStandIn

__all__ = ["TOKEN", "Call", "Fault", "Hand", "Person", "TelegramStandIn", "bring", "bring_all"]


class Hand:
    """A person's hand on the phone: each act is an update in the form that Telegram gives it."""

    def __init__(self, api: TelegramStandIn, id_: int = 4242, language: str | None = "zh-hans") -> None:
        self.api = api
        self.person = api.person(id_, language)
        self._written = 0

    @property
    def _user(self) -> dict[str, Any]:
        user = {"id": self.person.id, "is_bot": False, "first_name": "Wang", "last_name": "Fang", "username": "wf"}
        return {**user, "language_code": self.person.language} if self.person.language else user

    @property
    def _chat(self) -> dict[str, Any]:
        return {"id": self.person.id, "first_name": "Wang", "username": "wf", "type": "private"}

    def message(self, kind: str = "message", **content: Any) -> dict[str, Any]:
        """Any message."""
        self._written += 1
        head = {"message_id": self._written, "from": self._user, "chat": self._chat, "date": int(time.time())}
        return self.api.queue(kind, {**head, **content})

    def says(self, text: str) -> dict[str, Any]:
        return self.message(text=text)

    def starts(self, payload: str = "") -> dict[str, Any]:
        return self.says(f"/start {payload}".strip())

    def presses(self, data: str) -> dict[str, Any]:
        """A button under the last message, by its data."""
        under = self.person.messages[-1] if self.person.messages else None
        message = under or {"message_id": 1, "date": 0, "chat": self._chat}
        return self.api.queue(
            "callback_query",
            {"id": self.api.press_id(), "from": self._user, "chat_instance": "1", "message": message, "data": data},
        )

    def taps(self, label: str) -> dict[str, Any]:
        """A button under the last message, by its label; one of the keyboard below types its words."""
        markup = self.person.messages[-1].get("reply_markup", {})
        for row in markup.get("inline_keyboard", []):
            for button in row:
                if button["text"] == label:
                    return self.presses(button["callback_data"])
        assert any(button["text"] == label for row in markup.get("keyboard", []) for button in row), label
        return self.says(label)

    def shares_place(self, latitude: float, longitude: float, live: int = 0) -> dict[str, Any]:
        return self.message(
            location={"latitude": latitude, "longitude": longitude, **({"live_period": live} if live else {})}
        )

    def moves(self, latitude: float, longitude: float) -> dict[str, Any]:
        """The live location that was shared goes on."""
        place = {"latitude": latitude, "longitude": longitude, "live_period": 900, "horizontal_accuracy": 12.0}
        return self.message("edited_message", edit_date=int(time.time()), location=place)

    def shares_number(self, number: str, whose: int | None = None) -> dict[str, Any]:
        contact = {"phone_number": number, "first_name": "Wang", "user_id": whose or self.person.id}
        return self.message(contact=contact)

    def photographs(self, picture: bytes = b"") -> dict[str, Any]:
        """A photo, in the sizes that Telegram makes of it; without bytes it cannot be had from there."""
        if picture:
            self.api.photographed["AgAC1280"] = picture
        sizes = [
            {"file_id": f"AgAC{width}", "file_unique_id": f"u{width}", "width": width, "height": width, "file_size": 9}
            for width in (90, 320, 1280)
        ]
        return self.message(photo=sizes)

    def blocks(self) -> dict[str, Any]:
        return self._standing("member", "kicked")

    def unblocks(self) -> dict[str, Any]:
        return self._standing("kicked", "member")

    def _standing(self, before: str, now: str) -> dict[str, Any]:
        self.person.state = now
        bot = {"id": 123456789, "is_bot": True, "first_name": "Menkou", "username": "menkou_bot"}
        until = {"until_date": 0}
        return self.api.queue(
            "my_chat_member",
            {
                "chat": self._chat,
                "from": self._user,
                "date": int(time.time()),
                "old_chat_member": {"user": bot, "status": before, **(until if before == "kicked" else {})},
                "new_chat_member": {"user": bot, "status": now, **(until if now == "kicked" else {})},
            },
        )


async def bring(url: str, update: object, secret: str | None, **headers: str) -> tuple[int, dict[str, str]]:
    """POST one update to a webhook, as Telegram does. Returns the status and the headers."""
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    own = {"Content-Type": "application/json", **headers}
    if secret is not None:
        own["X-Telegram-Bot-Api-Secret-Token"] = secret
    async with ClientSession() as session, session.post(url, data=body, headers=own) as answer:
        await answer.read()
        return answer.status, dict(answer.headers)


async def bring_all(api: TelegramStandIn) -> list[int]:
    """Bring what waits to the webhook that was set: one chat strictly in order, what is not taken stays first."""
    statuses, stuck = [], set[int]()
    for update in list(api.pending):
        content = next((value for key, value in update.items() if key != "update_id"), {})
        chat = content.get("message", content).get("chat", {}).get("id", 0)
        if chat in stuck:
            continue
        status, _headers = await bring(api.webhook["url"], update, api.webhook["secret"])
        statuses.append(status)
        if 200 <= status < 300:
            api.pending.remove(update)
        else:
            stuck.add(chat)
    return statuses


HELP = """\
anything                say it                      #LABEL            tap the button with this label
:press DATA             a button by its data        :start [PAYLOAD]  open a link to the bot
:place LAT LNG          a pin                       :live LAT LNG     the live location moves
:number PHONE           share one's own number      :photo [FILE]     send one
:block  :unblock        the bot                     :commands         the menus that were set
:fail METHOD STATUS     the next call fails         :quit"""


def _act(hand: Hand, line: str) -> bool:
    """What a typed line does; False: not understood."""
    word, *rest = line.split()
    match word, rest:
        case ":press", [data]:
            hand.presses(data)
        case ":start", _:
            hand.starts(rest[0] if rest else "")
        case ":place", [latitude, longitude]:
            hand.shares_place(float(latitude), float(longitude))
        case ":live", [latitude, longitude]:
            hand.moves(float(latitude), float(longitude))
        case ":number", [number]:
            hand.shares_number(number)
        case ":photo", _:
            hand.photographs(Path(rest[0]).read_bytes() if rest else b"")
        case ":block", []:
            hand.blocks()
        case ":unblock", []:
            hand.unblocks()
        case ":commands", []:
            print(json.dumps(hand.api.commands, ensure_ascii=False, indent=1))
        case ":fail", [method, status]:
            hand.api.fail_next(method, status=int(status))
        case _ if word.startswith(":"):
            return False
        case _ if word.startswith("#"):
            hand.taps(line[1:])
        case _:
            hand.says(line)
    return True


async def _play(arguments: argparse.Namespace) -> None:
    async with TelegramStandIn(arguments.token, port=arguments.port, limits=arguments.limits) as api:
        print(f"TELEGRAM_API_BASE={api.base}\nTELEGRAM_TOKEN={api.token}\nType :help for what you can do.")
        hand = Hand(api, arguments.user, arguments.language)
        printing = asyncio.create_task(_print_what_comes(hand.person))
        while (line := (await asyncio.to_thread(_asked)).strip()) != ":quit":
            try:
                if line and not _act(hand, line):
                    print(HELP)
            except (AssertionError, ValueError, LookupError, OSError) as wrong:
                print(f"  ({wrong})")
            if api.webhook:
                print("  webhook:", await bring_all(api))
        printing.cancel()


async def _print_what_comes(person: Person) -> None:
    seen = 0
    while True:
        for message in person.messages[seen:]:
            print("  <", message.get("text") or {k: message[k] for k in ("photo", "caption", "venue") if k in message})
            markup = message.get("reply_markup", {})
            for row in markup.get("inline_keyboard", markup.get("keyboard", [])):
                print("    " + "  ".join(f"[{button['text']}]" for button in row))
        seen = len(person.messages)
        await asyncio.sleep(0.1)


def _asked() -> str:
    try:
        return input("> ")
    except EOFError:
        return ":quit"


def main() -> None:
    """Read the arguments and play until `:quit`."""
    reader = argparse.ArgumentParser(prog="python -m tests.standins.telegram", description="A stand-in of Telegram.")
    reader.add_argument("--port", type=int, default=0, help="the API's port on 127.0.0.1; 0: a free one")
    reader.add_argument("--token", default=TOKEN)
    reader.add_argument("--user", type=int, default=4242)
    reader.add_argument("--language", default="zh-hans")
    reader.add_argument("--limits", action="store_true", help="30 messages a second, short bursts in a chat")
    asyncio.run(_play(reader.parse_args()))


if __name__ == "__main__":
    main()
