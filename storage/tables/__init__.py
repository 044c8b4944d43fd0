"""Every table, one file a subject; importing this package fills `metadata`."""

from storage.tables import (
    activities,
    agreements,
    audit,
    claims,
    delivery,
    documents,
    enrolment,
    evidence,
    grants,
    guardians,
    matters,
    messages,
    official,
    people,
    privacy,
    proofs,
    stars,
)
from storage.tables.kinds import metadata

__all__ = [
    "activities",
    "agreements",
    "audit",
    "claims",
    "delivery",
    "documents",
    "enrolment",
    "evidence",
    "grants",
    "guardians",
    "matters",
    "messages",
    "metadata",
    "official",
    "people",
    "privacy",
    "proofs",
    "stars",
]
