"""What somebody looks for, out of one sentence: where, when, which kind, and the words that are left.

Slots are cut out in a fixed order, times before places before kinds, because 今晚上地铁 is an evening and not 上地,
and 天坛医院 is a landmark and not a matter of health. What is left without stop words is the keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

from bot.domain.kinds import Kind, match_kinds
from bot.domain.places import Found, Gazetteer, Landmark, Place
from bot.domain.when import Interval, read_times
from bot.domain.writing import LONGEST, blank_out, fold

_HAN = "㐀-鿿豈-﫿\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_HAN}]+|(?:(?![{_HAN}])[^\W_])+")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. An empty field asks for nothing in particular."""

    places: tuple[Place, ...] = ()
    near: Landmark | None = None
    """The landmark to sort by distance from."""
    kinds: tuple[Kind, ...] = ()
    excluded_kinds: tuple[Kind, ...] = ()
    times: tuple[Interval, ...] = ()
    words: tuple[str, ...] = ()
    """Keywords in their plain form; all of them are wanted."""
    near_me: bool = False
    """Whether "near" was said without saying near what: ask for a place or take the last one shared."""

    @property
    def slots(self) -> int:
        """How many of where, when and which kind are told."""
        return sum((bool(self.places) or self.near_me, bool(self.times), bool(self.kinds or self.excluded_kinds)))


def tokens(text: str) -> list[str]:
    """The tokens by which texts are matched: Latin words and pairs of neighbouring Han characters; a lone one stays."""
    found: list[str] = []
    for hit in _TOKEN.finditer(fold(text)):
        run = hit[0]
        if not re.match(rf"[{_HAN}]", run) or len(run) == 1:
            found.append(run)
        else:
            found.extend(run[index : index + 2] for index in range(len(run) - 1))
    return found


_NEAR_ME = re.compile(
    r"离我(?:最)?近|离我家(?:最)?近|我(?:家)?(?:的)?(?:附近|周边|这边|旁边)|附近|就近|周边|"
    r"\bnear(?:est)?(?: to)? (?:me|here|my (?:home|place))\b|"
    r"\bnearby\b|\baround (?:me|here)\b|\bclose to me\b"
)


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP_PHRASES = _listed(
    # please, hello
    "请问 请帮我 帮我 帮忙 麻烦 给我 谢谢 多谢 你好 您好 我们 咱们 大家 "
    # I would like to
    "我想要 我想 我要 想要 想找 想去 想做 想当 想参加 可以 能不能 可不可以 能做 能去 可做 需要 "
    "我想当 我要当 当志愿者 当义工 当一名 当个 做一名 做个 我想成为 想成为 成为 一名 怎样 如何 "
    # look for
    "找一下 找找 找个 查一下 查查 查找 查询 搜索 搜一下 看看 看一下 推荐 介绍 一下 一些 一点 几个 "
    # is there any, which
    "有没有 有什么 有啥 有哪些 还有什么 还有 哪些 哪里 哪儿 什么样 什么 怎么样 怎么 是不是 "
    # activities, and to take part in them
    "活动 志愿者 志愿服务 志愿项目 志愿 义工 服务 公益活动 公益 岗位 机会 项目 "
    "招募 招人 招不招 报名 参加 参与 "
    # about, except
    "适合 关于 相关 方面 之类 类型 类的 不要 不想 除了 以外 之外 别的 其他 其它 或者 以及 "
    # near, when
    "附近 这边 那边 周边 一带 时间 时候 最近 有空 没事 闲着"
)
_PHRASES = re.compile("|".join(sorted(_STOP_PHRASES, key=lambda phrase: (-len(phrase), phrase))))
_EDGES = "的了吗呢吧啊呀嘛么在和与跟或及有想要去做找查搜看能会请我你您个些里上到从就也还都是为给把被对类"
_STOP_WORDS = _listed(
    # articles, pronouns, prepositions
    "a an the any some something anything this that these those it there other more many "
    "i i'd i'm im we me my you your us and or not no but except without than to in on at of for with from by "
    # questions
    "what what's which where when who who's how is are am there's s do does can could would will have has "
    # look for
    "find search look looking show tell give list get want like love need let's lets recommend suggest interested "
    "please thanks thank hello hi hey "
    # activities, and to take part in them
    "activity activities event events opportunity opportunities volunteer volunteers volunteering "
    "help join sign up go going do doing pm be open available happening "
    # near, when
    "near nearby around here close area district subdistrict about next coming"
)
_RUN = re.compile(rf"(\d*[{_HAN}][{_HAN}\d]*)|[^{_HAN}]+")  # 5号线 stays whole
_PUNCTUATION = re.compile(r"[^\w']+|_+")


def understand(text: str, now: datetime, tz: tzinfo, gazetteer: Gazetteer) -> Query:
    """What a sentence looks for; `now` is aware and anchors "tomorrow", `tz` is the city's zone."""
    return _understood(text[:LONGEST], now.replace(second=0, microsecond=0), tz, gazetteer)


@lru_cache(maxsize=64)
def _understood(text: str, now: datetime, tz: tzinfo, gazetteer: Gazetteer) -> Query:
    """Kept for the minute: within one turn a sentence is heard, asked whether it says where, and searched for, and
    many type the same words under one poster."""
    times = read_times(text, now, tz)
    rest = blank_out(text, [span for interval in times for span in interval.spans])
    found = gazetteer.match(rest)
    rest = blank_out(rest, [(hit.start, hit.end) for hit in found])
    kinds = match_kinds(rest)
    rest = blank_out(rest, [(hit.start, hit.end) for hit in kinds])
    near_me = not found and _NEAR_ME.search(fold(rest)) is not None
    words: list[str] = []
    for word in _keywords(rest):
        # A short street name counts when it is all that is left: 找新街口的活动.
        streets = gazetteer.match(word)
        if streets and all((hit.start, hit.end) == (0, len(word)) for hit in streets):
            found.extend(streets)
        else:
            words.append(word)
    excluded = _each(hit.kind for hit in kinds if hit.excluded)
    return Query(
        places=_finest(found, gazetteer),
        near=next((hit.landmark for hit in found if hit.landmark), None),
        kinds=tuple(kind for kind in _each(hit.kind for hit in kinds if not hit.excluded) if kind not in excluded),
        excluded_kinds=excluded,
        times=tuple(times),
        words=tuple(dict.fromkeys(words)),
        near_me=near_me,
    )


def _each(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    return tuple(dict.fromkeys(kinds))


def _finest(found: list[Found], gazetteer: Gazetteer) -> tuple[Place, ...]:
    """The places named, without those that another named place lies in: 朝阳区望京街道 is the street."""
    places = list(dict.fromkeys(hit.place for hit in found))
    return tuple(
        place
        for place in places
        if not any(other != place and gazetteer.within(other.code, place.code) for other in places)
    )


def _keywords(text: str) -> list[str]:
    """What is left of a text without stop words, in order; a single Han character only when it is all there is."""
    plain = _PHRASES.sub(" ", fold(text))
    words: list[str] = []
    for chunk in _PUNCTUATION.split(plain):
        for hit in _RUN.finditer(chunk):
            word = hit[0].strip("'")
            if hit[1]:
                word = word.strip(_EDGES)
            elif word in _STOP_WORDS or (len(word) == 1 and not word.isdigit()):
                continue
            if word:
                words.append(word)
    longer = [word for word in words if len(word) > 1 or not re.match(rf"[{_HAN}]", word)]
    return longer or words


_OTHER_ERRANDS = re.compile(
    # what I signed up for
    r"我报(?:了|过)?名|报名了|报了名|已报名|我的活动|我的报名|候补|\bsigned up\b|\bdid i\b|\bhave i\b|"
    r"\bmy (?:activities|sign-?ups|events|shifts)\b|"
    # not coming, coming late
    r"取消|退出|请假|迟到|[来去到]不了|忘了|改成|改到|"
    r"\bcancel|\bwithdraw\b|\blate\b|\bcan'?t (?:come|make)\b|"
    # being there, hours, papers
    r"签到|签退|打卡|时长|多少小时|几个?小时|证明|证书|积分|"
    r"\bcheck(?:ed)?[ -]?(?:in|out)\b|\bhours\b|\bcertificate|\bproof\b|"
    # the organizer's desk: publish, roster, announce
    r"发布|创建|新建|举办|名单|花名册|报名的人|报过名|报名者|谁报名|"
    r"\bpublish|\bcreate\b|\broster\b|"
    r"通知|发消息|群发|发给|\bannounce|\bnotify\b|\bsend\b|\bremind|"
    # subscriptions
    r"退订|订阅|\bsubscri|\bunsubscri|"
    # my account and data
    r"绑定|数据|删除|注销|设置|语言|密码|手机号|"
    r"\bdelete\b|\bmy data\b|\bsettings?\b|\blanguage\b|"
    # help, complaints
    r"投诉|举报|求助|找不到|客服|人工|怎么办|为什么|\bcomplain"
)
_FIND_WORDS = re.compile(
    # look for
    r"找|搜|查.{0,4}活动|推荐|"
    r"\bfind\b|\blooking for\b|\bsearch|\bshow me\b|\bsuggest|\brecommend|"
    # what is there, where
    r"有什么|有啥|有哪些|有没有|有.{0,12}活动|哪里|哪儿|哪些|"
    r"\bany\b|\banything\b|\bwhat(?:'?s| is| can| are)\b|\bwhere can\b|\bis there\b|\bare there\b|"
    # I would like to
    r"想(?:参加|做|去|当|报名|帮)|能做什么|做点什么|可以做|"
    r"\bsomething to do\b|\bi(?:'d| would)? (?:want|like|love) to (?:help|join|do)\b|"
    # volunteering
    r"(?:当|做|成为)(?:一名|一个|个)?(?:志愿者|义工)|"
    r"缺人|招人|志愿(?:服务)?(?:活动|项目|机会|岗位)|\bvolunteer(?:ing)?\b|\bactivities\b|\bopportunit"
)


def sounds_like_search(text: str, now: datetime, tz: tzinfo, gazetteer: Gazetteer) -> bool:
    """Whether a free sentence means "find": a find-word, or slots and little else; never another errand."""
    plain = fold(text[:LONGEST])
    if _OTHER_ERRANDS.search(plain):
        return False
    query = understand(text, now, tz, gazetteer)
    if _FIND_WORDS.search(plain):
        return True
    if query.slots == 0:
        return False
    if query.slots >= 2 or not query.words:
        return True
    # 教小朋友画画 and 海淀讲故事 are wishes; a time with a word (明天天气) is more likely about something else.
    return not query.times and len(query.words) == 1
