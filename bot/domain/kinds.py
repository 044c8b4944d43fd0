"""What kind of service an activity is: what each kind asks of those who run it, and the words by which people mean it.

The list follows what Beijing's policy names, from community service to large events. Ages, insurance and training are
floors that an activity may raise; the risk is that of an ordinary activity of the kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from bot.domain.writing import alternation, fold, fold_with_origin

Risk = Literal["low", "medium", "high"]
Evidence = Literal["presence", "visit", "delivery", "online"]
"""How service of a kind is shown to have happened: a check-in on the spot; a visit log that the person visited or a
leader confirms; goods handed over with a receipt; a work product or session. Online service asks for no location."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of service. `minimum_age` in years; younger people need another kind, not a consent form."""

    code: str
    chinese: str
    english: str
    risk: Risk
    minimum_age: int
    evidence: Evidence
    needs_insurance: bool
    needs_training: bool
    needs_agreement: bool
    """Whether a written agreement between volunteer and organiser is due before the first service."""
    synonyms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A kind named in a text at `[start, end)`; `excluded` when the text asks for anything but this."""

    kind: Kind
    start: int
    end: int
    excluded: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split("|"))


# Code, Chinese, English, risk, minimum age, evidence; needs insurance, training, agreement; words.
KINDS: tuple[Kind, ...] = (
    Kind("community", "社区服务", "Community service", "low", 14, "presence", False, False, False, _words(
        "社区|小区|邻里|便民|环境整治|社区治理|垃圾清运|楼门|物业|居委会|值守|文明引导|neighbourhood|"
        "neighborhood|community"
    )),
    Kind("elderly", "为老服务", "Care for older people", "medium", 16, "visit", True, True, True, _words(
        "老年人|老人|助老|敬老|养老院|养老|为老|爱老|陪老人|陪伴老人|老年人关爱|空巢|孤寡|长者|爷爷奶奶|"
        "智能手机教学|助餐|elderly|older people|old people|older adults|senior|senior citizen|senior care|"
        "aged care|nursing home|grandparents"
    )),
    Kind("disability", "助残", "Support for people with disabilities", "medium", 16, "visit", True, True, True, _words(
        "残疾人|残疾|残障|阳光助残|盲人|助盲|视障|听障|手语|无障碍|自闭症|孤独症|disability|disabilities|"
        "disabled|blind|deaf|sign language|accessibility|autism|wheelchair"
    )),
    Kind("education", "助学支教", "Children and schooling", "medium", 16, "visit", True, True, True, _words(
        "助学|爱心助学|支教|儿童教育|儿童|孩子|小朋友|青少年|留守儿童|流动儿童|辅导|功课|作业|课后|陪读|护学|"
        "英语角|学生|teach|teaching|tutor|tutoring|children|child|kids|kid|school|pupils|homework|"
        "english corner|youth"
    )),
    Kind("environment", "环保", "Environment", "low", 12, "presence", False, False, False, _words(
        "环境保护|环保宣传|垃圾分类|绿化|绿化美化|美化|植树|植树造林|种树|造林|野生动物|动物保护|观鸟|节能|"
        "减排|节能减排|低碳|净滩|河道|捡垃圾|捡拾垃圾|净山|护河|绿色家园|生态|环境|公园清洁|environment|"
        "environmental|green|tree planting|plant trees|planting trees|tree|recycling|recycle|litter|"
        "litter picking|clean-up|cleanup|clean up|rubbish|trash|garbage|wildlife|nature|river|eco|ecology|"
        "climate"
    )),
    Kind("culture", "文化艺术", "Culture and arts", "low", 14, "presence", False, False, False, _words(
        "文化活动|文化|艺术|戏曲|京剧|书画|书法|绘画|音乐会|音乐|演出|合唱|展览|看展|讲解|讲解员|博物馆|"
        "图书馆|美术馆|文化惠民|阅读|读书|culture|cultural|art|arts|music|concert|museum|museum guide|"
        "gallery|library|exhibition|opera|calligraphy|painting|reading"
    )),
    Kind("heritage", "非遗传承", "Heritage", "low", 14, "presence", False, False, False, _words(
        "文化遗产|非物质文化遗产|非遗|文物|文物保护|长城保护|中轴线|胡同|老城|传统手工艺|剪纸|heritage|"
        "intangible heritage|relic|great wall protection|hutong|central axis|folk craft"
    )),
    Kind("science", "科普", "Popular science", "low", 14, "presence", False, True, False, _words(
        "科技创新|科学普及|科普讲座|科技|科学|科技馆|天文|编程|机器人|popular science|science|technology|"
        "stem|coding|robotics|astronomy"
    )),
    Kind("sports", "体育健身", "Sports and fitness", "medium", 16, "presence", True, False, False, _words(
        "体育|健身|跑步|运动|陪跑|体育赛事|太极|足球|篮球|羽毛球|乒乓球|健步走|徒步|sport|sports|fitness|"
        "running|football|basketball|badminton|tai chi|hiking|exercise"
    )),
    Kind("counselling", "心理援助", "Emotional support", "high", 18, "online", True, True, True, _words(
        "心理|心理疏导|心理咨询|心理辅导|倾听|热线|情绪|counselling|counseling|mental health|psychology|"
        "psychological|emotional support|hotline|helpline"
    )),
    Kind("legal", "法律援助", "Legal aid", "medium", 18, "presence", False, True, True, _words(
        "法律|法律咨询|普法|法援|律师|维权|调解|legal|legal aid|law|lawyer|mediation"
    )),
    Kind("traffic", "交通文明", "Traffic and courtesy", "medium", 16, "presence", True, True, False, _words(
        "交通|交通引导|交通疏导|交通安全|路口|斑马线|引导行人|协助交警|交警|地铁|地铁引导|文明乘车|公交|"
        "车站引导|礼让|traffic|crossing|road safety|metro|subway|bus stop"
    )),
    Kind("safety", "公共安全", "Public safety", "medium", 18, "presence", True, True, False, _words(
        "消防|防火|防盗|防灾|防灾减灾|消防宣传|平安|平安行动|平安建设|治安|治安巡逻|巡逻|反诈|禁毒|"
        "public safety|fire safety|fire prevention|patrol|crime prevention|anti-fraud"
    )),
    Kind("rescue", "应急救援", "Emergency response", "high", 18, "presence", True, True, True, _words(
        "应急|应急服务|救援|救灾|地震|抢险|防汛|抗洪|搜救|搜寻|急救|红十字|rescue|emergency|disaster|flood|"
        "earthquake|first aid|red cross|search and rescue"
    )),
    Kind("medical", "医疗健康", "Health", "medium", 18, "presence", True, True, True, _words(
        "医疗救助|医疗|医院|导医|义诊|支医|健康|献血|无偿献血|防艾|艾滋|控烟|护理|临终关怀|安宁疗护|health|"
        "medical|hospital|clinic|blood|blood donation|donate blood|hospice|hiv"
    )),
    Kind("relief", "扶贫济困", "Relief and goods", "low", 14, "delivery", False, False, False, _words(
        "扶贫|济困|社会救助|低保|贫困|困难家庭|捐赠|捐衣|捐书|募捐|物资|送餐|送温暖|慰问|农民工|relief|"
        "poverty|donation|donate|donations|charity|food bank|food delivery|goods"
    )),
    Kind("event", "大型赛会", "Large events", "medium", 18, "presence", True, True, True, _words(
        "赛会|大型活动|大型会议|大型展会|赛事|马拉松|奥运|冬奥|亚运会|博览会|服贸会|会展|展会|论坛|礼宾|"
        "marathon|race|large event|olympics|olympic|expo|conference|fair|forum|tournament"
    )),
    Kind("online", "线上服务", "Online service", "low", 14, "online", False, False, False, _words(
        "线上|线上志愿服务|网上|在线|远程|居家|互联网|翻译|笔译|校对|设计|online|remote|from home|virtual|"
        "translation|translate|proofreading|design"
    )),
)

_BY_CODE = {kind.code: kind for kind in KINDS}

_EXCLUDES = re.compile(
    r"(?:不要|不想要?|不做|不去|不找|不喜欢|别找|别给我|除了|除去|别的|除|排除|非|没有|不含|不包括|"
    r"\bnot|\bno|\bnon|\bexcept(?: for)?|\bwithout|\bother than|\banything but|"
    r"\bapart from|\bbesides|\bexcluding|\bdon't want)"
    r"(?:\s|[-:：]|做|去|参加|任何|搞|和|跟|什么|any|the|a|do|in)*$"
)
_EXCLUDES_AFTER = re.compile(r"(?:类|活动|服务|志愿)*的?(?:以外|之外|除外|就算了|不要|免谈)")
_ALSO = re.compile(r"\s*(?:类|活动|服务)?(?:和|与|跟|及|或者?|、|,|/|&|\bor\b|\band\b|\bnor\b)\s*")
_ONLY_APPARENTLY = re.compile(r"(?:是不|不仅|不只|不光|不但|不单|除非|有没有|没有没|not only|no matter)\S*\s*$")


def kind(code: str) -> Kind:
    """The kind with this code. Raises KeyError."""
    return _BY_CODE[code]


@cache
def _lexicon() -> tuple[re.Pattern[str], re.Pattern[str], dict[str, Kind]]:
    meaning: dict[str, Kind] = {}
    for each in KINDS:
        for word in (each.chinese, each.english, *each.synonyms):
            meaning.setdefault(fold(word), each)
    chinese = alternation(word for word in meaning if not word.isascii())
    latin = alternation(word for word in meaning if word.isascii()).replace(r"\ ", r"[\s-]+")
    return re.compile(chinese), re.compile(rf"\b({latin})(?:e?s)?\b", re.ASCII), meaning


def match_kinds(text: str) -> list[Found]:
    """The kinds that a text names, in order, each once a mention; those that it rules out are marked so."""
    folded = fold_with_origin(text)
    plain = folded.plain
    chinese, latin, meaning = _lexicon()
    found: list[Found] = []
    last: tuple[int, bool] | None = None  # where the last mention ended, and whether it was ruled out before it
    for hit in sorted((*chinese.finditer(plain), *latin.finditer(plain)), key=lambda hit: hit.start()):
        word = hit[1] if hit.re is latin else hit[0]
        named = meaning.get(word) or meaning[re.sub(r"[\s-]+", " ", word)]
        before = plain[: hit.start()]
        excluded = _excludes(before)
        if not excluded and last is not None and last[1]:
            excluded = _ALSO.fullmatch(plain, last[0], hit.start()) is not None
        last = hit.end(), excluded
        span = folded.original(*hit.span())
        found.append(Found(named, *span, excluded=excluded or _EXCLUDES_AFTER.match(plain, hit.end()) is not None))
    return found


def _excludes(before: str) -> bool:
    """Whether the words that lead up to a kind rule it out."""
    tail = before[-24:]
    hit = _EXCLUDES.search(tail)
    return hit is not None and _ONLY_APPARENTLY.search(tail) is None
