"""The demo's tones: what is spoken is found again, and nothing else is."""

import pytest

from clients.demo import rtp
from clients.demo.carrier import AGENT_HZ, CUSTOMER_HZ
from engine.telephony.media import g711


def test_mulaw_is_that_of_the_media_switch() -> None:
    """Two tables written apart agree (ITU-T G.711 §3.2)."""
    ours = [rtp._from_mulaw(octet) for octet in range(256)]
    assert ours == g711.DECODED[:256].tolist()
    # 127 is the second zero; it is read, and never written.
    assert all(rtp._to_mulaw(value) == octet for octet, value in enumerate(ours) if octet != 127)


@pytest.mark.parametrize("hz", [CUSTOMER_HZ, AGENT_HZ])
def test_a_tone_is_all_of_its_frame(hz: int) -> None:
    frame = rtp.tone_frame(hz)
    assert len(frame) == rtp.FRAME_SAMPLES
    assert rtp.share_of(frame, rtp.tone_wave(hz)) > 0.99


def test_the_other_tone_is_not_heard() -> None:
    assert rtp.share_of(rtp.tone_frame(AGENT_HZ), rtp.tone_wave(CUSTOMER_HZ)) < 0.01


@pytest.mark.parametrize(
    "payload",
    [pytest.param(b"\xff" * 160, id="silence"), pytest.param(b"\xff" * 80, id="half a frame")],
)
def test_silence_is_no_tone(payload: bytes) -> None:
    assert rtp.share_of(payload, rtp.tone_wave(AGENT_HZ)) == 0.0
