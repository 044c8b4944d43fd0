"""The desk that one person stands at in one transaction: every use case, by subject."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from bot.desk.activities import Activities
from bot.desk.admission import Admission
from bot.desk.agreements import Agreements
from bot.desk.announcements import Announcements
from bot.desk.attendance import Attendance
from bot.desk.calendars import Calendars
from bot.desk.campaigns import Campaigns
from bot.desk.city import City
from bot.desk.corrections import Corrections
from bot.desk.covers import Covers
from bot.desk.digests import Digests
from bot.desk.documents import Documents
from bot.desk.drafts import Drafts
from bot.desk.enrolment import Enrolment
from bot.desk.evaluations import Evaluations
from bot.desk.figures import PublicFigures
from bot.desk.guardians import Guardians
from bot.desk.linking import Linking
from bot.desk.matters import Matters
from bot.desk.newcomers import Newcomers
from bot.desk.offers import Offers
from bot.desk.organising import Organising
from bot.desk.parties import Parties
from bot.desk.people import People
from bot.desk.posters import Posters
from bot.desk.privacy import Privacy
from bot.desk.promises import Promises
from bot.desk.proofs import Proofs
from bot.desk.reach import Reach
from bot.desk.records import Records
from bot.desk.reminders import Reminders
from bot.desk.rolls import Rolls
from bot.desk.skills import Skills
from bot.desk.squads import Squads
from bot.desk.stars import Stars
from bot.desk.vouching import Vouching
from bot.domain.people import Person
from storage.database import Unit


class Desk:
    """What `me` can ask for now. Built for each turn; holds nothing between turns."""

    def __init__(self, unit: Unit, me: Person, now: datetime, city: City) -> None:
        self.unit = unit
        self.me = me
        self.now = now
        self.city = city

    @cached_property
    def people(self) -> People:
        """Who I am: language, habits, consent, subscriptions."""
        return People(self.unit, self.me, self.now, self.city)

    @cached_property
    def activities(self) -> Activities:
        """What there is to do."""
        return Activities(self.unit, self.me, self.now, self.city)

    @cached_property
    def enrolment(self) -> Enrolment:
        """My seats and places in queues."""
        return Enrolment(self.unit, self.me, self.now, self.city)

    @cached_property
    def admission(self) -> Admission:
        """Letting people in."""
        return Admission(self.unit, self.me, self.now, self.city)

    @cached_property
    def promises(self) -> Promises:
        """What was promised and not kept."""
        return Promises(self.unit, self.me, self.now, self.city)

    @cached_property
    def offers(self) -> Offers:
        """Seats that are held for me."""
        return Offers(self.unit, self.me, self.now, self.city)

    @cached_property
    def attendance(self) -> Attendance:
        """Being there: check-in and check-out."""
        return Attendance(self.unit, self.me, self.now, self.city)

    @cached_property
    def records(self) -> Records:
        """My hours."""
        return Records(self.unit, self.me, self.now, self.city)

    @cached_property
    def matters(self) -> Matters:
        """What is asked about records."""
        return Matters(self.unit, self.me, self.now, self.city)

    @cached_property
    def corrections(self) -> Corrections:
        """Correcting records."""
        return Corrections(self.unit, self.me, self.now, self.city)

    @cached_property
    def organising(self) -> Organising:
        """What organisers and centres do: publish, change, roster, wall."""
        return Organising(self.unit, self.me, self.now, self.city)

    @cached_property
    def posters(self) -> Posters:
        """What my activities hang up."""
        return Posters(self.unit, self.me, self.now, self.city)

    @cached_property
    def agreements(self) -> Agreements:
        """What is agreed in writing."""
        return Agreements(self.unit, self.me, self.now, self.city)

    @cached_property
    def drafts(self) -> Drafts:
        """Activities that are not open yet."""
        return Drafts(self.unit, self.me, self.now, self.city)

    @cached_property
    def guardians(self) -> Guardians:
        """My children, or my guardian."""
        return Guardians(self.unit, self.me, self.now, self.city)

    @cached_property
    def parties(self) -> Parties:
        """Those who come with me."""
        return Parties(self.unit, self.me, self.now, self.city)

    @cached_property
    def covers(self) -> Covers:
        """Calls for cover."""
        return Covers(self.unit, self.me, self.now, self.city)

    @cached_property
    def squads(self) -> Squads:
        """What my shifts demand of professionals."""
        return Squads(self.unit, self.me, self.now, self.city)

    @cached_property
    def reminders(self) -> Reminders:
        """When people of my activities are reminded."""
        return Reminders(self.unit, self.me, self.now, self.city)

    @cached_property
    def calendars(self) -> Calendars:
        """My calendar."""
        return Calendars(self.unit, self.me, self.now, self.city)

    @cached_property
    def digests(self) -> Digests:
        """My weekly letter."""
        return Digests(self.unit, self.me, self.now, self.city)

    @cached_property
    def evaluations(self) -> Evaluations:
        """How activities were."""
        return Evaluations(self.unit, self.me, self.now, self.city)

    @cached_property
    def figures(self) -> PublicFigures:
        """What everybody may know of the city."""
        return PublicFigures(self.unit, self.me, self.now, self.city)

    @cached_property
    def announcements(self) -> Announcements:
        """Recruiting by broadcast."""
        return Announcements(self.unit, self.me, self.now, self.city)

    @cached_property
    def reach(self) -> Reach:
        """How people can be told: the plan of routes, what became of messages."""
        return Reach(self.unit, self.me, self.now, self.city)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Campaigns: to whom, when, how far."""
        return Campaigns(self.unit, self.me, self.now, self.city)

    @cached_property
    def privacy(self) -> Privacy:
        """My data: see, take, correct, withdraw, erase."""
        return Privacy(self.unit, self.me, self.now, self.city)

    @cached_property
    def linking(self) -> Linking:
        """My other chat: one person with this one."""
        return Linking(self.unit, self.me, self.now, self.city)

    @cached_property
    def proofs(self) -> Proofs:
        """Certificates of hours."""
        return Proofs(self.unit, self.me, self.now, self.city)

    @cached_property
    def rolls(self) -> Rolls:
        """The rolls that I may take."""
        return Rolls(self.unit, self.me, self.now, self.city)

    @cached_property
    def skills(self) -> Skills:
        """What I can do, and what I may vouch for."""
        return Skills(self.unit, self.me, self.now, self.city)

    @cached_property
    def stars(self) -> Stars:
        """Stars and small steps."""
        return Stars(self.unit, self.me, self.now, self.city)

    @cached_property
    def newcomers(self) -> Newcomers:
        """People who come to me where I lead, and my own code for where others do."""
        return Newcomers(self.unit, self.me, self.now, self.city)

    @cached_property
    def documents(self) -> Documents:
        """Document numbers, where an insurance needs them."""
        return Documents(self.unit, self.me, self.now, self.city)

    @cached_property
    def vouching(self) -> Vouching:
        """What nothing else shows: my claims, and the organiser's word."""
        return Vouching(self.unit, self.me, self.now, self.city)
