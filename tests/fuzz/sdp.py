"""Descriptions of audio: read or refused, and what is read can be answered."""

from engine.telephony.sip import sdp
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.sdp import LocalMedia
from tests.unit.telephony.sip.harness import ANSWER

_OURS = LocalMedia("192.0.2.1", 4000)
SEEDS = [
    ANSWER,
    sdp.offer(_OURS, 1, 1),
    b"v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nm=audio 5 RTP/AVP 8\r\n",
    b"v=0\r\ns=-\r\nm=video 6 RTP/AVP 31\r\nm=audio 7/2 RTP/AVPF 0 101\r\nc=IN IP4 1.2.3.4/127\r\n",
    b"v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 7 RTP/AVP 0\r\na=inactive\r\na=rtpmap:0 X/1\r\n",
]


def check(octets: bytes) -> None:
    """An answer repeats each media line of its offer, in order (RFC 3264 §6)."""
    try:
        remote = sdp.parse(octets)
    except ParseError:
        return
    assert 0 <= remote.port <= 65_535
    written = sdp.answer(_OURS, remote, 1, 1)
    assert written is None or remote.usable
    if written is not None:
        again = sdp.parse(written)
        assert len(again.lines) == len(remote.lines)
        assert again.usable
        assert set(again.codecs) <= set(remote.codecs)
