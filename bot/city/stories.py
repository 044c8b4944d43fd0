"""What a made-up city is made of: what there is to do, who holds it, what people are called. All of it invented."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Story:
    """A kind of activity that happens again and again: titles, what to know, usual hours and seats."""

    kind: str
    title: str
    english: str
    about: str
    starts: int
    """Hour of the day."""
    hours: float
    seats: int


def read_stories(lines: Iterable[str]) -> tuple[Story, ...]:
    """The stories of a file; lines that begin with # are not data."""
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return tuple(
        Story(
            row["kind"], row["title"], row["english"], row["about"], int(row["starts"]), float(row["hours"]),
            int(row["seats"]),
        )
        for row in rows
    )  # fmt: skip


STORIES = read_stories(Path(__file__).with_name("stories.csv").read_text(encoding="utf-8").splitlines())

THEMES = (
    ("绿芽环保", "Green Shoots", "environment"),
    ("银龄陪伴", "Silver Company", "elderly"),
    ("书香伴读", "Reading Together", "education"),
    ("古都记忆", "Old Capital Stories", "heritage"),
    ("晨光助残", "Morning Light", "disability"),
    ("蓝马甲出行", "Blue Vests", "traffic"),
    ("萤火科普", "Firefly Science", "science"),
    ("暖衣小站", "Warm Clothes", "relief"),
)
"""Associations: Chinese, English, and the kind that they mostly do."""

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = (
    "小满", "立夏", "知秋", "晓晨", "若云", "子墨", "文博", "思源", "嘉禾", "明远", "雨桐", "清扬",
    "予安", "星河", "念初", "长青", "海棠", "建国", "秀兰", "志强", "桂英", "淑珍", "永康", "慧敏",
)  # fmt: skip


def fictional_phone(number: int) -> str:
    """A number that has the form of a mobile one and that no operator has given out to a person: 138 0000 0000 on."""
    return f"+86138{number % 100_000_000:08d}"
