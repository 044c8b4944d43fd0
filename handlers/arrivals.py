"""Coming and going: the first hello, the menu, help, language and settings; leaving and coming back to a chat."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.talk import LANGUAGES, Intent, Link, Named, Option, Talk, View, Words, _, lines, script
from bot.talk.numbers import plain

LANGUAGE_NAMES = {"zh_CN": Named("中文", "中文"), "en": Named("English", "English")}
BY_NAME = {"中文": "zh_CN", "chinese": "zh_CN", "english": "en", "英文": "en", "英语": "en"}


NOTICE = _(
    "So far I keep only this chat's number and your language, so that I can answer. Looking around needs nothing "
    "more; I ask before I store your name or phone."
)
"""What is stored and why: said at first contact, whatever that was about."""


def first_words() -> View:
    """Before the answer to somebody who writes for the first time and did not begin with hello."""
    return View(lines(_("Hello! I am Menkou, the front door to volunteering in Beijing."), NOTICE))


@script("start", words=["start", "开始", "hello", "hi", "你好", "您好", "你是谁", "who are you"])
async def start(talk: Talk, desk: Desk) -> None:
    """Hello: what this is, what is stored and why, and the ways on."""
    talk.say(
        lines(
            _("Hello! I am Menkou, the front door to volunteering in Beijing."),
            NOTICE,
            _("Tell me what you look for, like “trees in Haidian on Saturday”, or choose:"),
        ),
        *ways(talk),
    )


@script("menu", words=["menu", "菜单", "主菜单", "首页", _("Menu")], anywhere=True)
async def menu(talk: Talk, desk: Desk) -> None:
    """What is wanted most, by button or by word, and the way to everything else."""
    links = [
        Link(_("Find activities"), Intent("find")),
        Link(_("My sign-ups"), Intent("my")),
        Link(_("Check in"), Intent("checkin")),
        Link(_("Check out"), Intent("checkout")),
        Link(_("My hours"), Intent("hours")),
        Link(_("Subscribe"), Intent("subscribe")),
        Link(_("Settings"), Intent("settings")),
    ]
    if await desk.people.posts():
        links.append(Link(_("For organisers"), Intent("organise")))
    links.append(Link(_("Everything else"), Intent("everything")))
    talk.say(_("What would you like to do?"), *links)


@script(
    "help",
    words=[
        "help", "帮助", "怎么用", "?", "need", "求助", "complain", "complaint", "投诉", "举报",
        "emergency", "救命", "人工", "转人工", "客服", "人工客服",
    ],
    anywhere=True,
)
async def help_(talk: Talk, desk: Desk) -> None:
    """The words that work everywhere, and who else hears people."""
    talk.say(
        lines(
            _("Send a word or a number, or press a button:"),
            _("find · my · checkin · checkout · hours · subscribe · unsubscribe · language · settings"),
            _(
                "back: one question back. cancel: stop. undo: take the last change back. more: read on. menu: "
                "everything."
            ),
            _("Wrong hours: “dispute”. Any other complaint: telephone 12345. In danger: 110 or 120."),
            _("You can also just say it: “any tree planting in Haidian this weekend?”"),
        ),
        *ways(talk),
    )


def ways(talk: Talk) -> tuple[Link, ...]:
    """The first choices, and the other language."""
    other = "en" if talk.wording.language != "en" else "zh_CN"
    return (
        Link(_("Find activities"), Intent("find")),
        Link(_("My sign-ups"), Intent("my")),
        Link(_("Menu"), Intent("menu")),
        Link(LANGUAGE_NAMES[other], Intent("language", (other,))),
    )


@script("language", words=["language", "语言", "切换语言", *BY_NAME, _("Language")], title=_("choosing a language"))
async def language(talk: Talk, desk: Desk, chosen: str = "") -> None:
    """One tap to the languages, one to choose; remembered through every door. Who names a language has chosen it."""
    chosen = chosen or BY_NAME.get(plain(talk.incoming.text or ""), "")
    if chosen not in LANGUAGES:
        options = [Option(code, name) for code, name in LANGUAGE_NAMES.items()]
        chosen = await talk.choose("language", _("Which language?"), options)
    await desk.people.speak(chosen)
    talk.say(_("I will speak English from now on."), *ways(talk)[:3])


@script("settings", words=["settings", "设置", _("Settings")])
async def settings(talk: Talk, desk: Desk) -> None:
    """Language, elder mode, quiet hours, subscriptions, in one list."""
    elder: Words = _("Elder mode: on") if desk.me.elder else _("Elder mode: off")
    talk.say(
        lines(
            _("Your volunteer number is {number}.", number=desk.me.number),
            _(
                "At night, from {start} to {end}, I only write what cannot wait.",
                start=clock(desk, 0),
                end=clock(desk, 1),
            ),
        ),
        Link(_("Language"), Intent("language")),
        Link(elder, Intent("elder", ("off" if desk.me.elder else "on",))),
        Link(_("Quiet hours"), Intent("quiet")),
        Link(_("Subscriptions"), Intent("subscriptions")),
        Link(_("Messages"), Intent("messages")),
        Link(_("My data"), Intent("mydata")),
        Link(_("Link another chat"), Intent("link")),
    )


def clock(desk: Desk, which: int) -> str:
    """One end of the quiet hours that hold for this person, as a time of day."""
    minutes = (desk.me.quiet or desk.city.quiet)[which]
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@script("elder", words=["elder", "长辈版", "老年模式", "大字"], title=_("elder mode"))
async def elder(talk: Talk, desk: Desk, chosen: str = "") -> None:
    """Shorter lists, digits only, large text on pages."""
    on = chosen == "on" if chosen in ("on", "off") else not desk.me.elder
    await desk.people.set_elder(on)
    if on:
        talk.say(
            _("Elder mode is on: short lists, one thing at a time. You can always answer with a digit."),
            *ways(talk)[:3],
        )
    else:
        talk.say(_("Elder mode is off."), *ways(talk)[:3])


QUIET_CHOICES = ((21, 8), (22, 7), (20, 9), (23, 6))


@script("quiet", words=["quiet", "免打扰", _("Quiet hours")], title=_("quiet hours"))
async def quiet(talk: Talk, desk: Desk) -> None:
    """When nothing is written that can wait."""
    options = [
        Option(f"{start}_{end}", f"{start}:00–{end:02d}:00", [start * 60, end * 60]) for start, end in QUIET_CHOICES
    ]
    start, end = await talk.choose("hours", _("When shall I keep quiet?"), options)
    await desk.people.set_quiet(start, end)
    talk.say(_("From {start} to {end} I will only write what cannot wait.", start=clock(desk, 0), end=clock(desk, 1)))


@script("gone", silent=True, aside=True)
async def gone(talk: Talk, desk: Desk) -> None:
    """They blocked or unfollowed: say nothing, send nothing until they write again; some platforms want more."""
    await desk.people.leave(talk.incoming.address.id)
    await desk.privacy.left(talk.incoming.address.id)


@script("returned", silent=True, aside=True)
async def returned(talk: Talk, desk: Desk) -> None:
    """They unblocked: the address is open again; a greeting would be too much."""


@script("whereabouts", silent=True, aside=True)
async def whereabouts(talk: Talk, desk: Desk) -> None:
    """A place that the platform reports by itself: whereabouts are sensitive, it is neither answered nor kept."""
