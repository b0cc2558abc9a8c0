"""Both wires move the same datagrams."""

import ctypes
import socket
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from engine.telephony.media.outbound import SOCKADDR, Sending
from engine.telephony.media.packets import RTP_OUT
from engine.telephony.media.sockets import MmsgWire, PlainWire, Wire, flush, open_wire

Maker = Callable[[Sequence[socket.socket]], Wire]


def mmsg(ports: Sequence[socket.socket]) -> Wire:
    return MmsgWire(ports, ctypes.CDLL(None, use_errno=True))


WIRES = pytest.mark.parametrize("make", [mmsg, PlainWire], ids=["recvmmsg", "plain"])


@pytest.fixture
def ports() -> Iterator[list[socket.socket]]:
    bound = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for port in bound:
        port.bind(("127.0.0.1", 0))
        port.setblocking(False)
    yield bound
    for port in bound:
        port.close()


@WIRES
def test_datagrams_come_with_length_source_and_port(
    make: Maker, ports: list[socket.socket]
) -> None:
    wire = make(ports[:2])
    far = ports[2]
    far.sendto(b"first", ports[1].getsockname())
    far.sendto(b"", ports[0].getsockname())
    far.sendto(b"x" * 600, ports[1].getsockname())
    batch = wire.receive()
    assert batch.lengths.tolist() == [0, 5, 512]
    assert batch.ports.tolist() == [0, 1, 1]
    assert set(batch.ips.tolist()) == {0x7F000001}
    assert set(batch.udp_ports.tolist()) == {far.getsockname()[1]}
    assert batch.data[1, :5].tobytes() == b"first"
    assert wire.receive().lengths.size == 0


@WIRES
def test_packets_leave_from_their_port_and_a_bad_address_holds_up_nothing(
    make: Maker, ports: list[socket.socket]
) -> None:
    wire, far = make(ports[:2]), ports[2]
    packets = np.zeros(3, dtype=RTP_OUT)
    packets["seq"] = [1, 2, 3]
    addresses = np.zeros(3, dtype=SOCKADDR)
    addresses["family"] = socket.AF_INET
    addresses["ip"], addresses["udp_port"] = 0x7F000001, far.getsockname()[1]
    addresses["udp_port"][0] = 0
    refused = wire.send(Sending(packets, addresses, np.array([2, 1])))
    got = [far.recvfrom(2048) for _ in range(2)]
    assert refused == 1
    assert [(source, data[3]) for data, source in got] == [
        (ports[0].getsockname(), 2),
        (ports[1].getsockname(), 3),
    ]
    assert {len(data) for data, _ in got} == {172}


def test_what_came_before_the_start_is_thrown_away(ports: list[socket.socket]) -> None:
    for _ in range(5):
        ports[2].sendto(b"old", ports[0].getsockname())
    flush(ports[:2])
    assert open_wire(ports[:2]).receive().lengths.size == 0
