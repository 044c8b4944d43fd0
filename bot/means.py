"""What a city sends with, from its settings: doors and their pace, what its WeChat account offers, the limits of it."""

from __future__ import annotations

from bot.delivery.pace import pace_of
from bot.domain.forecast import Means
from bot.domain.quotas import MASS_BY_KIND, WECHAT, Limit
from bot.domain.reach import Offers, Way
from bot.settings import Settings


def means(settings: Settings) -> Means:
    """Doors that can speak first; a WeChat account by what its kind may do."""
    connected = {
        "telegram": settings.telegram_token is not None,
        "wechat": settings.wechat_app_id is not None and settings.wechat_app_secret is not None,
        "web": settings.chat,
    }
    rates = {door: pace_of(door, settings.telegram_rate).rate for door, is_there in connected.items() if is_there}
    if not connected["wechat"]:
        return Means(rates)
    offers = offered(settings)
    limits: dict[Way, Limit] = dict(WECHAT)
    if offers.mass:
        limits[Way.MASS] = MASS_BY_KIND[settings.wechat_kind]
    return Means(rates, offers, limits)


def offered(settings: Settings) -> Offers:
    """A verified service account has everything; a subscription account no template messages and no codes of its own;
    others answer only.

    Platform pages on template messages, subscription notices, mass messages and parametric codes.
    """
    match settings.wechat_kind:
        case "service":
            return Offers(templates=settings.templates, notices=settings.notices, mass=True, codes=True)
        case "subscription":
            return Offers(notices=settings.notices, mass=True)
    return Offers(customer=False)
