"""Writing to many: for whom I speak, whom it means, what its button opens, when, what words and picture; a draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from bot.desk.campaigns import Mailing, Voice
from bot.desk.desk import Desk
from bot.domain.activities import Activity
from bot.domain.campaigns import STEPS, TEXT_LENGTH, Kept, Letter, Mode, Standing, Timing, Unwritable
from bot.domain.digits import CHINESE, read_numeral
from bot.domain.when import read_moment
from bot.domain.writing import fold
from bot.talk import PICTURE, Incoming, Intent, Link, Named, Option, Talk, Text, Unclear, Words, _, script
from handlers import whom
from handlers.answers import count, is_nothing, words
from handlers.cards import line

ORGANISERS_ONLY = _("Only organisers can do that. If you lead a group, ask your street's centre to register it.")
NO_SUCH = _("There is no such campaign among yours.")
MINE = Link(_("My campaigns"), Intent("campaigns"))

WRITTEN = (("zh_CN", _("Chinese")), ("en", _("English")))
"""The languages that a message is written in, in the order in which they are asked for."""


@script("campaign", words=["campaign", "write to many", "群发", "群发消息"], title=_("writing to many"))
async def campaign(talk: Talk, desk: Desk) -> None:
    """Whom, what its button opens, when, and the words of each message; nothing is sent before the draft is."""
    voices = await desk.campaigns.voices()
    if not voices:
        return talk.say(ORGANISERS_ONLY)
    voice = await speaker(talk, voices)
    audience = await whom.asked(talk, desk, voice)
    activity = await shown(talk, desk, voice)
    timing, messages = await when(talk, desk.city.zone, activity)
    texts = tuple([await text(talk, place, messages) for place in range(messages)])
    await talk.ask(PICTURE, SHOW_ME, a_picture, wants="photo", options=[Option("none", _("No picture"), "")])
    letter = Letter(audience, texts, timing, activity.id if activity else None)
    match await desk.campaigns.keep(voice, letter, given(talk)):
        case Kept(kept, _people):
            talk.go(Intent("mailing", (str(kept.id),)))
        case Unwritable(why):
            talk.say(unwritable(why), Link(_("Write to many"), Intent("campaign")))
        case _:
            talk.say(NO_SUCH, MINE)


async def speaker(talk: Talk, voices: Sequence[Voice]) -> Voice:
    """For whom I speak, asked where there is a choice."""
    if len(voices) == 1:
        return voices[0]
    options = [Option(key(one), Named(*one.name), one) for one in voices]
    voice: Voice = await talk.choose("for", _("For whom do you speak?"), options)
    return voice


def key(voice: Voice) -> str:
    """What stays the same of a voice from turn to turn."""
    return f"place{voice.place}" if voice.organisation is None else str(voice.organisation)


async def shown(talk: Talk, desk: Desk, voice: Voice) -> Activity | None:
    """The activity that its button opens, or none."""
    open_ones = await desk.campaigns.showable(voice)
    if not open_ones:
        return None
    options = [Option("none", _("No activity"), 0)]
    options += [Option(str(one.id), line(one, desk), one.id) for one in open_ones]
    number = await talk.choose("activity", _("Shall a button open an activity, to sign up?"), options)
    return next((one for one in open_ones if one.id == number), None)


# --- When ------------------------------------------------------------------------------------------------------------


async def when(talk: Talk, zone: tzinfo, activity: Activity | None) -> tuple[Timing, int]:
    """When its messages leave, and how many they are."""
    options = [
        Option("now", _("As soon as I send it")),
        Option("at", _("At a certain time")),
        Option("daily", _("A theme week: one message a day")),
        *([Option("before", _("Before the activity starts"))] if activity else []),
    ]
    mode: Mode = await talk.choose("when", _("When shall it leave?"), options)
    if mode == "now":
        return Timing(), 1
    if mode == "before" and activity:
        question = _("How long before the start? Like “7 days, 1 day, 2 hours”: one message each.")
        offsets = await talk.ask("offsets", question, still_ahead(activity.starts, talk.now))
        return Timing("before", offsets=tuple(offsets)), len(offsets)
    question = _("When? Like “Sat 9:00”.") if mode == "at" else _("When does the first leave? Like “Mon 9:00”.")
    at = datetime.fromisoformat(await talk.ask("at", question, moment_ahead(talk.now, zone)))
    if mode == "at":
        return Timing("at", at), 1
    days = await talk.ask("days", _("For how many days? At most {n}.", n=STEPS), count(2, STEPS))
    return Timing("daily", at), days


def moment_ahead(now: datetime, zone: tzinfo) -> Callable[[Incoming], str]:
    """A moment that is still to come, as ISO."""

    def read(answer: Incoming) -> str:
        at = read_moment(answer.text or "", now, zone)
        if at is None:
            raise Unclear(_("I need a day and a time, like “Sat 9:00” or “28 Nov 14:00”."))
        if at <= now:
            raise Unclear(_("That time has passed. It must lie in the future."), close=True)
        return at.isoformat()

    return read


_BEFORE = re.compile(
    rf"(\d{{1,3}}|[{CHINESE}]{{1,3}}|an?)\s*个?\s*(weeks?|周|星期|days?|d|天|日|hours?|h|小时|钟头)(?![a-z])"
)
_MINUTES = {"w": 10_080, "周": 10_080, "星": 10_080, "d": 1_440, "天": 1_440, "日": 1_440, "h": 60, "小": 60, "钟": 60}


def still_ahead(starts: datetime, now: datetime) -> Callable[[Incoming], list[int]]:
    """Minutes from the start, where the first of them is still to come."""

    def read(answer: Incoming) -> list[int]:
        offsets = before_the_start(answer)
        first = starts + timedelta(minutes=offsets[0])
        if first <= now:
            raise Unclear(_("The first of them would have left {at}. Say times that are still ahead.", at=first))
        return offsets

    return read


def before_the_start(answer: Incoming) -> list[int]:
    """Minutes from the start, the earliest first, all negative: `7 days, 1 day`, `一周、3天、2小时`."""
    offsets = set()
    for number, unit in _BEFORE.findall(fold(answer.text or "")):
        many = 1 if number in ("a", "an") else read_numeral(number)
        offsets.add(-(many or 0) * _MINUTES[unit[0]])
    if not offsets or 0 in offsets or len(offsets) > STEPS or min(offsets) < -366 * 1_440:
        raise Unclear(_("Please send times like “7 days, 1 day, 2 hours”; at most {n}.", n=STEPS))
    return sorted(offsets)


# --- What ------------------------------------------------------------------------------------------------------------


async def text(talk: Talk, place: int, messages: int) -> dict[str, str]:
    """One message in Chinese and in English; one of the two may be skipped."""
    said: dict[str, str] = {}
    for language, name in WRITTEN:
        last = language == WRITTEN[-1][0]
        may_skip = bool(said) or not last
        skip = [Option("skip", _("Skip this language"), "")] if may_skip else []
        written = await talk.ask(
            f"text.{place}.{language}", wanted(name, place, messages), skipped_or_words(may_skip), options=skip
        )
        if written:
            said[language] = written
    return said


def wanted(language: Words, place: int, messages: int) -> Text:
    """The question for one text."""
    if messages == 1:
        return _("What shall I tell them in {language}? At most {n} characters.", language=language, n=TEXT_LENGTH)
    return _(
        "Message {place} of {messages} in {language}? At most {n} characters.",
        place=place + 1,
        messages=messages,
        language=language,
        n=TEXT_LENGTH,
    )


def skipped_or_words(may_skip: bool) -> Callable[[Incoming], str]:
    """A text, or nothing for `skip`, which would else be read as one."""
    read_words = words(2, TEXT_LENGTH)

    def read(answer: Incoming) -> str:
        if is_nothing(answer):
            if may_skip:
                return ""
            raise Unclear(_("Please write it in one language at least."))
        return read_words(answer)

    return read


SHOW_ME = _("A picture to go with it? Everybody who gets the message sees it. Send one now, or choose none.")

FLAWS: Mapping[str, Text] = {
    "": _("Please send a picture, or choose none."),
    "away": _("The picture did not reach me. Please send it once more."),
    "kind": _("I cannot read that as a picture. A JPEG or PNG works."),
    "large": _("That picture is too large: 10 MB at most. Sent as a photo, not as a file, it gets smaller."),
    "small": _("That picture is too small or too narrow to be seen on a telephone."),
}


def a_picture(answer: Incoming) -> str:
    """A picture itself, named by its platform's key: the conversation keeps no more of it. Empty: none is wanted."""
    if is_nothing(answer):
        return ""
    if answer.photo is None:
        raise Unclear(FLAWS[""])
    if answer.photo.picture is None:
        raise Unclear(FLAWS[answer.photo.flaw or "away"], close=True)
    return answer.photo.key


def given(talk: Talk) -> bytes | None:
    """The picture that this very message brought. The last question asks for it: it need not wait anywhere."""
    return talk.incoming.photo.picture if talk.incoming.photo else None


@script("mailingpicture", title=_("the picture of a campaign"))
async def mailingpicture(talk: Talk, desk: Desk, number: int) -> None:
    """Another picture for a draft, or none any more."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing) or not found.mine or found.campaign.standing is not Standing.DRAFT:
        return talk.say(NO_SUCH, MINE)
    await talk.ask(PICTURE, SHOW_ME, a_picture, wants="photo", options=[Option("none", _("No picture"), "")])
    await desk.campaigns.illustrate(number, given(talk))
    talk.go(Intent("mailing", (str(number),)))


def unwritable(why: str) -> Text:
    """Why a campaign cannot be."""
    return {
        "empty": _("Please write it in one language at least."),
        "past": _("That time has passed. It must lie in the future."),
        "counted": _("The activity that it counts from is gone."),
        "today": _("That activity was announced today already. Once per activity and day keeps people subscribed."),
    }.get(why, _("That is too long, or too many messages."))
