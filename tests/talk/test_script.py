"""The conversation core alone: scripts of a pizza bot, with nothing of volunteering in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.talk import Address, Incoming, Intent, Link, Option, Talk, Unclear, Wording, _, script
from bot.talk.capabilities import Capabilities
from bot.talk.render import render
from bot.talk.router import Router
from bot.talk.script import AskedAfterActing
from bot.talk.session import Session

BUTTONS = Capabilities(buttons=20, label_length=40, text_length=4096, unit="utf16")
NUMBERS = Capabilities(buttons=0, label_length=40, text_length=2000, unit="utf8", option_cost=80, replies_per_message=1)


@dataclass
class Kitchen:
    """A desk of another trade."""

    sizes: list[str] = field(default_factory=lambda: ["small", "large", "giant"])
    baked: list[tuple[str, int]] = field(default_factory=list)
    changed: bool = False

    def bake(self, size: str, count: int) -> None:
        self.baked.append((size, count))
        self.changed = True


def how_many(answer: Incoming) -> int:
    if not (answer.text or "").isdecimal():
        raise Unclear(_("A number, please."))
    return int(answer.text or "")


@script("pizza", words=["pizza", "披萨"], title=_("ordering a pizza"))
async def pizza(talk: Talk, kitchen: Kitchen, size: str = "") -> None:
    if not size:
        size = await talk.choose("size", _("Which size?"), [Option(one, one.title(), one) for one in kitchen.sizes])
    talk.say(_("A {size} one, good.", size=size))
    count = await talk.ask("count", _("How many?"), how_many)
    if not await talk.confirm("sure", _("{n} pizzas?", n=count)):
        return talk.say(_("Nothing was baked."))
    kitchen.bake(size, count)
    talk.undoable(Intent("eat"))
    talk.say(_("In the oven."), Link(_("Eat"), Intent("eat")))


@script("eat", words=["eat"])
async def eat(talk: Talk, kitchen: Kitchen) -> None:
    kitchen.baked.clear()
    talk.say(_("Gone."))


@script("careless", words=["careless"])
async def careless(talk: Talk, kitchen: Kitchen) -> None:
    kitchen.bake("small", 1)
    await talk.confirm("late", _("Was that right?"))


@script("card", words=["card"])
async def card(talk: Talk, kitchen: Kitchen) -> None:
    links = (Link(_("Have it brought, or fetch it"), Intent("say")), Link(_("Eat it here"), Intent("eat")))
    talk.say(_("A pizza."), *links, Link(_("打包带走，或请人来取"), Intent("say")))


@script("menu", words=["menu", "菜单"], anywhere=True)
async def menu(talk: Talk, kitchen: Kitchen) -> None:
    talk.say(_("Pizza."), Link(_("Order"), Intent("pizza")))


@script("list", words=["list"])
async def long_list(talk: Talk, kitchen: Kitchen) -> None:
    picked = await talk.choose("one", _("Which?"), [Option(str(n), f"Item number {n}", n) for n in range(1, 21)])
    talk.say(_("{n} it is.", n=picked))


@script("say", words=["say"])
async def say(talk: Talk, kitchen: Kitchen) -> None:
    text = await talk.ask("text", _("What?"), lambda answer: answer.text)
    talk.say(text)


@script("wish", words=["wish"])
async def wish(talk: Talk, kitchen: Kitchen) -> None:
    none = Option("none", _("Nothing more"), "no wish")
    talk.say(_("Noted: {wish}", wish=await talk.ask("wish", _("A wish?"), lambda answer: answer.text, options=[none])))


@script("loop", words=["loop"])
async def loop(talk: Talk, kitchen: Kitchen) -> None:
    talk.go(Intent("loop"))


class Guest:
    """One person at a door: each turn reads the session back from JSON, as after a restart."""

    def __init__(self, capabilities: Capabilities = NUMBERS, *more: object) -> None:
        self.kitchen = Kitchen()
        self.router = Router([pizza, eat, careless, card, menu, long_list, say, wish, loop])
        self.capabilities = capabilities
        self.kept = json.dumps(Session().to_json())
        self.now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
        self.wording = Wording("en", UTC)
        self.serial = 0
        self.buttons: list[tuple[str, str]] = []

    async def sends(self, **what: object) -> str:
        self.serial += 1
        self.kitchen.changed = False
        session = Session.from_json(json.loads(self.kept))
        incoming = Incoming(Address("test", "guest"), str(self.serial), self.now, **what)  # type: ignore[arg-type]
        answered = await self.router.take(
            session, incoming, self.now, self.wording, self.kitchen, lambda: self.kitchen.changed
        )
        rendered = render(answered.views, self.capabilities, self.wording, session.turn)
        if answered.views:
            session.shown = rendered.shown
        self.kept = json.dumps(session.to_json())
        self.buttons = [(button.label, button.wire) for page in rendered.pages for button in page.buttons]
        return "\n".join(page.text for page in rendered.pages)

    async def says(self, text: str) -> str:
        return await self.sends(text=text)

    async def presses(self, label: str) -> str:
        wire = next(wire for shown, wire in self.buttons if shown == label)
        return await self.follows(wire)

    async def follows(self, wire: str) -> str:
        if wire[0].isdigit():
            return await self.sends(pick=wire)
        return await self.sends(intent=Intent.parse(wire))

    def waits(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture(params=[BUTTONS, NUMBERS], ids=["buttons", "numbers"])
def guest(request: pytest.FixtureRequest) -> Guest:
    return Guest(request.param)


async def test_a_conversation_is_a_script_run_again_on_every_turn(guest: Guest) -> None:
    assert await guest.says("pizza") == "Which size?"
    assert "How many?" in await guest.says("2")
    assert await guest.says("3") == "3 pizzas?"
    assert await guest.says("yes") == "In the oven."
    assert guest.kitchen.baked == [("large", 3)]


@pytest.mark.parametrize("typed", ["2", "２", "二", "第二个", "2.", "②", "large", "Large", "LARGE ", "larg"])
async def test_the_number_the_label_and_a_unique_part_of_it_mean_the_option(guest: Guest, typed: str) -> None:
    await guest.says("披萨")
    assert "How many?" in await guest.says(typed)


@pytest.mark.parametrize(
    ("typed", "noted"),
    [("Nothing more", "no wish"), ("nothing more.", "no wish"), ("1", "no wish"), ("nothing", "nothing")],
)
async def test_the_label_of_a_ready_answer_is_no_text_of_its_own(guest: Guest, typed: str, noted: str) -> None:
    """“Nothing more” stood on the activity's card as what people should bring."""
    await guest.says("wish")
    assert await guest.says(typed) == f"Noted: {noted}"


async def test_a_pressed_button_means_the_option(guest: Guest) -> None:
    await guest.says("pizza")
    assert "How many?" in await guest.presses("Giant")
    await guest.says("1")
    await guest.presses("Yes")
    assert guest.kitchen.baked == [("giant", 1)]


@pytest.mark.parametrize("typed", ["have it brought", "fetch it", "Fetch", "打包带走", "请人来取"])
async def test_a_unique_part_of_a_link_s_label_means_the_link(guest: Guest, typed: str) -> None:
    await guest.says("card")
    assert await guest.says(typed) == "What?"


@pytest.mark.parametrize("typed", ["it", "brou", "e", "来", "delivered"])
async def test_what_two_links_share_half_a_word_and_one_sign_mean_nothing(guest: Guest, typed: str) -> None:
    await guest.says("card")
    assert "did not understand" in await guest.says(typed)


async def test_a_word_of_its_own_comes_before_a_part_of_a_label(guest: Guest) -> None:
    await guest.says("card")
    assert await guest.says("eat") == "Gone."
    await guest.says("card")
    assert await guest.says("pizza") == "Which size?"


async def test_a_part_that_two_labels_share_is_asked_again(guest: Guest) -> None:
    guest.kitchen.sizes = ["small", "smaller"]
    await guest.says("pizza")
    assert await guest.says("smal") == "I did not get that.\nWhich size?"
    assert "How many?" in await guest.says("small")


async def test_an_unclear_answer_says_what_is_needed_and_asks_again(guest: Guest) -> None:
    await guest.sends(intent=Intent("pizza", ("large",)))
    answer = await guest.says("a few")
    assert "A number, please.\nHow many?" in answer


async def test_an_old_button_shows_the_present_question_and_answers_nothing(guest: Guest) -> None:
    await guest.says("pizza")
    old = dict(guest.buttons)["Small"]
    await guest.says("large")
    answer = await guest.follows(old)
    assert "earlier message" in answer
    assert "How many?" in answer
    await guest.says("1")
    await guest.says("yes")
    assert guest.kitchen.baked == [("large", 1)]


async def test_without_the_turn_in_the_button_an_old_one_would_answer_the_wrong_question(guest: Guest) -> None:
    """Control: the same press with the present turn's number is taken."""
    await guest.says("pizza")
    place = dict(guest.buttons)["Small"].split(".")[1]
    session = json.loads(guest.kept)
    assert "How many?" in await guest.follows(f"{session['turn']}.{place}")


async def test_an_option_that_is_gone_is_asked_again(guest: Guest) -> None:
    await guest.says("pizza")
    await guest.says("large")
    guest.kitchen.sizes.remove("large")
    answer = await guest.says("3")
    assert "no longer possible" in answer
    assert "Which size?" in answer


async def test_a_question_after_a_change_is_an_error_of_the_script(guest: Guest) -> None:
    with pytest.raises(AskedAfterActing):
        await guest.says("careless")


async def test_without_the_guard_the_change_would_be_made_twice(guest: Guest) -> None:
    """Control: where the core is not told of the change, running the script again makes it again."""
    guest.router.take, told = guest.router.take, guest.router.take  # keep the bound method

    async def deaf(*arguments: object) -> object:
        return await told(*arguments[:5])  # type: ignore[arg-type]

    guest.router.take = deaf  # type: ignore[method-assign,assignment]
    await guest.says("careless")
    await guest.says("yes")
    assert len(guest.kitchen.baked) == 2


async def test_back_forgets_the_last_answer(guest: Guest) -> None:
    await guest.says("pizza")
    await guest.says("large")
    await guest.says("2")
    assert "How many?" in await guest.says("返回")
    assert "Which size?" in await guest.says("back")
    assert "Nothing was changed" in await guest.says("back")


async def test_cancel_leaves_from_anywhere_and_nothing_was_changed(guest: Guest) -> None:
    await guest.says("pizza")
    await guest.says("large")
    assert "Nothing was changed" in await guest.says("取消")
    assert guest.kitchen.baked == []
    assert "nothing to stop" in await guest.says("cancel")


async def test_a_plain_word_interrupts_only_a_question_that_cannot_take_it(guest: Guest) -> None:
    await guest.says("say")
    assert await guest.says("pizza") == "pizza"
    await guest.says("pizza")
    assert "Which?" in await guest.says("list")


async def test_menu_interrupts_even_a_question_that_could_take_it(guest: Guest) -> None:
    await guest.says("say")
    assert "Pizza." in await guest.says("菜单")


async def test_an_interrupted_conversation_can_be_gone_on_with(guest: Guest) -> None:
    await guest.says("pizza")
    await guest.says("large")
    answer = await guest.says("menu")
    assert "Pizza." in answer
    assert "Go on: ordering a pizza" in [label for label, _wire in guest.buttons]
    assert "How many?" in await guest.presses("Go on: ordering a pizza")


async def test_after_half_an_hour_the_words_are_not_taken_as_the_answer(guest: Guest) -> None:
    await guest.sends(intent=Intent("pizza", ("large",)))
    guest.waits(minutes=31)
    assert await guest.says("4") == "Go on where you were: ordering a pizza?"
    assert "How many?" in await guest.says("1")
    await guest.says("4")
    await guest.says("好的")
    assert guest.kitchen.baked == [("large", 4)]


async def test_nonsense_beside_an_interrupted_conversation_is_called_nonsense(guest: Guest) -> None:
    await guest.sends(intent=Intent("pizza", ("large",)))
    await guest.says("menu")
    answer = await guest.says("what is the weather")
    assert answer == "I did not understand that.\nGo on where you were: ordering a pizza?"
    assert "How many?" in await guest.says("1")


async def test_within_half_an_hour_they_are(guest: Guest) -> None:
    await guest.sends(intent=Intent("pizza", ("large",)))
    guest.waits(minutes=29)
    assert "4 pizzas?" in await guest.says("4")


async def test_undo_works_for_ten_minutes(guest: Guest) -> None:
    for text in ("pizza", "large", "1", "yes"):
        await guest.says(text)
    guest.waits(minutes=9)
    assert await guest.says("撤销") == "Gone."
    assert "nothing left to undo" in await guest.says("undo")


async def test_undo_is_over_after_ten_minutes(guest: Guest) -> None:
    for text in ("pizza", "large", "1", "yes"):
        await guest.says(text)
    guest.waits(minutes=11)
    assert "nothing left to undo" in await guest.says("undo")
    assert guest.kitchen.baked


async def test_a_list_has_at_most_seven_items_and_more(guest: Guest) -> None:
    await guest.says("list")
    assert [label for label, _wire in guest.buttons] == [f"Item number {n}" for n in range(1, 8)] + ["More"]
    await guest.says("更多")
    assert guest.buttons[0][0] == "Item number 8"
    await guest.presses("More")
    assert [label for label, _wire in guest.buttons][:-1] == [f"Item number {n}" for n in range(15, 21)]
    assert await guest.says("2") == "16 it is."


async def test_a_link_works_for_ever_and_by_its_number(guest: Guest) -> None:
    await guest.says("menu")
    link = dict(guest.buttons)["Order"]
    assert link == "pizza"
    await guest.says("1")
    await guest.says("cancel")
    assert "Which size?" in await guest.follows(link)


@pytest.mark.parametrize("wire", ["nothing", "pizza-a-b-c", "eat-1"])
async def test_a_link_that_nobody_knows_is_answered_kindly(guest: Guest, wire: str) -> None:
    assert "do not know that button" in await guest.follows(wire)


@pytest.mark.parametrize("what", [{"text": "qwertz"}, {"text": ""}, {}, {"pick": "9.9"}, {"pick": "x"}, {"text": "99"}])
async def test_what_is_not_understood_gets_at_most_three_lines_that_say_what_is_possible(
    guest: Guest, what: dict[str, str]
) -> None:
    answer = await guest.sends(**what)
    assert 0 < answer.count("\n") + 1 <= 3
    assert "Menu" in [label for label, _wire in guest.buttons]


async def test_a_question_that_was_renamed_in_a_deploy_is_asked_again(guest: Guest) -> None:
    await guest.says("pizza")
    session = json.loads(guest.kept)
    session["thread"]["question"] = "measure"
    guest.kept = json.dumps(session)
    assert "Which size?" in await guest.says("2")


async def test_a_script_that_was_removed_in_a_deploy_ends_kindly(guest: Guest) -> None:
    await guest.says("pizza")
    del guest.router.scripts["pizza"]
    assert "no longer possible" in await guest.says("2")
    assert "Pizza." in await guest.says("menu")


async def test_scripts_that_start_each_other_without_end_are_stopped(guest: Guest) -> None:
    with pytest.raises(RecursionError):
        await guest.says("loop")


@script("told", silent=True, aside=True)
async def told(talk: Talk, kitchen: Kitchen) -> None:
    kitchen.baked.append(("told", 1))


async def test_what_the_platform_tells_by_itself_leaves_the_conversation_as_it_stands(guest: Guest) -> None:
    guest.router.scripts["told"] = told
    await guest.says("pizza")
    buttons = list(guest.buttons)
    assert await guest.follows("told") == ""
    guest.buttons = buttons
    assert guest.kitchen.baked == [("told", 1)]
    assert "How many?" in await guest.presses("Large")


async def test_an_ordinary_script_would_have_put_the_question_aside(guest: Guest) -> None:
    """Control: without `aside` the open button is an old one."""
    await guest.says("pizza")
    buttons = list(guest.buttons)
    await guest.follows("eat")
    guest.buttons = buttons
    assert "earlier message" in await guest.presses("Large")
