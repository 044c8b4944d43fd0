"""Everything else: what the menu leaves out, in leaves, so that nobody needs to know a word before they use it."""

from bot.desk.desk import Desk
from bot.talk import Intent, Link, Talk, _, script

OTHERS: tuple[Link, ...] = (
    Link(_("Certificate"), Intent("certificate")),
    Link(_("My certificates"), Intent("certificates")),
    Link(_("My stars"), Intent("stars")),
    Link(_("My hours as a picture"), Intent("chart")),
    Link(_("I was there, and nothing shows it"), Intent("claim")),
    Link(_("My own code, for the leader"), Intent("mycode")),
    Link(_("Why did I get no message?"), Intent("whynot")),
    Link(_("Near me"), Intent("near")),
    Link(_("Into my phone's calendar"), Intent("calendar")),
    Link(_("Which messages I want"), Intent("messages")),
    Link(_("A record is wrong"), Intent("dispute")),
    Link(_("What waits for me"), Intent("matters")),
    Link(_("Records on public notice"), Intent("notice")),
    Link(_("Kept promises"), Intent("promises")),
    Link(_("My skills"), Intent("skills")),
    Link(_("Agreements"), Intent("agreement")),
    Link(_("My teams"), Intent("team")),
    Link(_("Take somebody's place, by a code"), Intent("take")),
    Link(_("My children"), Intent("children")),
    Link(_("Become a guardian, by a code"), Intent("guardian")),
    Link(_("Check a certificate"), Intent("proof")),
    Link(_("The city in figures"), Intent("city")),
    Link(_("My subscriptions"), Intent("subscriptions")),
    Link(_("My data"), Intent("mydata")),
    Link(_("Link another chat"), Intent("link")),
)
"""Most wanted first."""


@script("everything", words=["everything", "全部功能", "所有功能", _("Everything else")], title=_("everything else"))
async def everything(talk: Talk, desk: Desk) -> None:
    """All of it; each also has a word of its own."""
    await talk.browse("list", _("This too:"), OTHERS)
