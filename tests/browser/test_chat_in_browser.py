"""The web chat in a real browser: a conversation, pushes, reloads, a lost network, keyboard and screen reader."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, Locator, Route, expect
from playwright.async_api import Page as Tab

from bot.channels.web import Letter
from bot.pages.demo import Persona
from bot.talk.incoming import Incoming
from bot.talk.view import Button, Page
from bot.talk.wording import Named
from tests.browser.conftest import OpenPage
from tests.webchat import ScriptedCity, WebChat, choices, serve


def script(incoming: Incoming) -> tuple[Page, ...]:
    """A small join: welcome, a list of two, a page with a map, a confirmation."""
    if incoming.photo:
        with Image.open(io.BytesIO(incoming.photo.picture or b"")) as drawn:
            return (Page(f"{drawn.format} of {drawn.width} by {drawn.height}, {len(drawn.getexif())} notes"),)
    if incoming.place:
        return (Page(f"You are at {incoming.place.latitude:.2f}, {incoming.place.longitude:.2f}."),)
    match incoming.intent.link if incoming.intent else incoming.pick or incoming.text:
        case "start":
            return (Page("Welcome.", (Button(1, "Find an activity", "find"), Button(2, "My hours", "hours"))),)
        case "find" | "1":
            return (
                Page("Two activities near you."),
                Page("Which one?", (Button(1, "Autumn leaves", "join-1"), Button(2, "Phones", "join-2"))),
            )
        case "join-2":
            spot = (39.99, 116.48, "Wangjing Centre", "50 West Road")
            return (Page("Phones for our elders. Join?", choices(9, "Join", "Not now"), spot=spot),)
        case "9.1":
            return (Page("You have a seat: number 19 of 20.", (Button(0, "The wall", url="/wall/2?k=x"),)),)
        case "phone":
            return (Page("Your phone number?", wants="phone"),)
        case "picture":
            return (Page("A picture?", choices(3, "No picture"), wants="photo"),)
        case "near":
            return (Page("Where are you?", wants="place"),)
    return (Page(f"I heard: {incoming.text or incoming.intent}"),)


@pytest.fixture
def city() -> ScriptedCity:
    return ScriptedCity(script)


@pytest.fixture
def chat(city: ScriptedCity) -> WebChat:
    people = (Persona("anna", Named("安娜", "Anna"), "186 hours"), Persona("li", Named("李老师", "Li")))
    return WebChat(city, personas={"anna": "persona-anna", "li": "persona-li"}, people=people)


@pytest.fixture
def app(chat: WebChat) -> web.Application:
    return chat.app()


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: web.Application) -> AsyncIterator[str]:
    async with serve(app) as url:
        yield url + "/chat"


@pytest_asyncio.fixture(loop_scope="session")
async def tab(open_page: OpenPage, url: str) -> Tab:
    """A phone on which the chat has greeted."""
    tab = await open_page(url, locale="en-GB")
    await expect(theirs(tab)).to_have_text(["Welcome."])
    await expect(tab.locator("#state")).to_have_text("Online")
    return tab


def theirs(tab: Tab) -> Locator:
    return tab.locator(".them:not(#typing) .text")


def mine(tab: Tab) -> Locator:
    return tab.locator(".me .text")


def option(tab: Tab, label: str) -> Locator:
    return tab.locator(".options:not(.past)").get_by_role("button", name=label)


async def write(tab: Tab, words: str) -> None:
    await tab.get_by_label("Write a message").fill(words)
    await tab.keyboard.press("Enter")


def address(chat: WebChat) -> str:
    return next(iter(chat.letters.kept))


# --- Pictures ------------------------------------------------------------------------------------------------------


async def test_a_picture_leaves_smaller_and_without_what_the_camera_wrote(tab: Tab, city: ScriptedCity) -> None:
    await expect(tab.locator("#photo")).to_be_hidden()
    await write(tab, "picture")
    await expect(tab.get_by_role("button", name="Send a picture")).to_be_visible()
    exif = Image.Exif()
    exif[0x010E] = "Fangzhuang, building 7"
    out = io.BytesIO()
    Image.new("RGB", (3_200, 2_400), "#3a7").save(out, "JPEG", exif=exif)
    taken = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    await tab.locator("#file").set_input_files(files=[taken])  # type: ignore[list-item]  # a plain mapping will do
    await expect(theirs(tab).last).to_have_text("JPEG of 1600 by 1200, 0 notes")
    await expect(tab.locator(".me").last).to_contain_text("A picture")
    await expect(tab.locator("#photo")).to_be_hidden()


async def test_what_is_no_picture_never_leaves(tab: Tab, city: ScriptedCity) -> None:
    await write(tab, "picture")
    await expect(tab.locator("#photo")).to_be_visible()
    taken = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": b"hello"}
    await tab.locator("#file").set_input_files(files=[taken])  # type: ignore[list-item]  # likewise
    await expect(tab.locator("#toast")).to_contain_text("cannot read this as a picture")
    assert not any(one.photo for one in city.effects)


# --- The conversation ----------------------------------------------------------------------------------------------


async def test_a_visitor_joins_by_pressing_and_typing(tab: Tab, city: ScriptedCity) -> None:
    await option(tab, "Find an activity").click()
    await expect(theirs(tab)).to_have_text(["Welcome.", "Two activities near you.", "Which one?"])
    await option(tab, "2 Phones").click()
    await expect(tab.get_by_role("link", name="Wangjing Centre")).to_have_attribute(
        "href", "https://www.openstreetmap.org/?mlat=39.99&mlon=116.48#map=17/39.99/116.48"
    )
    await option(tab, "1 Join").click()
    await expect(theirs(tab).last).to_have_text("You have a seat: number 19 of 20.")
    await expect(tab.get_by_role("link", name="The wall")).to_have_attribute("href", "/wall/2?k=x")
    await write(tab, "thank you")
    await expect(theirs(tab).last).to_have_text("I heard: thank you")
    await expect(mine(tab)).to_have_text(["Find an activity", "Phones", "Join", "thank you"])
    assert [one.intent.link if one.intent else one.pick or one.text for one in city.effects] == [
        "start",
        "find",
        "join-2",
        "9.1",
        "thank you",
    ]


async def test_old_options_stay_and_can_be_pressed_again(tab: Tab, city: ScriptedCity) -> None:
    await option(tab, "Find an activity").click()
    await expect(option(tab, "Phones")).to_be_visible()
    await tab.locator(".options.past").get_by_role("button", name="My hours").click()
    await expect(theirs(tab).last).to_contain_text("hours")
    assert city.effects[-1].intent is not None


async def test_enter_sends_shift_enter_breaks_the_line_and_nothing_is_not_sent(tab: Tab, city: ScriptedCity) -> None:
    box = tab.get_by_label("Write a message")
    await box.fill("   ")
    await box.press("Enter")
    await box.fill("one")
    await box.press("Shift+Enter")
    await box.press_sequentially("two")
    await box.press("Enter")
    await expect(theirs(tab).last).to_have_text("I heard: one two")
    assert [one.text for one in city.effects[1:]] == ["one\ntwo"]
    await expect(box).to_have_value("")


async def test_words_of_people_are_shown_as_words(tab: Tab) -> None:
    await write(tab, "<img src=x onerror=alert(1)> <b>bold</b> https://example.org/a?b=1。")
    await expect(theirs(tab).last).to_contain_text("<img src=x onerror=alert(1)> <b>bold</b>")
    assert await tab.locator("#log img, #log b").count() == 0
    await expect(mine(tab).last.get_by_role("link")).to_have_attribute("href", "https://example.org/a?b=1")


async def test_a_picture_is_shown_above_its_words_and_opens_large(tab: Tab, chat: WebChat) -> None:
    address_of_picture = chat.site.static("icon.svg")
    await chat.door.send(address(chat), Page("Your hours this month: 12.", picture=address_of_picture), "out-1")
    picture = tab.get_by_role("img", name="Picture; opens large")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.complete && image.naturalWidth > 0")
    await expect(tab.get_by_role("link", name="Picture; opens large")).to_have_attribute("href", address_of_picture)


async def test_the_dots_move_while_an_answer_is_on_its_way(tab: Tab, city: ScriptedCity) -> None:
    city.open.clear()
    await write(tab, "slow")
    await expect(tab.locator("#typing")).to_be_visible()
    city.open.set()
    await expect(theirs(tab).last).to_have_text("I heard: slow")
    await expect(tab.locator("#typing")).to_be_hidden()


async def test_a_place_is_shared_by_one_button(open_page: OpenPage, url: str) -> None:
    tab = await open_page(
        url,
        locale="en-GB",
        geolocation={"latitude": 39.9, "longitude": 116.4, "accuracy": 30},
        permissions=["geolocation"],
    )
    await tab.get_by_role("button", name="Share my place").click()
    await expect(theirs(tab).last).to_have_text("You are at 39.90, 116.40.")
    await expect(tab.locator(".me .bubble")).to_contain_text("My place (to about 30 m)")


async def test_a_place_that_is_not_given_is_answered_with_the_way_out(tab: Tab, city: ScriptedCity) -> None:
    await tab.get_by_role("button", name="Share my place").click()
    await expect(tab.get_by_role("alert")).to_contain_text("type a district")
    assert len(city.effects) == 1


async def test_the_page_prepares_for_what_is_asked(tab: Tab) -> None:
    await write(tab, "phone")
    await expect(tab.locator("#text")).to_have_attribute("inputmode", "tel")
    await write(tab, "near")
    await expect(tab.locator("#share")).to_have_class("wanted")
    await expect(tab.locator("#text")).to_have_attribute("inputmode", "text")


async def test_the_page_follows_the_language_of_the_talk(tab: Tab) -> None:
    await write(tab, "before")
    await tab.get_by_role("button", name="中文").click()
    await expect(tab.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(tab.get_by_role("button", name="English")).to_be_visible()
    await expect(theirs(tab).nth(1)).to_have_text("I heard: before")


async def test_earlier_letters_come_when_they_are_asked_for(open_page: OpenPage, chat: WebChat, tab: Tab) -> None:
    for number in range(150):
        await chat.letters.append(address(chat), f"old-{number}", "them", {"text": f"letter {number}"}, chat.now)
    await tab.reload()
    await expect(theirs(tab)).to_have_count(60)
    await tab.locator("#log").evaluate("log => log.scrollTop = 0")
    for count in (120, 151):
        await tab.get_by_role("button", name="Show earlier messages").click()
        await expect(theirs(tab)).to_have_count(count)
    await expect(theirs(tab)).to_have_text(["Welcome.", *[f"letter {number}" for number in range(150)]])
    await expect(tab.get_by_role("button", name="Show earlier messages")).to_be_hidden()


# --- Pushes, reloads, cuts -----------------------------------------------------------------------------------------


async def test_a_push_arrives_by_itself(tab: Tab, chat: WebChat) -> None:
    await chat.door.send(address(chat), Page("Tomorrow at nine. Still coming?", choices(3, "Yes", "No")), "out-1")
    await expect(theirs(tab).last).to_have_text("Tomorrow at nine. Still coming?")
    await expect(option(tab, "Yes")).to_be_visible()


async def test_a_push_does_not_pull_a_reader_away_from_older_letters(tab: Tab, chat: WebChat) -> None:
    for number in range(30):
        await chat.door.send(address(chat), Page(f"news {number}"), f"out-{number}")
    await expect(theirs(tab)).to_have_count(31)
    await tab.locator("#log").evaluate("log => log.scrollTop = 0")
    await chat.door.send(address(chat), Page("the latest"), "out-99")
    await tab.get_by_role("button", name="New messages below").click()
    await expect(theirs(tab).last).to_be_in_viewport()
    await expect(tab.locator("#below")).to_be_hidden()


async def test_a_reload_in_the_middle_loses_and_doubles_nothing(tab: Tab, city: ScriptedCity) -> None:
    city.open.clear()
    await write(tab, "in the middle")
    await expect(tab.locator(".me.waiting, .me[data-sequence]")).to_have_count(1)
    await tab.reload()
    await expect(mine(tab)).to_have_text(["in the middle"])
    city.open.set()
    await expect(theirs(tab)).to_have_text(["Welcome.", "I heard: in the middle"])
    await tab.reload()
    await expect(theirs(tab)).to_have_text(["Welcome.", "I heard: in the middle"])
    await expect(mine(tab)).to_have_text(["in the middle"])
    assert len(city.effects) == 2


async def drop_posts(tab: Tab) -> None:
    """From now on no post leaves the phone."""

    async def drop(route: Route) -> None:
        await route.abort("connectionfailed")

    await tab.route("**/chat/say", drop)


async def break_guards(tab: Tab, *guards: tuple[str, str]) -> None:
    """Serve the page's script without some of its guards: each is replaced by what follows it."""

    async def fulfil(route: Route) -> None:
        source = (await (await route.fetch()).body()).decode()
        for guard, instead in guards:
            assert guard in source
            source = source.replace(guard, instead)
        await route.fulfill(body=source, content_type="text/javascript")

    await tab.route("**/chat.js", fulfil)
    # The browser keeps a script whose address names its content; without that memory it has to fetch it.
    session = await tab.context.new_cdp_session(tab)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})


async def test_what_could_not_leave_before_a_reload_leaves_after_it(tab: Tab, city: ScriptedCity) -> None:
    await drop_posts(tab)
    await write(tab, "kept on the phone")
    await expect(tab.locator(".me.waiting")).to_have_count(1)
    await tab.unroute("**/chat/say")
    await tab.reload()
    await expect(theirs(tab)).to_have_text(["Welcome.", "I heard: kept on the phone"])
    await expect(mine(tab)).to_have_text(["kept on the phone"])
    assert len(city.effects) == 2


async def test_without_the_outbox_it_would_be_lost(tab: Tab, city: ScriptedCity) -> None:
    """The control of the test before."""
    await break_guards(tab, ("localStorage.setItem(OUTBOX,", "String("))
    await tab.reload()
    await drop_posts(tab)
    await write(tab, "kept on the phone")
    await expect(tab.locator(".me.waiting")).to_have_count(1)
    await tab.unroute("**/chat/say")
    await tab.reload()
    await expect(tab.locator("#state")).to_have_text("Online")
    await expect(theirs(tab)).to_have_text(["Welcome."])
    assert len(city.effects) == 1


def send_everything_again(chat: WebChat) -> None:
    """A stream that begins again at the first letter, whatever was asked for."""
    since, listen = chat.letters.since, chat.door.listen
    fresh: list[str] = []

    def begin(address_id: str) -> asyncio.Event:
        fresh.append(address_id)
        return listen(address_id)

    async def from_the_start(address_id: str, after: int) -> list[Letter]:
        return await since(address_id, 0 if fresh and fresh.pop() else after)

    chat.door.listen = begin  # type: ignore[method-assign]  # a faulty double is the point
    chat.letters.since = from_the_start  # type: ignore[method-assign]  # likewise


async def test_a_letter_that_comes_twice_is_shown_once(tab: Tab, chat: WebChat) -> None:
    await write(tab, "once")
    await expect(theirs(tab).last).to_have_text("I heard: once")
    send_everything_again(chat)
    await tab.reload()
    await expect(tab.locator("#state")).to_have_text("Online")
    await write(tab, "again")
    await expect(theirs(tab)).to_have_text(["Welcome.", "I heard: once", "I heard: again"])


async def test_without_the_numbers_it_would_be_shown_twice(tab: Tab, chat: WebChat) -> None:
    """The control of the test before."""
    await write(tab, "once")
    await expect(theirs(tab).last).to_have_text("I heard: once")
    send_everything_again(chat)
    await break_guards(
        tab,
        ("if (shown.has(letter.sequence)) return;", ""),
        ("letters.filter((letter) => !shown.has(letter.sequence))", "letters"),
    )
    await tab.reload()
    await expect(theirs(tab)).to_have_text(["Welcome.", "Welcome.", "I heard: once", "I heard: once"])


async def test_a_lost_network_is_told_and_what_was_written_goes_when_it_is_back(
    tab: Tab, chat: WebChat, city: ScriptedCity
) -> None:
    await tab.context.set_offline(True)
    await expect(tab.locator("#state")).to_contain_text("No connection.")
    await write(tab, "from the tunnel")
    await chat.door.send(address(chat), Page("Sent meanwhile"), "out-1")
    await expect(tab.locator(".me.waiting")).to_have_count(1)
    await tab.context.set_offline(False)
    await expect(theirs(tab)).to_have_text(["Welcome.", "Sent meanwhile", "I heard: from the tunnel"])
    await expect(mine(tab)).to_have_text(["from the tunnel"])
    await expect(tab.locator("#state")).to_have_text("Online")
    assert len(city.effects) == 2


async def test_the_program_may_be_started_again_under_an_open_page(open_page: OpenPage, chat: WebChat) -> None:
    async with serve(chat.app()) as url:
        tab = await open_page(url + "/chat", locale="en-GB")
        await expect(theirs(tab)).to_have_text(["Welcome."])
    await expect(tab.locator("#state")).to_have_text("Connecting …")
    await write(tab, "is anybody there")
    await chat.letters.append(address(chat), "out-1", "them", {"text": "Sent meanwhile"}, chat.now)
    async with serve(chat.app(), port=int(url.rpartition(":")[2])):
        await expect(theirs(tab)).to_have_text(["Welcome.", "Sent meanwhile", "I heard: is anybody there"])
        await write(tab, "good")
        await expect(theirs(tab).last).to_have_text("I heard: good")
    assert len(chat.listener.effects) == 3


async def test_a_page_left_open_over_a_fresh_city_begins_anew(tab: Tab, chat: WebChat, city: ScriptedCity) -> None:
    """Letters are numbered from 1 again: a page that waits for number 4 would never show one."""
    await write(tab, "before")
    await expect(theirs(tab)).to_have_text(["Welcome.", "I heard: before"])
    chat.letters.kept.clear()
    city.replies.clear()
    await tab.context.set_offline(True)
    await expect(tab.locator("#state")).to_contain_text("No connection.")
    await tab.context.set_offline(False)
    await expect(theirs(tab)).to_have_text(["Welcome."])


async def test_a_message_that_was_turned_away_by_load_goes_again(tab: Tab, city: ScriptedCity) -> None:
    city.overloaded = 1
    await write(tab, "patience")
    await expect(tab.get_by_role("alert")).to_contain_text("Very busy.")
    await expect(theirs(tab).last).to_have_text("I heard: patience")
    await expect(mine(tab)).to_have_text(["patience"])


async def test_two_pages_of_one_visitor_greet_once_and_show_the_same(tab: Tab, city: ScriptedCity) -> None:
    other = await tab.context.new_page()
    await other.goto(tab.url)
    await write(tab, "both see this")
    for one in (tab, other):
        await expect(theirs(one)).to_have_text(["Welcome.", "I heard: both see this"])
        await expect(mine(one)).to_have_text(["both see this"])
    assert len(city.effects) == 2


# --- Coming in -----------------------------------------------------------------------------------------------------


async def test_a_link_is_handed_over_once(open_page: OpenPage, url: str, city: ScriptedCity) -> None:
    tab = await open_page(url + "?go=join-2", locale="en-GB")
    await expect(theirs(tab)).to_have_text(["Phones for our elders. Join?"])
    assert tab.url == url
    await tab.reload()
    await expect(theirs(tab)).to_have_text(["Phones for our elders. Join?"])
    assert [one.intent.link for one in city.effects if one.intent] == ["join-2"]


async def test_a_link_on_another_site_leads_into_the_same_conversation(tab: Tab, url: str, city: ScriptedCity) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(text=f'<a href="{url}?go=join-2">here</a>', content_type="text/html")

    site = web.Application()
    site.router.add_get("/", elsewhere)
    async with serve(site) as other:
        await tab.goto(other.replace("127.0.0.1", "localhost"))  # another site to the browser, though the same machine
        await tab.get_by_role("link", name="here").click()
        await expect(theirs(tab)).to_have_text(["Welcome.", "Phones for our elders. Join?"])
    assert len({one.address for one in city.effects}) == 1


async def test_the_bar_moves_the_citys_clock_and_changes_who_one_is(tab: Tab, chat: WebChat) -> None:
    async def remind() -> None:
        await chat.door.send(address(chat), Page("Two hours from now."), f"reminder-{chat.now}")

    await expect(tab.locator("#clock")).to_have_text("Tue 24 Nov 09:30")
    await tab.get_by_role("button", name="+1 h").click()
    await expect(tab.locator("#clock")).to_have_text("Tue 24 Nov 10:30")
    await tab.get_by_role("button", name="+1 day").click()
    await expect(tab.locator("#clock")).to_have_text("Wed 25 Nov 10:30")
    chat.due, chat.on_move = [timedelta(hours=5)], remind
    await tab.get_by_role("button", name="Next reminder").click()
    await expect(theirs(tab).last).to_have_text("Two hours from now.")
    await tab.get_by_role("button", name="Next reminder").click()
    await expect(tab.get_by_role("alert")).to_have_text("Nothing is waiting to be sent.")
    await tab.get_by_text("Switch person").click()
    await tab.get_by_role("link", name="Anna").click()
    await expect(theirs(tab)).to_have_text(["Welcome."])
    assert chat.listener.effects[-1].address.id == "persona-anna"


# --- For everybody -------------------------------------------------------------------------------------------------


async def test_all_of_it_goes_by_keyboard_alone(tab: Tab, city: ScriptedCity) -> None:
    await tab.get_by_label("Write a message").focus()
    await tab.keyboard.type("1")
    await tab.keyboard.press("Enter")
    await expect(theirs(tab).last).to_have_text("Which one?")
    for _ in range(8):  # backwards from the text field: place, menu, then the newest options, last one first
        await tab.keyboard.press("Shift+Tab")
        if await option(tab, "2 Phones").evaluate("button => button === document.activeElement"):
            break
    await tab.keyboard.press("Enter")
    await expect(theirs(tab).last).to_contain_text("Join?")
    await tab.keyboard.press("Tab")  # on from the pressed option: the map, then the new ones
    while not await option(tab, "1 Join").evaluate("button => button === document.activeElement"):
        await tab.keyboard.press("Tab")
    await tab.keyboard.press("Space")
    await expect(theirs(tab).last).to_have_text("You have a seat: number 19 of 20.")


async def test_a_screen_reader_hears_who_says_what(tab: Tab) -> None:
    await write(tab, "hello")
    log = tab.get_by_role("log", name="Conversation")
    await expect(log.locator(".bubble").nth(1)).to_contain_text("You: hello")
    await expect(log.locator(".bubble").nth(2)).to_contain_text("Menkou · Beijing volunteering: I heard: hello")
    await expect(tab.get_by_role("status")).to_have_text("Online")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("elder", [False, True], ids=["", "elder"])
async def test_axe_finds_nothing_serious(
    open_page: OpenPage, url: str, chat: WebChat, scheme: str, elder: bool
) -> None:
    chat.elder = elder
    tab = await open_page(url, locale="en-GB", color_scheme=scheme)
    await option(tab, "Find an activity").click()
    await option(tab, "Phones").click()
    await expect(option(tab, "Join")).to_be_visible()
    await tab.get_by_text("Switch person").click()
    found = (await Axe().run(tab)).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


async def test_in_elder_mode_everything_that_is_pressed_is_sixty_pixels(
    open_page: OpenPage, url: str, chat: WebChat
) -> None:
    chat.elder = True
    tab = await open_page(url, locale="en-GB")
    await option(tab, "Find an activity").click()
    await expect(option(tab, "Phones")).to_be_visible()
    for target in await tab.locator("#log button:visible, #composer button:visible, header button:visible").all():
        box = await target.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 60, await target.inner_text()
    assert await tab.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20


async def test_nothing_hangs_over_the_edge_of_a_small_phone(open_page: OpenPage, url: str, chat: WebChat) -> None:
    for elder in (False, True):
        chat.elder = elder
        tab = await open_page(url, locale="en-GB", viewport={"width": 320, "height": 568})
        await write(tab, "a-very-long-word-" * 10)
        await expect(theirs(tab).last).to_contain_text("very")
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await tab.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")


async def test_the_browser_asks_nobody_but_the_city(browser: Browser, url: str) -> None:
    """No font, script or picture from elsewhere: a visitor's address is told to nobody."""
    context = await browser.new_context(locale="en-GB")
    tab = await context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    await tab.goto(url)
    await expect(theirs(tab)).to_have_text(["Welcome."])
    origin = url.removesuffix("/chat")
    assert [address for address in asked if not address.startswith(origin)] == []
    await context.close()
