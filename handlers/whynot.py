"""Why did it not arrive? The last messages meant for me; for organisers those about an activity, by recipient."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.desk import Desk
from bot.desk.reach import Deliveries
from bot.domain.deliveries import Delivery, Outcome
from bot.domain.reach import Because, Reason, Way
from bot.talk import Intent, Joined, Link, Named, Talk, Text, Words, _, lines, script
from handlers.lookedafter import NOT_YOURS, ORGANISE

SHOWN = 30
"""Lines of an organiser's report in the chat; what went well comes last and is cut first."""

KINDS: Mapping[str, Text] = {
    "reminder": _("Reminder"),
    "checkout": _("Check-out reminder"),
    "promotion": _("Free seat"),
    "offer": _("Offer of a seat"),
    "lapse": _("Offer that ran out"),
    "change": _("New time"),
    "cancellation": _("Cancellation"),
    "announcement": _("Announcement"),
    "campaign": _("Message to many"),
    "approval": _("Question to a second person"),
    "mailing": _("News of a campaign"),
    "admission": _("The organiser's decision"),
    "deadline": _("New deadline"),
    "withdrawn": _("Certificate withdrawn"),
    "star": _("Star"),
    "step": _("Hours reached"),
    "permission": _("Question to a guardian"),
    "permitted": _("A guardian's answer"),
    "invitation": _("Invitation"),
    "taken": _("Place handed over"),
    "swapped": _("Places exchanged"),
    "added": _("Added on the spot"),
    "claim": _("Claim"),
    "matter": _("Question about hours"),
    "corrected": _("Correction"),
    "skill": _("Proof of a skill"),
    "expiring": _("Proof that runs out"),
    "cover": _("Call for cover"),
    "covered": _("Cover found"),
    "frozen": _("Squad without a lead"),
    "thawed": _("Squad with a lead again"),
    "lead": _("Call for a lead"),
    "guessed": _("Guessed codes"),
    "digest": _("Weekly letter"),
    "feedback": _("How was it?"),
    "asking": _("Somebody asks to come"),
    "proving": _("A proof to look at"),
    "leaderless": _("Squad without a lead"),
}

OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.WAITS: _("leaves as soon as it may"),
    Outcome.HELD: _("waits for the next message on WeChat, where I may speak first only for a while"),
    Outcome.SENT: _("sent"),
    Outcome.FAILED: _("refused by the platform"),
    Outcome.UNCERTAIN: _("perhaps arrived: the platform gave no answer"),
    Outcome.DROPPED: _("not sent"),
}

WAYS: Mapping[Way, Text] = {
    Way.CHAT: _("as a chat message"),
    Way.WINDOW: _("as a chat message"),
    Way.TEMPLATE: _("as a WeChat notice"),
    Way.GRANT: _("as a WeChat notice that was allowed once"),
    Way.MASS: _("with WeChat's mass message"),
}

REASONS: Mapping[Reason, Text] = {
    Reason.LATE: _("it came too late to be of use"),
    Reason.UNHEARD: _("on WeChat I may speak first for two days only, and after that it came too late to be of use"),
    Reason.WROTE: _("it waited for a word on WeChat, where I may speak first for two days only, and comes now"),
    Reason.QUIET: _("the quiet hours lasted until it was too late"),
    Reason.QUIET_NOW: _("quiet hours"),
    Reason.OPTED_OUT: _("such messages were not wanted"),
    Reason.OFTEN: _("there were enough messages to many that week"),
    Reason.CANCELLED: _("the activity was called off"),
    Reason.CHANGED: _("the activity was moved; another message speaks of the new time"),
    Reason.NOT_SIGNED_UP: _("the sign-up or the subscription had ended"),
    Reason.GONE: _("what it spoke of is gone"),
    Reason.NO_ADDRESS: _("every chat with me was closed or blocked"),
    Reason.QUOTA: _("the platform allows no more today"),
    Reason.STOPPED: _("whoever sent it stopped it"),
    Reason.UNKEYED: _("nobody could tell whether it had arrived, and it was too late to ask"),
}

WAITS: Mapping[Reason, Text] = {
    Reason.NO_WINDOW: _("until they write again: WeChat lets me speak first only for a while"),
    Reason.QUIET_NOW: _("until the quiet hours are over"),
    Reason.QUOTA: _("until the platform allows more"),
    Reason.NO_ADDRESS: _("until they come back: every chat with me was closed or blocked"),
}
"""What a message waits for, in a report on many."""

ROUTED: Mapping[str, Text] = {
    Because.LAST: _("where they wrote last"),
    Because.OTHER: _("in another chat of theirs: there was no way in where they wrote last"),
    Because.WINDOW: _("while WeChat let me speak first"),
    Because.TEMPLATE: _("as a WeChat notice: they had not written for too long"),
    Because.GRANT: _("with a consent of theirs: they had not written for too long"),
    Because.MASS: _("with the mass message: nothing else reached them"),
}
"""Why a message went the way it went."""

SENDERS: Mapping[str, Text] = {
    "its sender was stopped while calling": _("whatever was sending it ended in the middle"),
    "was to go by": _("it was to go by another chat first"),
}
"""What our own senders note with a message, by a part of it."""

PLATFORMS: Mapping[str, Text] = {
    "bot was blocked by the user": _("bot was blocked by the user"),
    "user is deactivated": _("the account was deleted"),
    "chat not found": _("chat not found"),
    "wechat 43004": _("does not follow the account"),
    "wechat 50005": _("does not follow the account"),
    "wechat 43019": _("on the account's blacklist"),
    "wechat 48002": _("has switched messages off"),
    "could not be put into words": _("its words could not be made: please tell whoever runs Menkou"),
}
"""What platforms say most often, by a part of it: an author shall not have to look it up."""


ASKED = ["whynot", "why no message", "为什么没收到", "没收到消息", "没收到提醒"]


@script("whynot", words=[*ASKED, _("Why did I get no message?")], title=_("why it did not arrive"))
async def whynot(talk: Talk, desk: Desk) -> None:
    """My last messages, each with where it stands and why."""
    mine = await desk.reach.mine()
    if not mine:
        return talk.say(
            _("I have not written to you first so far. Reminders come to whoever has signed up."),
            Link(_("My sign-ups"), Intent("my")),
        )
    rows = [Joined((one.at, told(one)), " · ") for one in mine]
    ways = [Link(_("Quiet hours"), Intent("quiet")), Link(_("Link another chat"), Intent("link"))]
    talk.say(lines(_("The last messages meant for you:"), *rows), *ways)


@script("deliveries", title=_("what became of the messages"))
async def deliveries(talk: Talk, desk: Desk, activity: int) -> None:
    """By recipient: what was said about an activity of mine, by which route, and what did not arrive."""
    found = await desk.reach.of_activity(activity)
    if not isinstance(found, Deliveries):
        return talk.say(NOT_YOURS, ORGANISE)
    sent = sum(one.outcome is Outcome.SENT for one in found.messages)
    title = Named(found.activity.title, found.activity.english)
    talk.say(
        lines(
            _("{title}: {sent} of {all} messages were sent.", title=title, sent=sent, all=len(found.messages)),
            *(Joined((one.name or "—", told(one, by_title=False)), " · ") for one in found.messages[:SHOWN]),
        ),
        Link(_("Manage"), Intent("manage", (str(activity),))),
    )


def told(one: Delivery, *, by_title: bool = True) -> Words:
    """One message in one line: what it was, where it stands, why."""
    parts: list[Words] = [KINDS.get(one.kind, _("Message"))]
    if by_title and one.title:
        parts.append(Named(one.title, one.english))
    outcome: Words = OUTCOMES[one.outcome]
    if one.outcome is Outcome.SENT and one.way is not None:
        outcome = _("sent {way}", way=WAYS[one.way])
    if one.outcome is Outcome.WAITS and one.reason is Reason.WROTE:
        return Joined((*parts, REASONS[Reason.WROTE]), " · ")
    parts.append(outcome)
    if one.reason is not None and one.reason in REASONS and one.outcome is not Outcome.SENT:
        parts.append(REASONS[one.reason])
    elif one.code:
        parts.append(_("its code: {code}", code=one.code))
    return Joined(tuple(parts), " · ")
