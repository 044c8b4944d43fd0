"""A volunteer and an organiser who speak Chinese from the first word to the last: nothing of it is in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]

ENGLISH = re.compile(r"[A-Za-z]{2,}")


def seen(chat: Chat) -> str:
    """Everything that a chat shows now, without links and the volunteer number."""
    return re.sub(r"https?://\S+|activity-\d+|\b[A-Z\d]{10}\b", "", "\n".join((chat.text, *chat.labels)))


async def says(chat: Chat, *typed: str) -> str:
    """Type one thing after another; each answer is in Chinese."""
    for one in typed:
        await chat.says(one)
        shown = seen(chat).replace("English", "")
        assert chat.text
        assert not ENGLISH.search(shown), f"“{one}” was answered in English: {shown}"
        assert not re.search(r"[{}]", shown)
    return chat.text


async def test_a_volunteer_goes_all_the_way_in_chinese(town: Town, chat: Open) -> None:
    olga = chat("Olga", "zh_CN")
    activity = await town.publishes(olga, "秋日清扫", SATURDAY)
    async with town.database.write() as unit:  # about the activity, in the organiser's own words
        await unit.connection.exec_driver_sql("UPDATE activity SET about = '请带手套。'")
    wang = chat("王阿姨", "zh_CN")
    assert "您好！我是“门口”" in await says(wang, "你好")
    assert "找活动 · 我的 · 签到" in await says(wang, "帮助")
    await says(wang, "菜单", "设置", "我的", "时长", "签到", "签退", "更多", "返回", "撤销", "取消", "嗯嗯嗯")
    assert "海淀区 · 11月28日（周六），找到 1 个活动：" in await says(wang, "周六海淀有什么活动")
    assert "11月28日（周六）10:00 · 海淀区 · 还有 10 个名额" in "\n".join((wang.text, *wang.labels))
    assert "主办：海淀绿芽志愿服务队" in await says(wang, "1")
    assert "您同意吗？" in await says(wang, "1")
    assert "请问您叫什么名字？" in await says(wang, "同意")
    await says(wang, "12345", "王秀英", "打我座机")
    assert "报名参加“秋日清扫”吗？时间：11月28日（周六）10:00–12:00" in await says(wang, "13900139000")
    promised = "提醒可能送不到" if wang.door == "wechat" else "我会提醒您：11月27日（周五）10:00。"
    said = await says(wang, "好的")
    assert "报名成功：秋日清扫。" in said
    assert promised in said
    await says(wang, "我的", "1")
    assert "要退出“秋日清扫”吗？" in await says(wang, "1")
    assert "还给您留着" in await says(wang, "不退")

    town.at = (SATURDAY + timedelta(minutes=20)).astimezone(town.at.tzinfo)
    assert "组织者屏幕上的 8 位数字" in await says(wang, "签到")
    assert "还可以试" in await says(wang, "0000 0000")
    answer = await says(wang, (await town.code(activity)).digits)
    assert "10:20 签到成功：秋日清扫。谢谢您来！" in answer
    assert "您晚到了 20 分钟，没关系。" in answer
    town.at = (SATURDAY + timedelta(hours=2)).astimezone(town.at.tzinfo)
    await says(wang, "签退")
    assert "这次记了 1.7 小时。" in await says(wang, (await town.code(activity)).digits)
    answer = await says(wang, "时长")
    assert "您参加了 1 次活动，共 1.7 小时。" in answer
    assert "2026年11月：1.7 小时" in answer
    await says(wang, "记录", "1")

    await says(wang, "订阅", "1", "更多", "返回", "2", "1", "我的订阅", "退订", "退订")
    await says(wang, "长辈版", "免打扰", "1", "语言")
    assert "好的，以后我说中文。" in await says(wang, "中文")


async def test_an_organiser_goes_all_the_way_in_chinese(town: Town, chat: Open) -> None:
    liu = chat("刘老师", "zh_CN")
    await says(liu, "发布", "组织者", "名单", "招募")
    await town.has_organisation(liu)
    await says(liu, "组织者", "发布")
    await says(liu, "秋", "秋日清扫", "1", "改天吧", "周六 9:00-11:30", "老地方", "海淀区 颐和园东门", "三百万")
    assert "要提醒大家什么？" in await says(liu, "20")
    answer = await says(liu, "请带手套，穿平底鞋。")
    assert "11月28日（周六）09:00–11:30" in answer
    assert "20 个名额" in answer
    assert "\n海淀区 颐和园东门\n" in answer, "a district that the address names is not said twice"
    assert "现在向全市开放报名吗？" in answer
    assert "已开放报名：秋日清扫。" in await says(liu, "是")

    wang = chat("王阿姨", "zh_CN")
    await says(wang, "你好", "订阅", "2", "1")
    await says(wang, "周六海淀有什么活动", "1", "1", "同意", "王秀英", "13900139000", "好")
    assert "秋日清扫：已报 1 人，候补 0 人" in await says(liu, "名单", "1")
    assert "管理" in "".join(liu.labels)
    await says(liu, "1")
    assert "您管理的活动" in await says(liu, "组织者")
    await liu.picks("秋日清扫")
    await liu.picks("改时间")
    assert "改到 11月28日（周六）14:00–16:00 吗？" in await says(liu, "11月28日 14:00-16:00")
    assert "会通知 1 人" in await says(liu, "是")
    await liu.opens("calloff", 1)
    assert "确定要取消活动“秋日清扫”吗？时间：11月28日（周六）14:00。" in await says(liu, "咦")
    await says(liu, "是的，取消活动")
    await town.waits(seconds=3)
    assert "组织者取消了活动“秋日清扫”" in "\n".join(page.text for page in wang.pushed())
    assert not any(ENGLISH.search(page.text) for page in wang.pushed())


async def test_traditional_characters_are_the_same_words(town: Town, chat: Open) -> None:
    """A sentence was understood and 簽到 was not: only the search read both scripts."""
    await town.publishes(chat("Olga", "zh_CN"), "秋日清扫", SATURDAY)
    async with town.database.write() as unit:  # about the activity, in the organiser's own words
        await unit.connection.exec_driver_sql("UPDATE activity SET about = '请带手套。'")
    wang = chat("王阿姨", "zh_CN")
    assert "您目前没有报名" in await says(wang, "我的報名")
    assert "没看懂" not in await says(wang, "簽到")
    assert "没看懂" not in await says(wang, "時長")
    await says(wang, "週六海淀有什麼活動", "第１個", "報名")
    assert "请问您叫什么名字？" in await says(wang, "我同意，已滿18歲")


async def test_who_thanks_or_agrees_when_nothing_is_asked_is_understood(chat: Open) -> None:
    """“谢谢” and “好的” were answered with “sorry, I did not understand”."""
    wang = chat("王阿姨", "zh_CN")
    await says(wang, "你好")
    assert "不客气" in await says(wang, "谢谢！")
    assert "随时找我" in await says(wang, "好的。")
    assert "没看懂" in await says(wang, "好的吧啦")  # control
    await says(wang, "找活动")
    assert "哪里" in await says(wang, "好的"), "an open question is asked again"


@pytest.mark.parametrize("said", ["救命", "转人工", "客服"])
async def test_who_calls_for_help_reads_whom_to_call(chat: Open, said: str) -> None:
    assert "110" in await says(chat("王阿姨", "zh_CN"), said)


async def test_whoever_complains_or_asks_for_help_hears_who_else_listens(chat: Open) -> None:
    """Both words once met “I did not understand that”."""
    wang = chat("王阿姨", "zh_CN")
    for word in ("投诉", "举报", "求助"):
        answer = await says(wang, word)
        assert "12345" in answer, word
        assert "申诉" in answer, word
        assert "没看懂" not in answer, word
