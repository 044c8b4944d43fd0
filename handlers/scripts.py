"""Every script, in the order in which free sentences are offered to them: narrow ones before broad ones."""

from bot.talk import Script, Text, _
from handlers import announce, arrivals, find, hours, join, my, organise, presence, subscribing

SCRIPTS: tuple[Script, ...] = (
    presence.checkin,
    presence.checkout,
    presence.notin,
    presence.notout,
    my.my,
    my.booking,
    my.leave,
    my.coming,
    join.join,
    hours.hours,
    hours.records,
    hours.record,
    subscribing.subscribe,
    subscribing.subscriptions,
    subscribing.unsubscribe,
    organise.organise,
    organise.manage,
    organise.publish,
    organise.roster,
    organise.calloff,
    organise.move,
    announce.announce,
    arrivals.start,
    arrivals.menu,
    arrivals.help_,
    arrivals.language,
    arrivals.settings,
    arrivals.elder,
    arrivals.quiet,
    arrivals.gone,
    arrivals.returned,
    arrivals.whereabouts,
    find.near,
    find.activity,
    find.share,
    find.find,
)

COMMANDS: tuple[tuple[str, Text], ...] = (
    ("find", _("Find activities")),
    ("my", _("My sign-ups")),
    ("checkin", _("Check in")),
    ("checkout", _("Check out")),
    ("hours", _("My hours")),
    ("subscribe", _("Subscribe")),
    ("organise", _("For organisers")),
    ("language", _("Language")),
    ("settings", _("Settings")),
    ("help", _("Help")),
)
"""What a platform's own list of commands shows, in this order."""
