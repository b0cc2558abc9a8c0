"""RTP, comfort noise and pressed keys: a tick works, and only the leg's own packets are heard."""

import gc
import struct

import numpy as np

from engine.telephony.media import messages
from tests.unit.telephony.media.rig import LOOPBACK, Datagram, Far, Rig

MOST_S = 0.1
"""A tick has 20 ms in all; the check works several."""
_FOREIGN = 0x7F000063
SEEDS = [
    bytes([0, 3]) + struct.pack("!BBHII", 0x80, kind, 7, 160, 1001) + bytes(body)
    for kind, body in ((0, 160), (8, 160), (101, 4), (13, 1), (0x80, 240), (0xFF, 0))
] + [bytes([1, 9]) + struct.pack("!BBHII", 0xBF, 0, 1, 1, 1001) + b"\xbe\xde\0\1" + bytes(170)]


def check(octets: bytes) -> None:
    """Datagrams cut from the octets go to a bridged call from its own and foreign addresses."""
    gc.collect(1)  # a core of the input before is a knot of few objects and large arrays
    rig = Rig(legs=8, ports=2)
    first, second = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(3)
    data = octets
    while len(data) >= 2:
        who, size = data[0], 12 + data[1]
        rig.work([_datagram(who, data[2 : 2 + size])])
        data = data[2 + size :]
    rig.run(2)
    assert all(np.isfinite(frame).all() for frame in second.heard)
    assert (first.ip, first.udp_port) == (LOOPBACK, 10_001)
    out = rig.core._outbound
    assert out.ip[1] == out.ip[2] == LOOPBACK
    assert out.udp_port[1:3].tolist() == [10_001, 10_002]
    rig.do(messages.Release(1), messages.Release(2))
    rig.work()
    assert rig.core.legs == 0


def _datagram(who: int, octets: bytes) -> Datagram:
    ip = _FOREIGN if who & 1 else LOOPBACK
    return octets[:512], ip, 10_001 + (who >> 1 & 1), who >> 2 & 1
