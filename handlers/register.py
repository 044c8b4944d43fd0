"""What an organisation has certified: its register, and taking back a certificate that is wrong, for its organiser."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.people import masked
from bot.domain.proofs import REASONS, Certificate, Withdrawn, grouped, is_number, read_number
from bot.talk import Intent, Joined, Link, Named, Option, Talk, WebLink, Words, _, lines, script
from handlers.certificate import as_hours, by_grade, certificate_number, entry, reason
from handlers.lookedafter import ORGANISE


@script("withdrawproof", words=["withdrawproof", "撤销证明"], title=_("withdrawing a certificate"), takes_rest=True)
async def withdrawproof(talk: Talk, desk: Desk, number: str = "") -> None:
    """For the issuer's organiser: which, why, and whether a right one is issued instead."""
    found = read_number(number)
    if found is None or not found.sound:
        typed = await talk.ask("number", _("What is the number on the certificate?"), certificate_number)
        number = typed[0]
    else:
        number = found.number
    one = await desk.proofs.looked_after(number) if is_number(number) else None
    if one is None:
        return talk.say(_("There is no valid certificate with this number that you look after."), ORGANISE)
    why = await talk.choose(
        "why",
        lines(_("Why is it withdrawn? Whoever checks it will read this."), entry(one)),
        [Option(code, reason(code), code) for code in REASONS],
    )
    options = [
        Option("anew", _("Withdraw it and issue it anew from the records of today"), "anew"),
        Option("only", _("Withdraw it only"), "only"),
        Option("no", _("No, leave it as it is"), "no"),
    ]
    how = await talk.choose("how", _("It can not be made valid again. Withdraw it?"), options)
    if how == "no":
        return talk.say(_("Nothing was changed."))
    match await desk.proofs.withdraw(number, why, anew=how == "anew"):
        case Withdrawn(_old, None):
            talk.say(
                _("It is withdrawn.")
                if how == "only"
                else _("It is withdrawn. None was issued instead: nothing is counted in its period.")
            )
        case Withdrawn(_old, instead) if instead is not None:
            talk.say(
                lines(
                    _("It is withdrawn. The volunteer finds the new one under “my certificates”:"),
                    by_grade(instead.minutes),
                    _("No. {number}", number=grouped(instead.number)),
                )
            )
        case _:
            talk.say(_("There is no valid certificate with this number that you look after."))


@script(
    "proofregister",
    words=["register of certificates", "证明登记", "证明登记簿"],
    title=_("the register of certificates"),
)
async def proofregister(talk: Talk, desk: Desk, organisation: int = 0) -> None:
    """For the issuer: what was certified, newest first, each with its state; the whole as a table."""
    mine = await desk.organising.organisations()
    chosen = organisation or next(iter(mine), 0)
    if not organisation and len(mine) > 1:
        options = [Option(str(id_), Named(one[0], one[1]), id_) for id_, one in mine.items()]
        chosen = await talk.choose("for", _("For which organisation?"), options)
    found = await desk.proofs.register(chosen) if chosen else None
    if found is None:
        return talk.say(_("There is no register that you look after."), ORGANISE)
    listed, path = found
    if not listed:
        return talk.say(_("Nothing was certified yet."), ORGANISE)
    whole = WebLink(_("The whole register as a table"), path)
    links = [Link(registered(one), Intent("proof", (one.number,))) for one in listed]
    await talk.browse("list", _("Certified, newest first:"), [whole, *links])


def registered(one: Certificate) -> Words:
    """One line of the register."""
    parts: list[Words] = [grouped(one.number)[:9] + "…", masked(one.name), one.volunteer, as_hours(one.total)]
    return Joined((*parts, _("withdrawn")) if not one.valid else tuple(parts), " · ")
