"""Only WeChat gets in: the platform's published vectors, forgeries, bombs, age and keys."""

from __future__ import annotations

import base64
import random
import resource
import string
import subprocess
import sys
import time
from typing import Any

import pytest

from bot.channels.wechat import parsing
from bot.channels.wechat.envelope import BODY_LIMIT, Envelope
from bot.channels.wechat.parsing import NotWeChat, legible, parse
from tests.channels.wechat_kit import AES_KEY, AES_KEY_PREVIOUS, APP_ID, TOKEN, at, envelope
from tests.standins.wechat import ManualClock, Platform, Seal, WeChatApiStandIn, xml_of

# The platform's own worked example: page on message push, token, key and app id as printed there.
VECTOR_SEALED = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT"
    "740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8Y"
    "L/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
VECTOR_QUERY = {
    "encrypt_type": "aes",
    "timestamp": "1714112445",
    "nonce": "415670741",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
VECTOR_ANSWER = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="


def vector_envelope(now: int, **changed: Any) -> Envelope:
    return Envelope(
        **{"app_id": "wxba5fad812f8e6fb9", "token": "AAAAA", "aes_key": "A" * 43, **changed},
        clock=at(ManualClock(now)),
        random=lambda: b"707722b803182950",
    )


TEXT = {
    "FromUserName": "oTest_1",
    "CreateTime": "1795000000",
    "MsgType": "text",
    "Content": "报名",
    "MsgId": "24000000000000001",
}


def pushed(
    clock: ManualClock, key: str = AES_KEY, app_id: str = APP_ID, **changed: Any
) -> tuple[dict[str, str], bytes]:
    """One sealed push by the stand-in's own code."""
    platform = Platform("", Seal(TOKEN, key, app_id), WeChatApiStandIn(), clock=clock)
    query, body = platform.request(xml_of({"ToUserName": "gh_1", **TEXT, **changed}))
    return query, body.encode()


def refusal(opener: Envelope, query: dict[str, str], body: bytes) -> int:
    """The status with which it is refused; nothing else may come out."""
    with pytest.raises(NotWeChat) as refused:
        parse(opener.open(query, body).body)
    return refused.value.status


# --- The published vectors -------------------------------------------------------------------------------------------


def test_the_published_address_check_is_answered_bare() -> None:
    query = {"timestamp": "1714036504", "nonce": "1514711492", "echostr": "4375120948345356249"}
    signed = {**query, "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696"}
    assert vector_envelope(1714036504).check_url(signed) == "4375120948345356249"


def test_an_encrypted_address_check_is_answered_decrypted() -> None:
    clock = ManualClock()
    seal = Seal(TOKEN, AES_KEY, APP_ID)
    echo, stamp = seal.lock(b"4375120948345356249"), str(int(clock()))
    query = {"encrypt_type": "aes", "timestamp": stamp, "nonce": "1", "echostr": echo}
    query["msg_signature"] = seal.signature(stamp, "1", echo)
    assert envelope(clock).check_url(query) == "4375120948345356249"


def test_the_published_plain_push_has_the_published_signature() -> None:
    query = {"timestamp": "1714037059", "nonce": "486452656", "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78"}
    body = b"<xml><MsgType>text</MsgType></xml>"
    assert vector_envelope(1714037059, plaintext=True).open(query, body).body == body


def test_the_published_sealed_push_is_opened() -> None:
    opened = vector_envelope(1714112445).unlock(VECTOR_QUERY, VECTOR_SEALED)
    assert opened.body == (
        b'{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,'
        b'"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
    )


def test_the_published_answer_comes_out_to_the_byte_with_its_signature() -> None:
    sealer = vector_envelope(1714112445)
    opened = sealer.unlock(VECTOR_QUERY, VECTOR_SEALED)
    answer = sealer.seal('{"demo_resp":"good luck"}', opened, timestamp=1713424427, nonce="415670741")
    assert f"<Encrypt><![CDATA[{VECTOR_ANSWER}]]></Encrypt>" in answer
    assert "<MsgSignature><![CDATA[1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1]]></MsgSignature>" in answer
    assert "<TimeStamp>1713424427</TimeStamp>" in answer


def test_the_published_push_is_json_and_its_refusal_names_the_console_setting() -> None:
    for body in (f'{{"Encrypt":"{VECTOR_SEALED}"}}', f"<xml><Encrypt>{VECTOR_SEALED}</Encrypt></xml>"):
        with pytest.raises(NotWeChat) as refused:
            vector_envelope(1714112445).open(VECTOR_QUERY, body.encode())
        assert refused.value.status == 415
        assert "数据格式" in refused.value.why


# --- Forgeries -------------------------------------------------------------------------------------------------------


def test_a_push_of_the_platform_is_opened_and_read() -> None:
    clock = ManualClock()
    push = parse(envelope(clock).open(*pushed(clock)).body)
    assert (push.kind, push.text("Content")) == ("text", "报名")


def test_no_bit_flip_anywhere_is_accepted() -> None:
    clock, chance = ManualClock(), random.Random(7)
    opener = envelope(clock)
    query, body = pushed(clock)
    sealed = body.index(b"<Encrypt><![CDATA[") + 18
    accepted = 0
    for _ in range(4_000):
        forged_query, forged = dict(query), bytearray(body)
        if chance.random() < 0.5:
            place = chance.randrange(sealed, body.index(b"]]></Encrypt>"))
            forged[place] ^= 1 << chance.randrange(8)
        else:
            name = chance.choice(["msg_signature", "timestamp", "nonce"])
            place = chance.randrange(len(query[name]))
            flipped = chr(ord(query[name][place]) ^ (1 << chance.randrange(7)))
            forged_query[name] = query[name][:place] + flipped + query[name][place + 1 :]
        try:
            opener.open(forged_query, bytes(forged))
        except NotWeChat:
            continue
        accepted += 1
    assert accepted == 0


def test_control_without_the_signature_a_flipped_push_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Envelope, "_check", lambda *_of_it: None)
    clock = ManualClock()
    query, body = pushed(clock)
    assert parse(envelope(clock).open({**query, "msg_signature": "0" * 40}, body).body).kind == "text"


def test_five_thousand_random_ciphertexts_let_one_exception_out() -> None:
    """Signed by somebody who knows the token but no key: the library lets five kinds of exception out here."""
    clock, chance = ManualClock(), random.Random(11)
    opener, stamp = envelope(clock), str(int(clock()))
    seal = Seal(TOKEN, AES_KEY, APP_ID)
    for turn in range(5_000):
        raw = chance.randbytes(chance.choice([0, 1, 15, 16, 32, 48, 64, 320]))
        sealed = base64.b64encode(raw).decode() if turn % 3 else "".join(chance.choices(string.printable, k=20))
        query = {"encrypt_type": "aes", "timestamp": stamp, "nonce": "1"}
        query["msg_signature"] = seal.signature(stamp, "1", sealed)
        with pytest.raises(NotWeChat):
            opener.unlock(query, sealed)


def test_a_plaintext_body_with_a_valid_outer_signature_is_refused() -> None:
    clock = ManualClock()
    query, _body = pushed(clock)
    bare = {name: query[name] for name in ("signature", "timestamp", "nonce")}
    body = xml_of({"ToUserName": "gh_1", **TEXT}).encode()
    assert refusal(envelope(clock), bare, body) == 403
    assert refusal(envelope(clock), {**bare, "encrypt_type": "raw"}, body) == 403
    assert refusal(envelope(clock), query, body) == 403  # says that it is sealed, and is not


def test_control_in_plain_mode_that_forgery_gets_in() -> None:
    """Why plain mode must be asked for: one signature verifies any body."""
    clock = ManualClock()
    query, _body = pushed(clock)
    bare = {name: query[name] for name in ("signature", "timestamp", "nonce")}
    opener = envelope(clock, plaintext=True)
    forged = xml_of({"ToUserName": "gh_1", **TEXT}).encode()
    assert parse(opener.open(bare, forged).body).text("FromUserName") == "oTest_1"


def test_another_accounts_push_is_refused() -> None:
    clock = ManualClock()
    assert refusal(envelope(clock), *pushed(clock, app_id="wx0000000000000000")) == 403


@pytest.mark.parametrize("seconds", [301, -301, 600, 25 * 3600])
def test_a_captured_push_is_refused_outside_its_age(seconds: int) -> None:
    clock = ManualClock()
    query, body = pushed(clock)
    clock.advance(seconds)
    assert refusal(envelope(clock), query, body) == 403


@pytest.mark.parametrize("seconds", [0, 4, 299, -299])
def test_control_the_same_push_is_taken_within_its_age(seconds: int) -> None:
    clock = ManualClock()
    query, body = pushed(clock)
    clock.advance(seconds)
    assert parse(envelope(clock).open(query, body).body).kind == "text"


@pytest.mark.parametrize("missing", ["msg_signature", "timestamp", "nonce"])
def test_a_query_without_one_of_its_parts_is_refused(missing: str) -> None:
    clock = ManualClock()
    query, body = pushed(clock)
    for instead in ("", "\x00", "é", "\ud800", "9" * 200):
        assert refusal(envelope(clock), {**query, missing: instead}, body) in (400, 403)


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_a_push_sealed_by_the_previous_key_is_answered_by_the_previous_key() -> None:
    clock = ManualClock()
    opener = envelope(clock, aes_key_previous=AES_KEY_PREVIOUS)
    for key in (AES_KEY, AES_KEY_PREVIOUS):
        answer = opener.seal("<xml>好</xml>", opener.open(*pushed(clock, key=key)))
        sealed = answer.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
        assert Seal(TOKEN, key, APP_ID).unlock(sealed).decode() == "<xml>好</xml>"


def test_control_without_the_previous_key_its_push_is_refused() -> None:
    clock = ManualClock()
    assert refusal(envelope(clock), *pushed(clock, key=AES_KEY_PREVIOUS)) == 403


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"aes_key": "short"}, "WECHAT_AES_KEY"),
        ({"aes_key": ""}, "WECHAT_AES_KEY"),
        ({"aes_key_previous": "A" * 42}, "WECHAT_AES_KEY_PREVIOUS"),
        ({"token": ""}, "WECHAT_TOKEN"),
        ({"app_id": ""}, "WECHAT_APP_ID"),
    ],
)
def test_a_wrong_setting_is_named_at_the_start(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        envelope(ManualClock(), **wrong)


def test_the_key_is_in_no_representation() -> None:
    clock = ManualClock()
    opener = envelope(clock)
    opened = opener.open(*pushed(clock))
    assert opened.key is not None
    assert repr(opened.key) not in repr(opened)
    assert AES_KEY not in repr(opener)


# --- Bombs and broken XML --------------------------------------------------------------------------------------------

KIND = "<MsgType>text</MsgType>"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE xml [<!ENTITY l0 "ha">{LAUGHS}]><xml><MsgType>&l9;</MsgType></xml>',
    "quadratic": f'<!DOCTYPE xml [<!ENTITY a "{"a" * 30_000}">]><xml><MsgType>{"&a;" * 8_000}</MsgType></xml>',
    "external entity": '<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><MsgType>&f;</MsgType></xml>',
    "doctype alone": f"<!DOCTYPE xml><xml>{KIND}</xml>",
    "nested": f"<xml>{KIND}" + "<a>" * 9_000 + "</a>" * 9_000 + "</xml>",
    "siblings": f"<xml>{KIND}" + "<a/>" * 15_000 + "</xml>",
    "attributes": f"<xml>{KIND}<a " + " ".join(f'a{n}="1"' for n in range(6_000)) + "/></xml>",
    "another root": "<html><MsgType>text</MsgType></html>",
    "empty root": "<xml/>",
    "no root": "",
    "text root": "<xml>text</xml>",
    "no kind": "<xml><FromUserName>o</FromUserName></xml>",
    "kind twice": "<xml><MsgType>text</MsgType><MsgType>text</MsgType></xml>",
    "kind with children": "<xml><MsgType><a>1</a></MsgType></xml>",
    "not XML": "hello",
    "cut": "<xml><MsgType>text</MsgType>",
    "unknown entity": "<xml><MsgType>&nbsp;</MsgType></xml>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once_and_costs_no_memory(name: str) -> None:
    body = BOMBS[name].encode()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(NotWeChat):
        parse(body)
    assert time.perf_counter() - started < 0.5  # measured below 20 ms; the rest is a busy machine's
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 * 1024


@pytest.mark.parametrize("name", ["nested", "siblings", "attributes", "doctype alone"])
def test_control_the_library_alone_reads_these(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "check_bounds", lambda _text: None)
    assert parse(BOMBS[name].encode()).kind == "text"


def test_a_body_over_its_cap_is_refused_before_it_is_read() -> None:
    clock = ManualClock()
    query, _body = pushed(clock)
    assert refusal(envelope(clock), query, b"<xml>" + b"a" * BODY_LIMIT) == 413


def test_what_xml_cannot_carry_vanishes_and_the_rest_is_read() -> None:
    """Before: one control character that a person typed, and they read “service unavailable”."""
    body = xml_of({"ToUserName": "gh_1", **TEXT, "Content": "报\x01名\x0b42\x1f"}).encode()
    assert parse(body).text("Content") == "报名42"
    surrogate = body.replace("名".encode(), b"\xed\xa0\x80")
    assert parse(surrogate).text("Content") == "报42"


def test_a_control_character_inside_the_end_mark_does_not_open_the_text() -> None:
    """Taken out too early it would leave `]]>`, and the person could write fields of their own."""
    typed = "a]]\x01></Content><Event>x</Event><Content><![CDATA[b"
    body = f"<xml><MsgType>text</MsgType><Content><![CDATA[{typed}]]></Content></xml>".encode()
    push = parse(body)
    assert push.text("Event") == ""
    assert push.text("Content").startswith("a]]>")
    assert parse(body).text("Content") == typed.replace("\x01", "")
    assert "\x01" not in legible(body)


def test_control_taken_out_early_it_does_open_the_text() -> None:
    typed = "a]]\x01></Content><Event>x</Event><Rest><![CDATA[b"
    body = f"<xml><MsgType>text</MsgType><Content><![CDATA[{typed}]]></Rest></xml>"
    assert parse(body.replace("\x01", "").encode()).text("Event") == "x"


def test_a_city_without_an_account_never_pays_for_the_library() -> None:
    program = (
        "import sys, bot.channels.wechat; "
        "sys.exit(bool({'wechatpy', 'requests', 'xmltodict'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
