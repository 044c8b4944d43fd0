"""WeChat's API as strict as the real one: tokens, windows, quotas, lengths, the IP list, and faults on demand."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

DAY, MINUTE = 86_400, 60
OVERRUNS = (43101, 45009, 45011, 45015, 45028, 45047, 47003)
"""What a call over a window, a quota, a count or a field's length is answered with."""
QUOTAS = {
    "/cgi-bin/token": 2_000,
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/message/template/send": 100_000,
    "/cgi-bin/message/subscribe/bizsend": 100_000,
    "/cgi-bin/menu/create": 1_000,
    "/cgi-bin/user/info": 5_000_000,
    "/cgi-bin/openapi/quota/get": 1_000,
    "/cgi-bin/message/mass/sendall": 100,
    "/cgi-bin/tags/create": 1_000,
    "/cgi-bin/tags/members/batchtagging": 10_000,
    "/cgi-bin/tags/members/batchuntagging": 10_000,
    "/cgi-bin/qrcode/create": 100_000,
    "/cgi-bin/ticket/getticket": 10_000,
}
"""Calls a day: the platform's older default table."""

MINUTES = {"/cgi-bin/message/mass/sendall": 60}
"""Calls a minute. Page api_masssend."""
MASS_A_MONTH = 4
"""Mass messages that one follower of a service account gets. Page Batch_Sends."""
TAGS = 100
FIELDS = {"thing": 20, "character_string": 32, "phone_number": 17, "const": 20, "time": 24, "date": 24}
"""Characters of a form's field by its kind; others 20."""

Kind = Literal["service", "subscription", "unverified"]


class ManualClock:
    """Seconds since 1970 that move only when told to."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Follower:
    """A person as the platform knows them."""

    openid: str
    following: bool = True
    muted: bool = False
    message_until: float = 0.0
    message_left: int = 0
    action_until: float = 0.0
    action_left: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    grants: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    masses: Counter[str] = field(default_factory=Counter)
    """Mass messages by month (a service account) or day (a subscription account)."""
    tags: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Fault:
    """What goes wrong once: an error code, an HTTP status, a body, silence, a cut connection."""

    code: int | None = None
    status: int | None = None
    body: bytes | None = None
    hang: bool = False
    drop: bool = False
    after_effect: bool = False
    """Does the call have its effect before it fails?"""


class WeChatApiStandIn:
    """The platform's API server for one official account, on a free port of 127.0.0.1."""

    def __init__(
        self,
        app_id: str = "wx0123456789abcdef",
        secret: str = "0123456789abcdef0123456789abcdef",
        *,
        kind: Kind = "service",
        clock: Callable[[], float] = time.time,
        quotas: dict[str, int] | None = None,
        per_minute: int | None = None,
        port: int = 0,
    ) -> None:
        self.app_id, self.secret, self.kind, self.clock = app_id, secret, kind, clock
        self.quotas = {**QUOTAS, **(quotas or {})}
        self.per_minute = per_minute
        self.allowed_addresses: set[str] | None = None
        self.only_newest_token = False
        """Livelock test: every fetch invalidates all earlier tokens at once."""
        self.always: Fault | None = None
        self.followers: dict[str, Follower] = {}
        self.templates: dict[str, set[str]] = {}
        self.menu: dict[str, Any] | None = None
        self.jobs: list[tuple[str, str, str]] = []
        self.calls: Counter[str] = Counter()
        self.accepted: list[tuple[str, dict[str, Any]]] = []
        self.refusals: Counter[int] = Counter()
        """Answers by error code: a sender that keeps its ledgers gets none of `OVERRUNS`."""
        self.tags: dict[int, str] = {}
        self.scenes: dict[str, str] = {}
        self._mass_ids: dict[str, str] = {}
        self.used: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.minute: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._tokens: dict[str, float] = {}
        self._stable: tuple[str, float] | None = None
        self._forced: list[float] = []
        self._cleared: Counter[str] = Counter()
        self._contents: dict[tuple[str, str], float] = {}
        self._client_ids: dict[str, tuple[float, int]] = {}
        self._serial = 0
        self._port = port
        self.on_hang: Callable[[], None] = lambda: None
        """Told when a call begins to wait for an answer that will not come."""
        self._hanging = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.base = ""

    # --- Running ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> WeChatApiStandIn:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_get("/cgi-bin/token", self._guarded(self._classic_token, needs_token=False))
        app.router.add_post("/cgi-bin/stable_token", self._guarded(self._stable_token, needs_token=False))
        app.router.add_get("/cgi-bin/user/info", self._guarded(self._user_info))
        app.router.add_get("/cgi-bin/tags/get", self._guarded(self._tags_get))
        app.router.add_get("/cgi-bin/ticket/getticket", self._guarded(self._ticket))
        for path, answer in {
            "/cgi-bin/message/custom/send": self._custom_send,
            "/cgi-bin/message/template/send": self._template_send,
            "/cgi-bin/message/subscribe/bizsend": self._bizsend,
            "/cgi-bin/menu/create": self._menu_create,
            "/cgi-bin/openapi/quota/get": self._quota_get,
            "/cgi-bin/clear_quota": self._clear_quota,
            "/cgi-bin/message/mass/sendall": self._mass_sendall,
            "/cgi-bin/tags/create": self._tag_create,
            "/cgi-bin/tags/delete": self._tag_delete,
            "/cgi-bin/tags/members/batchtagging": self._tag_members,
            "/cgi-bin/tags/members/batchuntagging": self._untag_members,
            "/cgi-bin/qrcode/create": self._qr_create,
        }.items():
            app.router.add_post(path, self._guarded(answer))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_of_it: object) -> None:
        self._hanging.set()
        if self._runner:
            await self._runner.cleanup()

    # --- What tests turn -------------------------------------------------------------------------------------------

    def fail(self, path: str, *faults: Fault | int) -> None:
        """Let the next calls of this path fail so, one after another; an int is an error code."""
        self._faults[path].extend(Fault(code=one) if isinstance(one, int) else one for one in faults)

    def follow(self, openid: str) -> Follower:
        person = self.followers.setdefault(openid, Follower(openid))
        person.following = True
        return person

    def heard(self, openid: str, kind: Literal["message", "action"]) -> None:
        """The person wrote (5 messages in 48 hours) or clicked, scanned, followed (3 in a minute)."""
        person = self.follow(openid)
        if kind == "message":
            person.message_until, person.message_left = self.clock() + 48 * 3600, 5
        else:
            person.action_until, person.action_left = self.clock() + MINUTE, 3

    def revoke_tokens(self) -> None:
        """Every token stops working, as when the secret was reset."""
        self._tokens.clear()
        self._stable = None

    def expire_tokens(self) -> None:
        for token in self._tokens:
            self._tokens[token] = self.clock() - 1

    # --- Before every call -----------------------------------------------------------------------------------------

    def _guarded(
        self, answer: Callable[[web.Request, Any], dict[str, Any]], needs_token: bool = True
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            path, raw = request.path, await request.read()
            self.calls[path] += 1
            fault = self.always if self.always and needs_token else None
            if self._faults[path]:
                fault = self._faults[path].popleft()
            if fault and not fault.after_effect:
                return await self._fails(request, fault)
            code = self._refusal(request, path, needs_token)
            if code:
                self.refusals[code] += 1
                return _json({"errcode": code, "errmsg": f"refused rid: {self._serial}"})
            try:
                payload = json.loads(raw) if raw else {}
            except ValueError:
                return _json({"errcode": 47001, "errmsg": "data format error"})
            if re.search(rb"\\u[0-9a-fA-F]{4}", raw):
                return _json({"errcode": 40033, "errmsg": "invalid charset. please check your request, no \\uxxxx"})
            said = answer(request, payload)
            self.refusals[int(said.get("errcode", 0))] += 1
            if fault:
                return await self._fails(request, fault)
            return _json(said)

        return handle

    async def _fails(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.drop:
            assert request.transport is not None
            request.transport.abort()
        if fault.hang:
            self.on_hang()
            await self._hanging.wait()
        if fault.status or fault.body is not None:
            return web.Response(status=fault.status or 200, body=fault.body or b"")
        return _json({"errcode": fault.code or 0, "errmsg": "on demand"})

    def _refusal(self, request: web.Request, path: str, needs_token: bool) -> int:
        if self.allowed_addresses is not None and request.remote not in self.allowed_addresses:
            return 40164
        if needs_token:
            token = request.query.get("access_token", "")
            if not token:
                return 41001
            if not re.fullmatch(r"[A-Za-z0-9_-]{100,512}", token):
                return 40014
            if token not in self._tokens:
                return 40001
            if self._tokens[token] <= self.clock():
                return 42001
        return self._counted(path)

    def _counted(self, path: str) -> int:
        now = int(self.clock())
        if self.used[path, (now + 8 * 3600) // DAY] >= self.quotas.get(path, 10_000):
            return 45009
        a_minute = self.per_minute if self.per_minute is not None else MINUTES.get(path)
        if a_minute is not None and self.minute[path, now // MINUTE] >= a_minute:
            return 45011
        self.used[path, (now + 8 * 3600) // DAY] += 1
        self.minute[path, now // MINUTE] += 1
        return 0

    # --- Tokens ----------------------------------------------------------------------------------------------------

    def _new_token(self) -> str:
        self._serial += 1
        token = f"{self._serial}_{'x' * 120}"
        if self.only_newest_token:
            self._tokens.clear()
        else:  # old and new are both valid for five minutes
            self._tokens = {one: min(until, self.clock() + 300) for one, until in self._tokens.items()}
        self._tokens[token] = self.clock() + 7200
        return token

    def _credentials(self, app_id: object, secret: object) -> int:
        return 40013 if app_id != self.app_id else 40125 if secret != self.secret else 0

    def _classic_token(self, request: web.Request, _payload: Any) -> dict[str, Any]:
        wrong = self._credentials(request.query.get("appid"), request.query.get("secret"))
        if wrong or request.query.get("grant_type") != "client_credential":
            return {"errcode": wrong or 40002, "errmsg": "invalid credential"}
        return {"access_token": self._new_token(), "expires_in": 7200}

    def _stable_token(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        wrong = self._credentials(payload.get("appid"), payload.get("secret"))
        if wrong or payload.get("grant_type") != "client_credential":
            return {"errcode": wrong or 40002, "errmsg": "invalid credential"}
        now = self.clock()
        if payload.get("force_refresh"):
            self._forced = [at for at in self._forced if now - at < DAY]
            if len(self._forced) >= 20:
                return {"errcode": 45009, "errmsg": "reach max api daily quota limit"}
            if self._forced and now - self._forced[-1] < 30:
                return {"errcode": 45011, "errmsg": "api minute-quota reach limit"}
            self._forced.append(now)
            self._stable = None
        if self.only_newest_token or not self._stable or self._stable[1] - 300 <= now:
            self._stable = (self._new_token(), now + 7200)
        return {"access_token": self._stable[0], "expires_in": int(self._stable[1] - now)}

    # --- Messages --------------------------------------------------------------------------------------------------

    def _recipient(self, payload: Any) -> tuple[Follower | None, int]:
        person = self.followers.get(payload.get("touser", "")) if isinstance(payload, dict) else None
        if person is None:
            return None, 40003
        if not person.following:
            return None, 43004
        return person, 48002 if person.muted else 0

    def _form_error(self, payload: Any) -> int:
        template, data = payload.get("template_id"), payload.get("data")
        if template not in self.templates:
            return 40037
        return 0 if _fields_fit(data, self.templates[template]) else 47003

    def _custom_send(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        if self.kind == "unverified":
            return _error(48001)
        person, wrong = self._recipient(payload)
        wrong = wrong or _content_error(payload)
        if wrong or person is None:
            return _error(wrong)
        now = self.clock()
        message_open, action_open = now < person.message_until, now < person.action_until
        if not message_open and not action_open:
            return _error(45015)
        if action_open and person.action_left:
            person.action_left -= 1
        elif message_open and person.message_left:
            person.message_left -= 1
        else:
            return _error(45047)
        person.received.append(payload)
        self.accepted.append(("custom", payload))
        return {"errcode": 0, "errmsg": "ok"}

    def _template_send(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        if self.kind != "service":
            return _error(48001)
        person, wrong = self._recipient(payload)
        wrong = wrong or self._form_error(payload)
        if wrong or person is None:
            return _error(wrong)
        template, data = payload["template_id"], payload["data"]
        if template in person.refused:
            return _error(43101)
        now, client_id = self.clock(), payload.get("client_msg_id")
        if client_id and client_id in self._client_ids and now - self._client_ids[client_id][0] < 600:
            return {"errcode": 0, "errmsg": "ok", "msgid": self._client_ids[client_id][1]}
        content = (person.openid, json.dumps([template, data], sort_keys=True))
        if now - self._contents.get(content, -MINUTE) < MINUTE:
            return _error(40241)
        self._contents[content] = now
        return self._taken("template", person, payload, client_id)

    def _bizsend(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        person, wrong = self._recipient(payload)
        wrong = wrong or self._form_error(payload)
        if wrong or person is None:
            return _error(wrong)
        template = payload["template_id"]
        if not person.grants[template]:
            return _error(43101)
        person.grants[template] -= 1
        return self._taken("notice", person, payload, None)

    def _taken(self, kind: str, person: Follower, payload: Any, client_id: str | None) -> dict[str, Any]:
        self._serial += 1
        if client_id:
            self._client_ids[client_id] = (self.clock(), self._serial)
        person.received.append(payload)
        self.accepted.append((kind, payload))
        self.jobs.append((kind, person.openid, str(self._serial)))
        return {"errcode": 0, "errmsg": "ok", "msgid": self._serial}

    # --- Many at once ----------------------------------------------------------------------------------------------

    def _period(self) -> str:
        """What a follower's mass messages are counted in."""
        return time.strftime("%Y-%m" if self.kind == "service" else "%Y-%m-%d", time.gmtime(self.clock() + 8 * 3600))

    def _mass_sendall(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        if self.kind == "unverified":
            return _error(48001)
        wanted, client_id = payload.get("filter", {}), payload.get("clientmsgid")
        if wanted.get("is_to_all") is not False or wanted.get("tag_id") not in self.tags:
            return _error(45159)
        content = payload.get("text", {}).get("content") if payload.get("msgtype") == "text" else None
        if not isinstance(content, str) or not content or len(content.encode()) > 2048:
            return _error(45002)
        if not isinstance(client_id, str) or not 0 < len(client_id.encode()) <= 64:
            return _error(40132)
        if client_id in self._mass_ids:
            return {**_error(45065), "msg_id": int(self._mass_ids[client_id])}
        self._serial += 1
        total = [one for one in self.followers.values() if wanted["tag_id"] in one.tags and one.following]
        period, limit = self._period(), MASS_A_MONTH if self.kind == "service" else 1
        reached = [one for one in total if one.masses[period] < limit and not one.muted]
        if len(reached) < len(total):
            self.refusals[45028] += 1  # the real one leaves them out silently and counts them in the job's report
        for one in reached:
            one.masses[period] += 1
            one.received.append(payload)
        self._mass_ids[client_id] = str(self._serial)
        self.accepted.append(("mass", payload))
        self.jobs.append(("mass", f"{len(reached)} of {len(total)}", str(self._serial)))
        return {"errcode": 0, "errmsg": "send job submission success", "msg_id": self._serial, "msg_data_id": 1}

    def _tag_create(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        name = payload.get("tag", {}).get("name", "")
        if name in self.tags.values():
            return _error(45157)
        if not 0 < len(name) <= 30:
            return _error(45158)
        if len(self.tags) >= TAGS:
            return _error(45056)
        self._serial += 1
        self.tags[100 + self._serial] = name
        return {"tag": {"id": 100 + self._serial, "name": name}}

    def _tags_get(self, _request: web.Request, _payload: Any) -> dict[str, Any]:
        return {"tags": [{"id": number, "name": name, "count": 0} for number, name in self.tags.items()]}

    def _tag_delete(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        tag = payload.get("tag", {}).get("id")
        if self.tags.pop(tag, None) is None:
            return _error(45159)
        for one in self.followers.values():
            one.tags.discard(tag)
        return _error(0)

    def _tagged(self, payload: Any) -> tuple[list[Follower], int]:
        openids = payload.get("openid_list")
        if not isinstance(openids, list) or not 0 < len(openids) <= 50:
            return [], 40032
        if payload.get("tagid") not in self.tags:
            return [], 45159
        people = [self.followers.get(one) for one in openids]
        if any(one is None or not one.following for one in people):
            return [], 49003
        return [one for one in people if one is not None], 0

    def _tag_members(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        people, wrong = self._tagged(payload)
        if any(len(one.tags | {payload["tagid"]}) > 20 for one in people):
            return _error(45059)
        for one in people:
            one.tags.add(payload["tagid"])
        return _error(wrong)

    def _untag_members(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        people, wrong = self._tagged(payload)
        for one in people:
            one.tags.discard(payload["tagid"])
        return _error(wrong)

    # --- Codes and pages -------------------------------------------------------------------------------------------

    def _qr_create(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        scene = payload.get("action_info", {}).get("scene", {}).get("scene_str")
        seconds = payload.get("expire_seconds")
        if payload.get("action_name") != "QR_STR_SCENE" or not isinstance(scene, str) or not 0 < len(scene) <= 64:
            return _error(40053)
        if not isinstance(seconds, int) or not 60 <= seconds <= 2_592_000:
            return _error(40054)
        self._serial += 1
        url = f"http://weixin.qq.com/q/{self._serial:032x}"
        self.scenes[url] = scene
        return {"ticket": f"gQ{self._serial}", "expire_seconds": seconds, "url": url}

    def _ticket(self, request: web.Request, _payload: Any) -> dict[str, Any]:
        if request.query.get("type") != "jsapi":
            return _error(40097)
        self._serial += 1
        return {"errcode": 0, "errmsg": "ok", "ticket": f"ticket{self._serial}{'t' * 70}", "expires_in": 7200}

    # --- Menu, people, quotas --------------------------------------------------------------------------------------

    def _menu_create(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        wrong = _menu_error(payload)
        if not wrong:
            self.menu = payload
        return _error(wrong)

    def _user_info(self, request: web.Request, _payload: Any) -> dict[str, Any]:
        person = self.followers.get(request.query.get("openid", ""))
        if person is None:
            return _error(40003)
        if not person.following:
            return {"subscribe": 0, "openid": person.openid}
        return {"subscribe": 1, "openid": person.openid, "nickname": "", "headimgurl": "", "language": "zh_CN"}

    def _quota_get(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        path = payload.get("cgi_path", "")
        if path not in self.quotas:
            return _error(76021)
        limit = self.quotas[path]
        used = self.used[path, (int(self.clock()) + 8 * 3600) // DAY]
        return {"errcode": 0, "errmsg": "ok", "quota": {"daily_limit": limit, "used": used, "remain": limit - used}}

    def _clear_quota(self, _request: web.Request, payload: Any) -> dict[str, Any]:
        if payload.get("appid") != self.app_id:
            return _error(40013)
        month = time.strftime("%Y-%m", time.gmtime(self.clock() + 8 * 3600))
        if self._cleared[month] >= 10:
            return _error(48006)
        self._cleared[month] += 1
        self.used.clear()
        return _error(0)


def _json(said: dict[str, Any]) -> web.Response:
    """The real server calls its JSON text/plain."""
    return web.Response(text=json.dumps(said, ensure_ascii=False), content_type="text/plain")


def _error(code: int) -> dict[str, Any]:
    return {"errcode": code, "errmsg": "ok" if code == 0 else "refused"}


def _content_error(payload: Any) -> int:
    kind = payload.get("msgtype")
    if kind == "text":
        content = payload.get("text", {}).get("content")
        if not isinstance(content, str) or not content:
            return 44004
        return 45002 if len(content.encode()) > 2048 else 0
    if kind == "news":
        articles = payload.get("news", {}).get("articles")
        if not isinstance(articles, list) or not articles:
            return 44003
        if len(articles) > 1:
            return 45008
        return 0 if all(isinstance(articles[0].get(name), str) for name in ("title", "url", "picurl")) else 47001
    return 40008


def _fields_fit(data: Any, names: set[str]) -> bool:
    return isinstance(data, dict) and set(data) == names and all(_short_field(*one) for one in data.items())


def _short_field(name: str, one: Any) -> bool:
    value = one.get("value") if isinstance(one, dict) else None
    limit = FIELDS.get(name.rstrip("0123456789"), 20)
    return isinstance(value, str) and 0 < len(value) <= limit and not re.search(r"[\r\n]", value)


def _menu_error(payload: Any) -> int:
    columns = payload.get("button") if isinstance(payload, dict) else None
    if not isinstance(columns, list) or not 1 <= len(columns) <= 3:
        return 40016
    for column in columns:
        if not 0 < len(column.get("name", "").encode()) <= 16:
            return 40018
        below = column.get("sub_button", [])
        if len(below) > 5:
            return 40023
        for entry in below or [column]:
            wrong = _entry_error(entry)
            if wrong:
                return wrong
    return 0


def _entry_error(entry: dict[str, Any]) -> int:
    if not 0 < len(entry.get("name", "").encode()) <= 60:
        return 40025
    kind = entry.get("type")
    if kind == "view":
        return 0 if 0 < len(entry.get("url", "").encode()) <= 1024 else 40027
    if kind not in ("click", "scancode_push", "scancode_waitmsg", "location_select", "pic_sysphoto"):
        return 40024
    return 0 if 0 < len(entry.get("key", "").encode()) <= 128 else 40026
