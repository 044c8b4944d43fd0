"""What somebody can do and has proven: skills, licences and trainings, each with its document and its last day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sort(StrEnum):
    """What kind of thing it is."""

    SKILL = "skill"
    LICENCE = "licence"
    TRAINING = "training"


class Proven(StrEnum):
    """Where a proof stands."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Skill:
    """Something that a role may ask for."""

    code: str
    sort: Sort
    chinese: str
    english: str


SKILLS = (
    Skill("first_aid", Sort.SKILL, "急救员证", "First aid certificate"),
    Skill("lifeguard", Sort.LICENCE, "救生员证", "Lifeguard licence"),
    Skill("driver", Sort.LICENCE, "机动车驾驶证", "Driving licence"),
    Skill("medical", Sort.LICENCE, "医师或护士执业证", "Physician's or nurse's licence"),
    Skill("counsellor", Sort.LICENCE, "心理咨询资质", "Counselling qualification"),
    Skill("lawyer", Sort.LICENCE, "律师执业证", "Lawyer's licence"),
    Skill("teacher", Sort.LICENCE, "教师资格证", "Teaching licence"),
    Skill("electrician", Sort.LICENCE, "电工证", "Electrician's licence"),
    Skill("sign_language", Sort.SKILL, "手语翻译资质", "Sign language interpreting"),
    Skill("interpreter", Sort.SKILL, "外语翻译资质", "Interpreting"),
    Skill("social_worker", Sort.SKILL, "社会工作者证", "Social worker certificate"),
    Skill("volunteer_training", Sort.TRAINING, "志愿者上岗培训", "Volunteer training"),
    Skill("elder_care_training", Sort.TRAINING, "为老服务培训", "Training in care for older people"),
    Skill("rescue_training", Sort.TRAINING, "应急救援培训", "Emergency rescue training"),
)

_BY_CODE = {one.code: one for one in SKILLS}

DOCUMENTS = ("certificate", "licence", "record")
"""What kind of document proves it: a certificate, a licence, a record of a training."""


def skill(code: str) -> Skill:
    """A skill by its code. Raises KeyError for a code that no skill has."""
    return _BY_CODE[code]


def known(code: str) -> bool:
    """Is there such a skill?"""
    return code in _BY_CODE


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof of somebody, as its owner and the organiser who looks at it see it."""

    id: int
    person: int
    code: str
    state: Proven
    document: str
    issuer: str
    number: str
    """Of the document; empty where a photo was sent instead."""
    photo: bool
    expires: date | None
    """The last day on which it holds; None: it does not run out."""

    def holds(self, day: date) -> bool:
        """Was it accepted, and is it still good on that day?"""
        return self.state == Proven.ACCEPTED and (self.expires is None or day <= self.expires)


@dataclass(frozen=True, slots=True)
class NeedsSkill:
    """The role asks for what they have not proven for that day."""

    codes: tuple[str, ...]


def missing(needs: Sequence[str], proofs: Iterable[Proof], day: date) -> tuple[str, ...]:
    """What of it is not proven for that day."""
    proven = {one.code for one in proofs if one.holds(day)}
    return tuple(code for code in needs if code not in proven)
