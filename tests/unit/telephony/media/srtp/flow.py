"""One encrypted stream for tests: packets made one by one, and opened in any order."""

import numpy as np

from engine.telephony.audio_keys import Suite
from engine.telephony.media.outbound import PACKET
from engine.telephony.media.packets import PACKET_BYTES, ROW_BYTES
from engine.telephony.media.srtp.receiving import Unprotector
from engine.telephony.media.srtp.sending import Protector

LEG = np.array([3])
SSRC = 0xCAFEBABE


def master_of(suite: Suite, first: int = 0) -> bytes:
    """Return a master key and salt."""
    return bytes((first + at) % 256 for at in range(suite.master_octets))


def sealed(suite: Suite, index: int, said: int = 7, ssrc: int = SSRC, first: int = 0) -> bytes:
    """Return an encrypted packet that says one octet 160 times."""
    protector = Protector(5)
    protector.set(int(LEG[0]), suite, master_of(suite, first))
    packets = np.zeros(1, dtype=PACKET)
    packets["b0"], packets["seq"], packets["ssrc"] = 0x80, index & 0xFFFF, ssrc
    packets["payload"] = said
    protector.protect(packets, np.array([0]), LEG, np.array([index]))
    return packets.tobytes()[: PACKET_BYTES + suite.tag_octets]


def opener(suite: Suite, since: int = 0, first: int = 0) -> Unprotector:
    """Return what opens those packets."""
    made = Unprotector(5)
    made.set(int(LEG[0]), suite, master_of(suite, first), since)
    return made


def opened(unprotector: Unprotector, *packets: bytes, tick: int = 1) -> list[bytes | None]:
    """Return the payloads of what is let in at a tick, None for each that is not."""
    data = np.zeros((len(packets), ROW_BYTES), dtype=np.uint8)
    for row, packet in enumerate(packets):
        data[row, : len(packet)] = np.frombuffer(packet, dtype=np.uint8)
    lengths = np.array([len(packet) for packet in packets])
    good = unprotector.open(tick, np.repeat(LEG, len(packets)), data, lengths)
    return [
        data[row, 12 : lengths[row]].tobytes() if good[row] else None for row in range(len(packets))
    ]
