"""A connection waits for its opening, and gives up on a peer that is slow or does not read."""

import asyncio

import pytest

from engine.telephony.sip.connection import (
    CLOSING_S,
    CONGESTED,
    IDLE_S,
    MAX_QUEUED,
    MAX_UNSENT,
    MESSAGE_S,
    STRANGER_S,
    Connection,
)
from engine.telephony.sip.destination import Destination

pytestmark = pytest.mark.asyncio

THERE = Destination("192.0.2.10", 5060, "TCP")
FLOW = Destination("192.0.2.10", 40_000, "TCP", "#1")
INVITE = b"INVITE sip:a@192.0.2.10 SIP/2.0\r\n\r\n"
BYE = b"BYE sip:a@192.0.2.10 SIP/2.0\r\n\r\n"
OK = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"


class Owner:
    """Keeps what a connection tells."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.lost = 0
        self.notes: list[str] = []
        self.gate = True
        self.congested: list[bool] = []

    def on_message(self, octets: bytes, connection: Connection) -> None:
        self.messages.append(octets)

    def on_lost(self, connection: Connection) -> None:
        self.lost += 1

    def may_leave(self, invite: bytes, congested: bool) -> bool:
        self.congested.append(congested)
        return self.gate and not congested

    def note(self, what: str) -> None:
        self.notes.append(what)


class Pipe(asyncio.Transport):
    """A transport whose far end reads only when it is told to."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.unread = 0
        self.reading = True
        self.ended = ""
        self._connection = connection

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == CONGESTED

    def get_write_buffer_size(self) -> int:
        return self.unread

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"
        self._connection.connection_lost(None)


def opened(destination: Destination = THERE) -> tuple[Connection, Pipe, Owner]:
    """Return an open connection, its transport and its owner."""
    owner = Owner()
    connection = Connection(owner, destination, accepted=destination.is_flow)
    pipe = Pipe(connection)
    connection.connection_made(pipe)
    return connection, pipe, owner


async def test_what_waits_for_the_opening_leaves_in_order_and_the_gate_is_asked_again() -> None:
    owner = Owner()
    connection = Connection(owner, THERE, accepted=False)
    pipe = Pipe(connection)
    assert connection.send(INVITE)
    assert connection.send(BYE)
    owner.gate = False
    connection.connection_made(pipe)
    assert pipe.written == [BYE]
    assert connection.send(INVITE)
    assert pipe.written == [BYE, INVITE]


async def test_what_waits_is_bounded_and_lost_with_the_connection() -> None:
    owner = Owner()
    connection = Connection(owner, THERE, accepted=False)
    assert connection.send(b"x" * MAX_QUEUED)
    assert not connection.send(BYE)
    connection.abort("connect-failed")
    assert not connection.send(BYE)
    assert (owner.lost, owner.notes) == (1, ["queue-full", "connect-failed"])


async def test_a_peer_that_does_not_read_is_not_read_from_and_gets_no_invite() -> None:
    connection, pipe, owner = opened()
    connection.pause_writing()
    assert not pipe.reading
    assert not connection.send(INVITE)
    assert connection.send(BYE)
    pipe.unread = MAX_UNSENT
    assert not connection.send(BYE)
    assert (pipe.ended, owner.lost) == ("aborted", 1)
    assert owner.notes == ["congested-invites", "peer-does-not-read"]


async def test_an_invite_that_waited_fails_where_the_peer_takes_no_more() -> None:
    owner = Owner()
    connection = Connection(owner, THERE, accepted=False)
    pipe = Pipe(connection)
    for octets in (INVITE, BYE, INVITE, BYE):
        connection.send(octets)
    take = pipe.write

    def write(data: bytes | bytearray | memoryview) -> None:
        take(data)
        connection.pause_writing()

    pipe.write = write  # type: ignore[method-assign]
    connection.open(pipe)
    assert pipe.written == [INVITE, BYE, BYE]
    assert owner.congested == [False, True]


async def test_a_peer_that_reads_again_is_read_from_again() -> None:
    connection, pipe, _ = opened()
    connection.pause_writing()
    connection.resume_writing()
    assert pipe.reading
    assert connection.send(INVITE)


@pytest.mark.parametrize(
    ("destination", "octets", "after_s", "is_known", "why"),
    [
        pytest.param(FLOW, b"", MESSAGE_S, True, "silent-connection", id="says nothing"),
        pytest.param(FLOW, b"\r\n\r\n", MESSAGE_S, False, "silent-connection", id="only CR LF"),
        pytest.param(FLOW, OK[:-1], MESSAGE_S, True, "message-too-slow", id="half a message"),
        pytest.param(THERE, OK + OK[:9], MESSAGE_S, True, "message-too-slow", id="one and a half"),
        pytest.param(FLOW, OK, STRANGER_S, False, "stranger-stayed", id="a stranger"),
        pytest.param(FLOW, OK, STRANGER_S, True, "", id="a known peer"),
        pytest.param(FLOW, OK, IDLE_S, True, "idle-connection", id="a known peer, idle"),
        pytest.param(THERE, b"", STRANGER_S, True, "", id="one that we opened"),
        pytest.param(THERE, b"", IDLE_S, True, "idle-connection", id="one that we opened, idle"),
    ],
)
async def test_what_is_not_kept(
    destination: Destination, octets: bytes, after_s: float, is_known: bool, why: str
) -> None:
    connection, _, _ = opened(destination)
    connection.data_received(octets)
    now_s = asyncio.get_running_loop().time()
    assert connection.judge(now_s + after_s / 2, is_known) == ""
    assert connection.judge(now_s + after_s + 0.1, is_known) == why


async def test_a_peer_that_keeps_us_from_closing_is_cut_off() -> None:
    connection, pipe, owner = opened(FLOW)
    connection.data_received(b"GET / HTTP/1.1\r\n\r\n" + OK)
    assert (pipe.ended, owner.notes, owner.messages) == ("closed", ["junk"], [])
    assert not connection.send(OK)
    now_s = asyncio.get_running_loop().time()
    assert connection.judge(now_s + 0.1, False) == ""
    assert connection.judge(now_s + CLOSING_S + 0.1, False) == "close-too-slow"
    connection.abort("close-too-slow")
    connection.connection_lost(None)
    assert owner.lost == 1


async def test_only_requests_of_ours_make_a_connection_asked() -> None:
    connection, pipe, owner = opened(FLOW)
    connection.data_received(b"\r\n\r\n")
    connection.send(OK)
    asked = [connection.asked]
    connection.send(BYE)
    asked.append(connection.asked)
    assert asked == [False, True]
    assert pipe.written == [b"\r\n", OK, BYE]
    assert owner.notes == ["keep-alive"]
