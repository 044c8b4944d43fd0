"""The WeChat official account door. Imported only by a city that has an account; see each module's first line."""

from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.envelope import Envelope
from bot.channels.wechat.menu import MENU, Entry, set_menu
from bot.channels.wechat.messages import Finished, Granted, Reader
from bot.channels.wechat.replies import WECHAT
from bot.channels.wechat.sending import WeChatDoor
from bot.channels.wechat.token import StableToken, TokenShelf
from bot.channels.wechat.webhook import WeChatWebhook

__all__ = [
    "MENU",
    "WECHAT",
    "Entry",
    "Envelope",
    "Finished",
    "Granted",
    "Reader",
    "StableToken",
    "TokenShelf",
    "WeChatApi",
    "WeChatDoor",
    "WeChatWebhook",
    "set_menu",
]
