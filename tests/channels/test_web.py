"""The web chat's wire: one effect for a repeated post, streams that lose and double nothing, and who is let in."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, web

from bot.channels.entrance import Entrance
from bot.channels.web import BODY_LIMIT, HISTORY, PHOTO, STREAMS_PER_ADDRESS, Who
from bot.talk.door import Delivered, Door
from bot.talk.incoming import Incoming
from bot.talk.order import Order
from bot.talk.view import Button, Page, Reply
from tests.webchat import ScriptedCity, WebChat, echo, serve

KEY = "00000000-0000-4000-8000-000000000001"


class Visitor:
    """A browser without a screen."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = ClientSession(cookie_jar=CookieJar(unsafe=True))  # the jar keeps cookies of bare addresses

    async def opens(self, path: str = "/chat", **headers: str) -> ClientResponse:
        answer = await self.session.get(self.url + path, headers=headers, allow_redirects=False)
        await answer.read()
        return answer

    async def posts(self, message: Any, **headers: str) -> ClientResponse:
        headers = {"Origin": self.url, "Content-Type": "application/json", **headers}
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        answer = await self.session.post(self.url + "/chat/say", data=data, headers=headers)
        await answer.read()
        return answer

    async def says(self, text: str, key: str = "") -> ClientResponse:
        return await self.posts({"key": key or str(uuid.uuid4()), "text": text})

    async def letters(self, query: str = "") -> list[dict[str, Any]]:
        answer = await self.session.get(self.url + "/chat/history" + query)
        return list((await answer.json())["letters"])

    async def texts(self) -> list[str]:
        return [letter["body"].get("text", "") for letter in await self.letters()]

    @asynccontextmanager
    async def listens(self, after: int | None = None) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
        """Opens the stream; the callable waits for the next letter."""
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        async with self.session.get(self.url + "/chat/events", headers=headers) as stream:
            assert stream.status == 200

            async def next_letter() -> dict[str, Any]:
                while True:
                    line = (await asyncio.wait_for(stream.content.readline(), 3)).decode()
                    if line.startswith("data: {"):
                        return dict(json.loads(line[6:]))

            yield next_letter


@pytest.fixture
def chat() -> WebChat:
    return WebChat(ScriptedCity(echo))


@pytest.fixture
async def visitor(chat: WebChat) -> AsyncIterator[Visitor]:
    async with serve(chat.app()) as url:
        visitor = Visitor(url)
        async with visitor.session:
            await visitor.opens()
            yield visitor


# --- Saying --------------------------------------------------------------------------------------------------------


async def test_what_is_said_and_what_is_answered_are_letters_in_order(visitor: Visitor) -> None:
    assert (await visitor.says("你好")).status == 200
    assert [(one["sequence"], one["who"], one["body"]["text"]) for one in await visitor.letters()] == [
        (1, "me", "你好"),
        (2, "them", "heard 你好"),
    ]


async def test_a_repeated_post_has_one_effect_and_one_answer(chat: WebChat, visitor: Visitor) -> None:
    key = str(uuid.uuid4())
    answers = [await visitor.says("join", key) for _ in range(3)]
    assert {answer.status for answer in answers} == {200}
    assert len(chat.listener.effects) == 1
    assert await visitor.texts() == ["join", "heard join"]


async def test_two_posts_with_different_keys_have_two_effects(chat: WebChat, visitor: Visitor) -> None:
    """The control of the test before: it is the key that makes a repetition, not the words."""
    await visitor.says("join")
    await visitor.says("join")
    assert len(chat.listener.effects) == 2


def in_three_pages(incoming: Incoming) -> tuple[Page, ...]:
    return tuple(Page(f"{incoming.text}{number}") for number in (1, 2, 3))


async def said_at_once(monkeypatch: pytest.MonkeyPatch, turnstile: Callable[[Any, Any], Any] = Order.of) -> list[str]:
    """Two posts of which the second comes while the first is answered: what was answered, in order."""
    chat, both_came, came = WebChat(ScriptedCity(in_three_pages)), asyncio.Event(), list[object]()
    sound = chat.letters.append

    def of(order: Order, key: object) -> Any:
        came.append(key)
        if len(came) == 2:
            both_came.set()
        return turnstile(order, key)

    async def append(address: str, key: str, who: Who, *letter: Any) -> int:
        if who == "them":
            await both_came.wait()
            for _round in range(20):  # a database: whoever may go on does so meanwhile
                await asyncio.sleep(0)
        return await sound(address, key, who, *letter)

    monkeypatch.setattr("bot.channels.web.Order.of", of)
    monkeypatch.setattr(chat.letters, "append", append)
    async with serve(chat.app()) as url:
        visitor = Visitor(url)
        async with visitor.session:
            await visitor.opens()
            await asyncio.gather(visitor.says("a"), visitor.says("b"))
            return [one["body"]["text"] for one in await visitor.letters() if one["who"] == "them"]


async def test_an_answer_of_several_pages_stays_together(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = await said_at_once(monkeypatch)
    assert sorted(answered[:3]) == answered[:3]
    assert answered[3:] == sorted(answered[3:])
    assert {len({text[0] for text in half}) for half in (answered[:3], answered[3:])} == {1}


async def test_control_without_the_turnstile_another_one_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = await said_at_once(monkeypatch, lambda _order, _key: nullcontext())
    assert len({text[0] for text in answered[:3]}) == 2


async def test_the_same_post_twice_at_once_shows_one_answer(chat: WebChat, visitor: Visitor) -> None:
    key = str(uuid.uuid4())
    chat.listener.open.clear()
    posts = [asyncio.create_task(visitor.says("join", key)) for _ in range(2)]
    await asyncio.sleep(0.05)
    chat.listener.open.set()
    await asyncio.gather(*posts)
    assert await visitor.texts() == ["join", "heard join"]


async def test_an_answer_whose_letters_were_lost_in_a_crash_comes_with_the_repeated_post(
    chat: WebChat, visitor: Visitor
) -> None:
    key = str(uuid.uuid4())
    await visitor.says("join", key)
    (letters,) = chat.letters.kept.values()
    del letters[1:]  # the turn was committed, the process died before its letters were
    await visitor.says("join", key)
    assert await visitor.texts() == ["join", "heard join"]
    assert len(chat.listener.effects) == 1


async def test_a_message_that_was_turned_away_by_load_can_be_repeated(chat: WebChat, visitor: Visitor) -> None:
    chat.listener.overloaded = 1
    key = str(uuid.uuid4())
    turned_away = await visitor.says("join", key)
    assert (turned_away.status, turned_away.headers["Retry-After"]) == (503, "1")
    assert (await visitor.says("join", key)).status == 200
    assert await visitor.texts() == ["join", "heard join"]


async def test_nobody_gets_a_reply_that_was_kept_for_somebody_else(chat: WebChat, visitor: Visitor) -> None:
    """A key that another person made gives no access to their answer: a message's key carries the address."""
    key = str(uuid.uuid4())
    await visitor.says("my phone is 13800000000", key)
    other = Visitor(visitor.url)
    async with other.session:
        await other.opens()
        await other.says("hello", key)
        assert await other.texts() == ["hello", "heard hello"]


async def test_if_the_message_had_the_posted_key_alone_the_reply_would_leak(
    chat: WebChat, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test before."""
    take = chat.listener.take

    async def take_by_the_posted_key(incoming: Incoming) -> Reply:
        return await take(replace(incoming, key=incoming.key.partition(":")[2]))

    monkeypatch.setattr(chat.listener, "take", take_by_the_posted_key)
    key = str(uuid.uuid4())
    await visitor.says("my phone is 13800000000", key)
    other = Visitor(visitor.url)
    async with other.session:
        await other.opens()
        await other.says("hello", key)
        assert await other.texts() == ["hello", "heard my phone is 13800000000"]


@pytest.mark.parametrize(
    ("posted", "heard"),
    [
        ({"text": "  2 "}, "heard 2"),
        ({"text": "a\r\nb\x00\x07"}, "heard a\nb"),
        ({"text": "half \ud83d"}, "heard half"),
        ({"pick": "17.2", "label": "Yes"}, "heard 17.2"),
        ({"link": "join-42", "label": "Join"}, "intent join-42"),
        ({"link": "language-zh_CN"}, "intent language-zh_CN"),
        ({"place": {"latitude": 39.9, "longitude": 116.4, "accuracy": 25}}, "place 39.900 116.400"),
        ({"place": {"latitude": -1, "longitude": 0}}, "place -1.000 0.000"),
    ],
)
async def test_each_thing_that_can_be_posted_arrives_as_itself(
    visitor: Visitor, posted: dict[str, Any], heard: str
) -> None:
    assert (await visitor.posts({"key": str(uuid.uuid4()), **posted})).status == 200
    assert (await visitor.letters())[-1]["body"]["text"] == heard


@pytest.mark.parametrize(
    "posted",
    [
        {},
        [],
        "text",
        {"text": "no key"},
        {"key": "not-a-uuid", "text": "x"},
        {"key": KEY, "text": ""},
        {"key": KEY, "text": " \x00 "},
        {"key": KEY, "text": "x" * 4001},
        {"key": KEY, "text": ["x"]},
        {"key": KEY, "pick": "17"},
        {"key": KEY, "pick": "17.2; drop"},
        {"key": KEY, "link": "Join 42"},
        {"key": KEY, "link": "join-" + "4" * 64},
        {"key": KEY, "place": {"latitude": 91, "longitude": 0}},
        {"key": KEY, "place": {"latitude": float("nan"), "longitude": 0}},
        {"key": KEY, "place": {"latitude": 10**400, "longitude": 0}},
        {"key": KEY, "place": {"latitude": "39", "longitude": 116}},
        {"key": KEY, "place": {"latitude": 39, "longitude": 116, "accuracy": float("inf")}},
        b"{",
        b"\xff\xfe",
        b"[" * 20_000,
    ],
    ids=lambda posted: str(posted)[-30:],
)
async def test_what_cannot_be_read_is_refused_and_leaves_nothing(chat: WebChat, visitor: Visitor, posted: Any) -> None:
    assert (await visitor.posts(posted)).status == 400
    assert chat.listener.effects == []
    assert await visitor.letters() == []


async def test_a_body_over_the_limit_is_refused_even_when_it_does_not_say_its_length(visitor: Visitor) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 1024 + 1):
            yield b" " * 1024

    headers = {"Origin": visitor.url, "Content-Type": "application/json"}
    async with visitor.session.post(visitor.url + "/chat/say", data=chunks(), headers=headers) as answer:
        assert answer.status == 413
    assert (await visitor.posts(b" " * (BODY_LIMIT + 1))).status == 413


# --- Pictures ------------------------------------------------------------------------------------------------------

JPEG = b"\xff\xd8\xff and so on"


async def posts_picture(visitor: Visitor, picture: bytes = JPEG, key: str = KEY, **headers: str) -> int:
    told = {"Origin": visitor.url, "Content-Type": "image/jpeg"} | headers
    async with visitor.session.post(f"{visitor.url}{PHOTO}?key={key}", data=picture, headers=told) as answer:
        return answer.status


async def test_a_picture_is_a_message_with_itself_and_a_repeated_post_has_one_effect(
    chat: WebChat, visitor: Visitor
) -> None:
    assert [await posts_picture(visitor) for _ in range(2)] == [200, 200]
    (heard,) = chat.listener.effects
    assert heard.photo is not None
    assert heard.photo.picture == JPEG
    assert "and so on" not in heard.raw
    mine = [letter["body"] for letter in await visitor.letters() if letter["who"] == "me"]
    assert mine == [{"photo": True}]


async def test_the_same_picture_has_the_same_key(chat: WebChat, visitor: Visitor) -> None:
    for picture in (JPEG, JPEG, JPEG + b"!"):
        await posts_picture(visitor, picture, str(uuid.uuid4()))
    keys = [one.photo.key for one in chat.listener.effects if one.photo]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("key", "picture", "headers", "status"),
    [
        ("no key", JPEG, {}, 400),
        (KEY, b"", {}, 400),
        (KEY, JPEG, {"Content-Type": "text/html"}, 415),
        (KEY, JPEG, {"Content-Type": "image/svg+xml"}, 415),
        (KEY, JPEG, {"Origin": "https://evil.example"}, 403),
    ],
)
async def test_a_picture_that_is_not_ours_to_take_is_refused(
    chat: WebChat, visitor: Visitor, key: str, picture: bytes, headers: dict[str, str], status: int
) -> None:
    assert await posts_picture(visitor, picture, key, **headers) == status
    assert not chat.listener.effects


# --- Listening -----------------------------------------------------------------------------------------------------


async def test_a_push_reaches_an_open_stream_and_is_delivered(chat: WebChat, visitor: Visitor) -> None:
    await visitor.says("hello")
    (address_id,) = chat.letters.kept
    async with visitor.listens(after=2) as next_letter:
        outcome = await chat.door.send(
            address_id, Page("Tomorrow at nine", (Button(1, "Still coming", "my"),)), "out-7"
        )
        letter = await next_letter()
    assert outcome == Delivered("3")
    assert letter["body"] == {
        "text": "Tomorrow at nine",
        "buttons": [{"number": 1, "label": "Still coming", "wire": "my", "url": ""}],
    }


async def test_a_push_that_is_sent_twice_arrives_once(chat: WebChat, visitor: Visitor) -> None:
    await visitor.says("hello")
    (address_id,) = chat.letters.kept
    first = await chat.door.send(address_id, Page("Tomorrow"), "out-7")
    assert await chat.door.send(address_id, Page("Tomorrow"), "out-7") == first
    assert await visitor.texts() == ["hello", "heard hello", "Tomorrow"]


async def test_a_letter_from_another_replica_is_found_by_looking(chat: WebChat, visitor: Visitor) -> None:
    await visitor.says("hello")
    (address_id,) = chat.letters.kept
    async with visitor.listens(after=2) as next_letter:
        await chat.letters.append(
            address_id, "elsewhere", "them", {"text": "from afar"}, chat.now
        )  # rings no bell here
        assert (await next_letter())["body"]["text"] == "from afar"


async def test_a_stream_taken_up_again_loses_and_doubles_nothing(chat: WebChat, visitor: Visitor) -> None:
    await visitor.says("one")
    async with visitor.listens() as next_letter:
        seen = [(await next_letter())["sequence"], (await next_letter())["sequence"]]
    await visitor.says("two")
    await visitor.says("three")
    async with visitor.listens(after=seen[-1]) as next_letter:
        seen += [(await next_letter())["sequence"] for _ in range(4)]
    assert seen == [1, 2, 3, 4, 5, 6]


async def test_a_stream_without_a_number_begins_at_the_first_letter(visitor: Visitor) -> None:
    """The control of the test before: it is the number that keeps letters from coming again."""
    await visitor.says("one")
    for _ in range(2):
        async with visitor.listens() as next_letter:
            assert [(await next_letter())["sequence"] for _ in range(2)] == [1, 2]


async def test_a_page_that_knows_letters_that_are_gone_is_told_to_begin_anew(visitor: Visitor) -> None:
    await visitor.says("one")
    for after, told in ((2, False), (3, True)):
        async with visitor.session.get(visitor.url + f"/chat/events?after={after}") as stream:
            beginning = (await stream.content.readuntil(b"data:\n\n")).decode()
            assert "event: beat" in beginning
            if told:
                assert "event: forgotten" in (await asyncio.wait_for(stream.content.read(), 2)).decode()


async def test_streams_end_with_the_program_and_beyond_their_number(chat: WebChat, visitor: Visitor) -> None:
    await visitor.says("hello")
    streams = [await visitor.session.get(visitor.url + "/chat/events") for _ in range(STREAMS_PER_ADDRESS)]
    assert (await visitor.opens("/chat/events")).status == 429
    chat.door.close()
    for stream in streams:
        await asyncio.wait_for(stream.read(), 2)
    assert chat.door.streams(next(iter(chat.letters.kept))) == 0
    assert (await visitor.opens("/chat/events")).status == 429


async def test_history_comes_in_pages_from_the_newest(chat: WebChat, visitor: Visitor) -> None:
    for number in range(HISTORY):
        await visitor.says(str(number))
    newest = await visitor.letters()
    earlier = await visitor.letters(f"?before={newest[0]['sequence']}")
    assert [one["sequence"] for one in earlier + newest] == list(range(1, 2 * HISTORY + 1))


async def test_pages_of_our_own_are_opened_on_the_host_that_the_visitor_uses(chat: WebChat) -> None:
    chat.entrance = Entrance(public_url="https://city.example")
    chat.listener.script = lambda _: (
        Page(
            "Here",
            (Button(0, "Wall", url="https://city.example/wall/3?k=a"), Button(0, "Map", url="https://maps.example/x")),
            picture="https://city.example/pictures/1.png",
        ),
    )
    async with serve(chat.app()) as url:
        visitor = Visitor(url)
        async with visitor.session:
            secret = (await visitor.opens()).cookies["__Host-menkou"].value  # secure: the jar gives none back over http
            headers = {"Cookie": f"__Host-menkou={secret}"}
            await visitor.posts({"key": str(uuid.uuid4()), "text": "x"}, **headers)
            answer = await visitor.session.get(url + "/chat/history", headers=headers)
            body = (await answer.json())["letters"][1]["body"]
    assert [button["url"] for button in body["buttons"]] == ["/wall/3?k=a", "https://maps.example/x"]
    assert body["picture"] == "/pictures/1.png"


# --- Who is let in -------------------------------------------------------------------------------------------------


async def test_the_cookie_is_random_kept_from_scripts_and_from_other_sites(visitor: Visitor) -> None:
    other = Visitor(visitor.url)
    async with other.session:
        cookie = (await other.opens()).cookies["menkou"]
    assert len(cookie.value) == 32
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert not cookie["secure"]
    assert cookie.value != next(iter(visitor.session.cookie_jar)).value


async def test_what_is_kept_does_not_open_the_conversation(chat: WebChat, visitor: Visitor) -> None:
    """A leaked table of letters must not hold what a browser would have to show."""
    await visitor.says("hello")
    (address_id,) = chat.letters.kept
    thief = Visitor(visitor.url)
    async with thief.session:
        answer = await thief.session.get(visitor.url + "/chat/history", headers={"Cookie": f"menkou={address_id}"})
        assert (await answer.json())["letters"] == []


@pytest.mark.parametrize("cookie", ["", "menkou=", "menkou=x", "menkou=as-anna", "menkou=" + "A" * 32])
async def test_without_a_cookie_of_ours_nothing_is_said_or_read(visitor: Visitor, cookie: str) -> None:
    stranger = Visitor(visitor.url)
    async with stranger.session:
        headers = {"Cookie": cookie} if cookie else {}
        for path in ("/chat/history", "/chat/events"):
            assert (await stranger.opens(path, **headers)).status == 401
        assert (await stranger.posts({"key": str(uuid.uuid4()), "text": "x"}, **headers)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "{url}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_a_post_from_another_page_is_refused(chat: WebChat, visitor: Visitor, headers: dict[str, str]) -> None:
    headers = {name: value.format(url=visitor.url) for name, value in headers.items()}
    assert (await visitor.posts({"key": str(uuid.uuid4()), "text": "x"}, **headers)).status == 403
    assert chat.listener.effects == []


async def test_a_post_that_a_plain_form_could_send_is_refused(visitor: Visitor) -> None:
    answer = await visitor.posts({"key": str(uuid.uuid4()), "text": "x"}, **{"Content-Type": "text/plain"})
    assert answer.status == 415


@pytest.mark.parametrize("path", ["/chat", "/chat/history", "/chat/events"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.7:8080", "localhost.evil", "[::2]"]
)
async def test_a_name_that_was_bound_to_this_machine_by_another_site_is_refused(
    visitor: Visitor, path: str, host: str
) -> None:
    assert (await visitor.opens(path, Host=host)).status == 403


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.2:1", "[::1]:8080", "[::ffff:127.0.0.1]"]
)
async def test_this_machine_is_let_in_by_all_its_names(visitor: Visitor, host: str) -> None:
    assert (await visitor.opens("/chat", Host=host)).status == 200


async def test_when_it_is_switched_on_for_all_a_public_name_is_let_in(chat: WebChat) -> None:
    """The control of the refusals above, and the origin still has to be our own."""
    chat.entrance = Entrance(public_url="http://city.example", open_to_all=True)
    async with serve(chat.app()) as url:
        visitor = Visitor(url)
        async with visitor.session:
            assert (await visitor.opens("/chat", Host="city.example")).status == 200
            await visitor.opens()
            message = {"key": str(uuid.uuid4()), "text": "x"}
            for origin, status in {"http://city.example": 200, url: 200, "http://evil.example": 403}.items():
                assert (await visitor.posts(message, Origin=origin)).status == status


# --- Personas ------------------------------------------------------------------------------------------------------


async def test_a_persona_is_refused_outside_the_demonstration(visitor: Visitor) -> None:
    before = {cookie.value for cookie in visitor.session.cookie_jar}
    refused = await visitor.opens("/chat?as=anna")
    assert (refused.status, dict(refused.cookies)) == (404, {})
    assert {cookie.value for cookie in visitor.session.cookie_jar} == before
    stranger = Visitor(visitor.url)
    async with stranger.session:
        assert (await stranger.opens("/chat/history", Cookie="menkou=as-anna")).status == 401


async def test_in_the_demonstration_a_persona_has_its_own_conversation(chat: WebChat) -> None:
    chat = WebChat(chat.listener, personas={"anna": "persona-1", "王阿姨": "persona-2"})
    async with serve(chat.app()) as url:
        visitor = Visitor(url)
        async with visitor.session:
            for name, address_id in (("anna", "persona-1"), ("王阿姨", "persona-2")):
                arrived = await visitor.opens(f"/chat?as={name}&go=my")
                assert (arrived.status, arrived.headers["Location"]) == (303, "/chat?go=my")
                await visitor.says("hello")
                assert chat.listener.effects[-1].address.id == address_id
            assert (await visitor.opens("/chat?as=nobody")).status == 404


# --- Coming in by a link -------------------------------------------------------------------------------------------


async def test_a_link_on_another_site_does_not_cut_a_visitor_off_from_their_conversation(visitor: Visitor) -> None:
    """A strict cookie is not sent with such a visit: a fresh one would overwrite it."""
    stranger = Visitor(visitor.url)
    async with stranger.session:
        bounced = await stranger.opens("/chat?go=join-42", **{"Sec-Fetch-Site": "cross-site"})
        assert dict(bounced.cookies) == {}
        assert 'content="0; url=/chat?go=join-42&amp;here=1"' in await bounced.text()
        landed = await stranger.opens("/chat?go=join-42&here=1", **{"Sec-Fetch-Site": "cross-site"})
        assert "menkou" in landed.cookies


async def test_every_answer_of_every_kind_carries_the_security_headers(chat: WebChat, visitor: Visitor) -> None:
    answers = [
        await visitor.opens("/chat"),
        await visitor.opens("/chat", Host="evil.example"),
        await visitor.opens("/nowhere"),
        await visitor.opens("/nowhere", Accept="text/html"),
        await visitor.opens("/chat/history"),
        await visitor.opens(chat.site.static("chat.js")),
        await visitor.says("x"),
        await visitor.posts(b"{"),
    ]
    async with visitor.session.get(visitor.url + "/chat/events") as stream:
        answers.append(stream)
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Server" not in answer.headers
        static = "/static/" in str(answer.url)
        assert answer.headers["Cache-Control"] == ("public, max-age=31536000, immutable" if static else "no-store")


async def test_a_fault_of_ours_becomes_a_page_without_a_traceback(
    chat: WebChat, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("secret-inside")

    app = chat.app()
    app.router.add_get("/broken", broken)
    async with serve(app) as url:
        visitor = Visitor(url)
        async with visitor.session:
            answer = await visitor.opens("/broken?k=signature", Accept="text/html", **{"Accept-Language": "en-GB,zh"})
            text = await answer.text()
    assert answer.status == 500
    assert "Something went wrong on our side." in text
    assert "secret-inside" not in text
    assert "Traceback" not in text
    (record,) = [record for record in caplog.records if record.name == "bot.pages.site"]
    assert record.__dict__["reference"] in text
    assert record.__dict__["route"] == "/broken"


async def test_the_web_chat_is_a_door(chat: WebChat) -> None:
    assert isinstance(chat.door, Door)
