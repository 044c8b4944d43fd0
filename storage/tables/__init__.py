"""Every table, one file a subject; importing this package fills `metadata`."""

from storage.tables import activities, audit, delivery, enrolment, grants, messages, people, privacy, proofs
from storage.tables.kinds import metadata

__all__ = [
    "activities",
    "audit",
    "delivery",
    "enrolment",
    "grants",
    "messages",
    "metadata",
    "people",
    "privacy",
    "proofs",
]
