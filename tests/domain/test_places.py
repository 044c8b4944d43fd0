"""The place tree of Beijing, and the names that people use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.places import CITY, DISTRICT, STREET, Gazetteer, beijing, distance

GAZETTEER = beijing()


def named(text: str) -> list[str]:
    return [found.place.name for found in GAZETTEER.match(text)]


def test_the_tree_is_a_city_sixteen_districts_and_343_streets() -> None:
    levels = [place.level for place in GAZETTEER.places]
    assert (levels.count(CITY), levels.count(DISTRICT), levels.count(STREET)) == (1, 16, 343)
    assert len({place.code for place in GAZETTEER.places}) == 360
    assert sum(len(GAZETTEER.streets(district.code)) for district in GAZETTEER.districts) == 343


def test_every_place_lies_in_its_district_and_in_the_city() -> None:
    for place in GAZETTEER.places:
        if place.level == STREET:
            assert place.parent == place.code // 1000
            assert [each.level for each in GAZETTEER.ancestors(place.code)] == [DISTRICT, CITY]
            assert place.english.isascii()
        assert GAZETTEER.within(place.code, 110000)
        assert GAZETTEER.within(place.code, place.code)
    assert not GAZETTEER.within(110000, 110105)
    assert not GAZETTEER.within(110108001, 110105)


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(KeyError):
        GAZETTEER.place(310000)
    with pytest.raises(KeyError):
        GAZETTEER.within(310000, 110000)
    assert not GAZETTEER.knows(310000)


def test_districts_and_landmarks_have_points_near_beijing_and_streets_have_none() -> None:
    for place in GAZETTEER.places:
        if place.level == STREET:
            assert place.latitude is None
        else:
            assert place.latitude is not None
            assert place.longitude is not None
            assert 39.4 < place.latitude < 41.1
            assert 115.4 < place.longitude < 117.6
    assert len(GAZETTEER.landmarks) >= 80
    for landmark in GAZETTEER.landmarks:
        assert GAZETTEER.place(landmark.district).level == DISTRICT
        assert 39.4 < landmark.latitude < 41.1
        assert 115.4 < landmark.longitude < 117.6


def test_no_landmark_lies_absurdly_far_from_its_district() -> None:
    for landmark in GAZETTEER.landmarks:
        district = GAZETTEER.place(landmark.district)
        assert district.latitude is not None
        assert district.longitude is not None
        metres = distance(landmark.latitude, landmark.longitude, district.latitude, district.longitude)
        assert metres < 52_000, landmark.name


def test_no_name_stands_for_two_landmarks() -> None:
    names = [name.lower() for each in GAZETTEER.landmarks for name in {each.name, each.english, *each.aliases}]
    assert sorted(names) == sorted(set(names))


def test_every_district_is_known_by_each_of_its_names() -> None:
    for district in GAZETTEER.districts:
        for written in (
            district.name,
            district.name.removesuffix("区"),
            district.english,
            district.english.lower(),
            district.english.upper(),
            f"{district.english} District",
            f"in {district.english.lower()} district",
        ):
            assert named(written) == [district.name], written


def test_every_street_is_known_by_its_full_name() -> None:
    for district in GAZETTEER.districts:
        for street in GAZETTEER.streets(district.code):
            assert street.name in named(f"在{street.name}的活动"), street.name
            assert named(f"{district.name}{street.name}")[-1] == street.name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("朝阳", ["朝阳区"]),
        ("朝陽區有什麼活動", ["朝阳区"]),
        ("門頭溝", ["门头沟区"]),
        ("ＣＨＡＯＹＡＮＧ", ["朝阳区"]),
        ("周六chaoyang有活动吗", ["朝阳区"]),
        ("朝阳或者海淀", ["朝阳区", "海淀区"]),
        ("崇文区", ["东城区"]),
        ("宣武", ["西城区"]),
        ("崇文门外街道", ["崇文门外街道"]),
        ("三里屯", ["朝阳区"]),
        ("奧森", ["朝阳区"]),
        ("国博", ["东城区"]),
        ("near the Bird's Nest", ["朝阳区"]),
        ("北京南站", ["丰台区"]),
        ("朝阳公园", ["朝阳区"]),
        ("通州副中心", ["通州区"]),
        ("大兴机场", ["大兴区"]),
        ("798", ["朝阳区"]),
        ("望京", ["朝阳区"]),
        ("望京街道", ["望京街道"]),
        ("Wangjing Subdistrict", ["望京街道"]),
        ("宋庄镇", ["宋庄镇"]),
        ("来广营乡", ["来广营地区"]),
        ("新村附近", ["新村街道"]),
        ("near Xincun", ["新村街道"]),
        ("向阳", ["向阳街道"]),
        ("朝阳门", ["朝阳门街道"]),
        ("张镇", ["张镇"]),
        ("海淀街道", ["海淀街道"]),
        ("北京", ["北京市"]),
    ],
)
def test_a_name_is_known(text: str, names: list[str]) -> None:
    assert named(text) == names


@pytest.mark.parametrize(
    "text", ["向阳而生", "东风日产", "过河北上", "新村民", "温泉真好", "", "x798", "1798", "wangjingxi2", "平房改造了"]
)
def test_a_plain_word_that_is_also_a_street_is_left_alone(text: str) -> None:
    assert named(text) == []


def test_a_name_that_two_streets_share_gives_both_unless_the_district_is_told() -> None:
    assert [found.place.code for found in GAZETTEER.match("八里庄")] == [110105015, 110108005]
    assert [found.place.code for found in GAZETTEER.match("八里庄街道")] == [110105015, 110108005]
    assert [found.place.parent for found in GAZETTEER.match("东风")] == [110105, 110111]
    assert [found.place.code for found in GAZETTEER.match("海淀八里庄")] == [110108, 110108005]
    assert [found.place.code for found in GAZETTEER.match("海淀区的八里庄街道")] == [110108, 110108005]


def test_a_landmark_brings_its_point() -> None:
    found = GAZETTEER.match("五道口附近")[0]
    assert found.landmark is not None
    assert (found.place.name, found.landmark.english) == ("海淀区", "Wudaokou")
    assert distance(found.landmark.latitude, found.landmark.longitude, 39.9929, 116.3378) < 500


def test_the_letters_that_named_a_place_are_told() -> None:
    text = "周六 朝陽區，Chaoyang District!"
    assert [text[found.start : found.end] for found in GAZETTEER.match(text)] == ["朝陽區", "Chaoyang District"]


def test_distance_is_that_of_the_earth() -> None:
    assert distance(39.9, 116.4, 39.9, 116.4) == 0
    assert distance(0, 0, 1, 0) == pytest.approx(111_195, abs=1)
    tiananmen_to_sanlitun = distance(39.9055, 116.3976, 39.9340, 116.4540)
    assert tiananmen_to_sanlitun == pytest.approx(5_760, abs=40)
    assert distance(0, 0, 0, 180) == pytest.approx(20_015_115, abs=2)


@given(st.text(max_size=80))
def test_a_find_lies_inside_the_text(text: str) -> None:
    for found in GAZETTEER.match(text):
        assert 0 <= found.start < found.end <= len(text)


@given(
    st.floats(-90, 90, allow_nan=False),
    st.floats(-180, 180, allow_nan=False),
    st.floats(-90, 90, allow_nan=False),
    st.floats(-180, 180, allow_nan=False),
)
def test_distance_is_the_same_both_ways(a: float, b: float, c: float, d: float) -> None:
    assert distance(a, b, c, d) == pytest.approx(distance(c, d, a, b), abs=1e-3)
    assert 0 <= distance(a, b, c, d) <= 20_016_000


def test_without_the_guard_plain_words_would_be_taken_for_streets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named("向阳而生") == []
    monkeypatch.setattr(
        Gazetteer, "_bold_enough", lambda _self, _plain, _whole, _start, end, places, _district: (places, end)
    )
    assert named("向阳而生") == ["向阳街道"]
