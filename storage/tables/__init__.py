"""Every table, one file a subject; importing this package fills `metadata`."""

from storage.tables import activities, delivery, enrolment, messages, people, proofs
from storage.tables.kinds import metadata

__all__ = ["activities", "delivery", "enrolment", "messages", "metadata", "people", "proofs"]
