"""Session keys and whole packets are those of the RFC, and of the library that others use."""

import numpy as np
import pytest

from engine.telephony.audio_keys import AudioKeys, Suite
from engine.telephony.media.srtp.rtcp import ReportOpener, ReportSealer
from engine.telephony.media.srtp.session import AHEAD, RTP_LABEL, Session, derive
from tests.unit.telephony.media.srtp.flow import master_of

MASTER = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
HEAD = bytes.fromhex("800f1234decafbadcafebabe")
SAID = b"\xab" * 16


@pytest.mark.parametrize(
    ("label", "key"),
    [
        pytest.param(0, "C61E7A93744F39EE10734AFE3FF7A087", id="cipher key"),
        pytest.param(2, "30CBBC08863D8C85D49DB34A9AE1", id="salt"),
        pytest.param(1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4", id="authentication key"),
    ],
)
def test_session_keys_are_those_of_rfc_3711_b_3(label: int, key: str) -> None:
    wanted = bytes.fromhex(key)
    assert derive(MASTER, label, len(wanted)) == wanted


def test_a_packet_is_that_of_libsrtp() -> None:
    session = Session(Suite.AES_CM_80, MASTER, RTP_LABEL)
    stream = session.keystream(0xCAFEBABE, 0x1234, 16)
    packet = HEAD + bytes(a ^ b for a, b in zip(SAID, stream, strict=True))
    tag = session.tag(packet, bytes(4))[:10]
    assert (packet[12:] + tag).hex() == "4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"


def test_a_packet_of_aes_gcm_is_that_of_libsrtp() -> None:
    master = bytes(range(16)) + bytes(range(0xA0, 0xAC))
    session = Session(Suite.AES_GCM, master, RTP_LABEL)
    sealed = session.gcm.encrypt(session.nonce(0xCAFEBABE, 0x1234), SAID, HEAD)
    assert sealed.hex() == "c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"


@pytest.mark.parametrize("chunk", [0, 1, 2047, 2048, 70_000])
def test_keystream_made_ahead_is_that_of_each_packet(chunk: int) -> None:
    session = Session(Suite.AES_CM_80, MASTER, RTP_LABEL)
    ahead = session.ahead(99, chunk)
    for at in (0, 1, AHEAD - 1):
        assert ahead[at].tobytes() == session.keystream(99, chunk * AHEAD + at, 160)
    assert len({row.tobytes() for row in np.asarray(ahead)}) == AHEAD


@pytest.mark.parametrize("suite", Suite)
def test_a_report_is_opened_once_and_only_with_its_key(suite: Suite) -> None:
    report = bytes.fromhex("81c9000700010203") + bytes(range(24))
    sealer = ReportSealer(suite, master_of(suite), 5)
    first, second = sealer.seal(report), sealer.seal(report)
    own, other = ReportOpener(suite, master_of(suite)), ReportOpener(suite, master_of(suite, 1))
    assert first[:8] == report[:8]
    assert report[8:] not in first
    assert other.open(first) is None
    assert own.open(second) == report
    assert own.open(first) == report
    assert own.open(first) is None
    assert own.open(second) is None


@pytest.mark.parametrize("suite", Suite)
def test_no_damage_to_a_report_is_let_in(suite: Suite) -> None:
    report = bytes.fromhex("81c9000700010203") + bytes(range(24))
    sealed = ReportSealer(suite, master_of(suite), 5).seal(report)
    own = ReportOpener(suite, master_of(suite))
    for at in range(len(sealed)):
        assert own.open(sealed[:at]) is None
        assert own.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]) is None
    assert own.open(sealed) == report


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(AudioKeys(Suite.AES_CM_80, b"secret", b"secret"))
