"""Whom the wire speaks to: nobody is told anything who is not vouched for under the very name."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.channels import wire as wires
from bot.channels.wire import Unanswered, Unreached, Wire
from tests.channels.rude import PLAIN, SECRET, SOON, Peer, Rude, always, called, once, rude


class Authority:
    """A certificate authority for as long as a test lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
        self._certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )
        for extension in extensions:
            made = made.add_extension(extension, critical=False)
        return made.sign(self._key, hashes.SHA256())

    def trusted(self) -> ssl.SSLContext:
        """As somebody has it who believes this authority and no other."""
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, host: str) -> ssl.SSLContext:
        """A server of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._signed(name, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self._folder / f"{host}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_whoever_has_the_name_is_told(authority: Authority) -> None:
    async with rude(always(PLAIN), authority.server("localhost"), "localhost") as server:
        wire = server.wire(tls=authority.trusted())
        for _time in range(3):
            assert (await wire.post(wire.head("/"), b"{}", 2.0)).status == 200
        assert server.connections == 1, "kept here too"
        await wire.close()


async def refused(server: Rude, trusted: ssl.SSLContext) -> None:
    wire = server.wire(tls=trusted)
    with pytest.raises(Unreached, match="SSLCertVerificationError"):
        await wire.post(wire.head(f"/bot{SECRET}"), b"{}", 2.0)
    assert not server.heard
    await wire.close()


async def test_whoever_has_another_name_is_told_nothing(authority: Authority) -> None:
    async with rude(always(PLAIN), authority.server("example.org"), "localhost") as server:
        await refused(server, authority.trusted())


async def test_who_is_vouched_for_by_somebody_else_is_told_nothing(authority: Authority, tmp_path: Path) -> None:
    async with rude(always(PLAIN), authority.server("localhost"), "localhost") as server:
        await refused(server, Authority(tmp_path).trusted())
        await refused(server, wires._authorities())


async def test_whoever_has_another_name_would_be_told_if_nobody_compared(authority: Authority) -> None:
    """Control."""
    credulous = authority.trusted()
    credulous.check_hostname = False
    async with rude(always(PLAIN), authority.server("example.org"), "localhost") as server:
        wire = server.wire(tls=credulous)
        assert (await wire.post(wire.head("/"), b"{}", 2.0)).status == 200
        await wire.close()


async def test_who_does_not_speak_tls_is_told_nothing(authority: Authority) -> None:
    async with called(always(PLAIN)) as (server, _call):
        wire = Wire(server.base.replace("http:", "https:"), tls=authority.trusted())
        with pytest.raises(Unreached):
            await wire.post(wire.head(f"/bot{SECRET}"), b"{}", 2.0)
        assert not server.heard
        await wire.close()


@pytest.mark.parametrize("cut", [len(PLAIN) - 3, 10])
async def test_a_connection_that_breaks_under_tls_is_an_answer_cut_short(authority: Authority, cut: int) -> None:
    async with rude(once(PLAIN[:cut]), authority.server("localhost"), "localhost") as server:
        wire = server.wire(tls=authority.trusted())
        with pytest.raises(Unanswered) as told:
            await wire.post(wire.head("/"), b"{}", 2.0)
        assert told.value.status == (200 if cut > 40 else 0)
        await wire.close()


async def test_a_server_that_says_nothing_of_itself_was_told_nothing(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.setattr(wires, "CONNECT_LIMIT", SOON)
    told: list[bytes] = []

    async def play(peer: Peer) -> None:
        told.append(await peer.anything())
        await asyncio.Event().wait()

    async with rude(play) as server:
        wire = Wire(server.base.replace("http:", "https:"), tls=authority.trusted())
        with pytest.raises(Unreached, match="TimeoutError"):
            await wire.post(wire.head(f"/bot{SECRET}"), b"{}", 2.0)
        assert told
        assert SECRET.encode() not in told[0]
        await wire.close()


# --- On the loop that a server has -----------------------------------------------------------------------------------


def test_on_uvloop_whoever_has_the_name_is_told_and_nobody_else(authority: Authority) -> None:
    async def everything() -> None:
        await test_whoever_has_the_name_is_told(authority)
        await test_whoever_has_another_name_is_told_nothing(authority)

    uvloop.run(everything())
