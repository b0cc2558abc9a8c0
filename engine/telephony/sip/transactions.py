"""Transactions as they run: the tables of ``tables.py`` with wire, timers and a user.

A message finds its transaction by branch (RFC 3261 §17.1.3, §17.2.3). All state that could grow is
bounded: a server transaction beyond the limit is not made, and the request is dropped.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from engine.telephony.sip.machine import bind
from engine.telephony.sip.message import MAGIC, Request, Response
from engine.telephony.sip.tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Action,
    Input,
    Phase,
)
from engine.telephony.sip.timers import GIVE_UP_S, T1_S, T2_S, T4_S, Timer, TimerQueue

MAX_SERVERS: Final = 100_000
"""Most server transactions at once; a flood beyond it is dropped."""


class Destination(NamedTuple):
    """Where a message goes, or came from.

    Attributes:
        host: IP address, without brackets.
        port: Port.
        transport: Via transport; over all but UDP nothing is retransmitted.
        link: What an address alone does not tell: ``#`` and a number, the connection that the peer
            opened, its flow (RFC 5626 §2); or the key of the TLS settings that hold there.
    """

    host: str
    port: int
    transport: str = "UDP"
    link: str = ""

    @property
    def is_flow(self) -> bool:
        """Whether it ends with the connection that the peer opened."""
        return self.link.startswith("#")


_WAITING = (Phase.CALLING, Phase.TRYING, Phase.PROCEEDING)

Send = Callable[[bytes, Destination], bool]
"""Sends octets; False says that they could not leave."""


class ClientUser(Protocol):
    """Whose request a client transaction carries."""

    def on_response(self, transaction: "Client", response: Response, now_s: float, /) -> None:
        """Take a response that the transaction passes up."""
        ...

    def on_failure(self, transaction: "Client", timed_out: bool, now_s: float, /) -> None:
        """Learn that no final response will come: timed out, or not sent at all."""
        ...

    def build_ack(self, transaction: "Client", response: Response, /) -> bytes:
        """Return the ACK for a final response other than 2xx (RFC 3261 §17.1.1.3)."""
        ...


class ServerUser(Protocol):
    """Who answers the request of a server transaction."""

    def on_ack(self, transaction: "Server", ack: Request, now_s: float, /) -> None:
        """Take an ACK that the transaction passes up: one for a 2xx with the same branch."""
        ...

    def on_unanswered(self, transaction: "Server", now_s: float, /) -> None:
        """Learn that an ACK never came, or that the answer could not be sent."""
        ...


class _Timed:
    """A transaction's timers: one that repeats, one that limits."""

    __slots__ = ("destination", "home", "interval_s", "limit", "phase", "repeat", "wire")

    def __init__(self, home: "Transactions", wire: bytes, destination: Destination) -> None:
        self.home = home
        self.wire = wire
        self.destination = destination
        self.interval_s = T1_S
        self.repeat: Timer | None = None
        self.limit: Timer | None = None
        self.phase = Phase.TERMINATED

    def on_timer(self, name: str, now_s: float, /) -> None:
        """Feed a timer that is due to the table."""
        self.step(Input(name), None, now_s)

    def step(self, given: Input, message: None, now_s: float, /) -> None:
        """Take an input; each kind of transaction has its own table."""
        raise TypeError(f"{given} at {now_s} for no table, {message}")

    @property
    def reliable(self) -> bool:
        """Whether the transport itself retransmits."""
        return self.destination.transport != "UDP"

    def start_repeat(self, name: Input, longest_s: float, now_s: float) -> None:
        """Start the retransmission timer and double its interval (RFC 3261 §17.1.1.2)."""
        if self.reliable:
            return
        self.repeat = self.home.timers.start(self.interval_s, now_s, self, name)
        self.interval_s = min(self.interval_s * 2, longest_s)

    def start_limit(self, name: Input, wait_s: float, now_s: float) -> None:
        """Start the timer that ends the phase."""
        self.limit = self.home.timers.start(wait_s, now_s, self, name)

    def start_linger(self, name: Input, wait_s: float, now_s: float) -> None:
        """Start the timer that absorbs retransmissions; without those it takes no time."""
        self.start_limit(name, 0.0 if self.reliable else wait_s, now_s)

    def stop(self) -> None:
        """Stop both timers."""
        if self.repeat is not None:
            self.repeat.stop()
            self.repeat = None
        if self.limit is not None:
            self.limit.stop()
            self.limit = None


class Client(_Timed):
    """A client transaction (RFC 3261 §17.1).

    Attributes:
        key: What responses are matched by.
        cseq: CSeq number of the request.
        method: Its method.
        resent: Whether it went over a second connection.
        user: Whose request it is.
    """

    __slots__ = ("cseq", "key", "method", "resent", "rows", "unsent", "user")

    def __init__(
        self,
        home: "Transactions",
        method: str,
        key: str,
        cseq: int,
        wire: bytes,
        destination: Destination,
        user: ClientUser,
    ) -> None:
        super().__init__(home, wire, destination)
        self.method = method
        self.key = key
        self.cseq = cseq
        self.user = user
        self.unsent = False
        self.resent = False
        self.rows = _INVITE_CLIENT if method == "INVITE" else _NON_INVITE_CLIENT

    def begin(self, now_s: float) -> None:
        """Send the request."""
        table = INVITE_CLIENT if self.method == "INVITE" else NON_INVITE_CLIENT
        self.phase = table.initial[0]
        for action in table.entry:
            _CLIENT_ACTIONS[action](self, None, now_s)
        if self.unsent:
            # Told at the next advance: our user must hold this transaction before it may fail.
            self.stop()
            self.start_limit(Input.UNSENT, 0.0, now_s)

    def step(self, given: Input, response: Response | None, now_s: float, /) -> None:
        """Take a response or a timer."""
        row = self.rows[self.phase].get(given)
        if row is None:
            return
        self.phase, actions = row
        for action in actions:
            action(self, response, now_s)
        if self.phase is Phase.TERMINATED:
            self.home.forget_client(self)
        elif self.unsent:
            self.fail(now_s)

    def abandon(self) -> None:
        """Wait no longer for a final response; an INVITE in Proceeding would for ever.

        One that comes later finds no transaction and is stray.
        """
        if self.phase in _WAITING:
            self.phase = Phase.TERMINATED
            self.stop()
            self.home.forget_client(self)

    def fail(self, now_s: float) -> None:
        """Learn that the request did not leave; its user is told."""
        self.unsent = False
        self.step(Input.UNSENT, None, now_s)

    def send_anew(self, now_s: float) -> bool:
        """Send the request over another connection, if it waits for an answer and only once."""
        if self.resent or self.phase not in _WAITING or not self.home.may_repeat(self, now_s):
            return False
        self.resent = True
        return self.home.send(self.wire, self.destination)

    def _send(self, _: Response | None, now_s: float) -> None:
        repeated = self.interval_s > T1_S  # the first time, whoever asks for it has asked the gate
        if repeated and not self.home.may_repeat(self, now_s):
            return
        self.unsent = not self.home.send(self.wire, self.destination)

    def _send_ack(self, response: Response | None, _: float) -> None:
        if response is not None:
            ack = self.user.build_ack(self, response)
            self.unsent = not self.home.send(ack, self.destination)

    def _pass(self, response: Response | None, now_s: float) -> None:
        if response is None:
            return
        if response.status >= 200:
            self.wire = b""  # it never goes out again; ten thousand live calls need not keep it
        self.user.on_response(self, response, now_s)


class Server(_Timed):
    """A server transaction (RFC 3261 §17.2).

    Attributes:
        key: What requests are matched by.
        merge_key: What tells another copy of it, come by another way; empty: inside a dialog.
        request: The request, until it is answered finally.
        user: Who learns of its ACK, and of its absence; None: nobody wants to.
    """

    __slots__ = ("key", "merge_key", "method", "request", "rows", "unsent", "user")

    def __init__(
        self, home: "Transactions", key: str, request: Request, destination: Destination
    ) -> None:
        super().__init__(home, b"", destination)
        self.key = key
        self.merge_key = "" if request.to_tag else _merge_key(request)
        self.request: Request | None = request
        self.method = request.method
        self.user: ServerUser | None = None
        self.unsent = False
        invite = request.method == "INVITE"
        self.rows = _INVITE_SERVER if invite else _NON_INVITE_SERVER
        self.phase = (INVITE_SERVER if invite else NON_INVITE_SERVER).initial[0]

    def answer(self, status: int, wire: bytes, now_s: float) -> None:
        """Answer the request, provisionally or finally; after a final answer nothing changes."""
        given = _class_of(status)
        if given in self.rows[self.phase]:
            self.wire = wire
        self.step(given, None, now_s)

    def step(self, given: Input, request: Request | None, now_s: float, /) -> None:
        """Take an answer, a request again, an ACK, or a timer."""
        row = self.rows[self.phase].get(given)
        if row is None:
            return
        self.phase, actions = row
        for action in actions:
            action(self, request, now_s)
        if self.phase is Phase.TERMINATED:
            self.home.forget_server(self)
        elif self.unsent:
            self.unsent = False
            self.step(Input.UNSENT, None, now_s)

    def _send(self, _: Request | None, __: float) -> None:
        if self.wire:
            self.unsent = not self.home.send(self.wire, self.destination)

    def _pass(self, request: Request | None, now_s: float) -> None:
        if self.user is not None and request is not None:
            self.user.on_ack(self, request, now_s)

    def _tell(self, _: Request | None, now_s: float) -> None:
        if self.user is not None:
            self.user.on_unanswered(self, now_s)


class Transactions:
    """All transactions of one user agent, and how messages find theirs.

    Attributes:
        send: Sends octets.
        timers: Timers.
        may_repeat: Asked before a request is sent again by its timer.
    """

    __slots__ = ("_merges", "clients", "may_repeat", "send", "servers", "timers")

    def __init__(
        self, send: Send, timers: TimerQueue, may_repeat: Callable[[Client, float], bool]
    ) -> None:
        self.send = send
        self.timers = timers
        self.may_repeat = may_repeat
        self.clients: dict[str, Client] = {}
        self.servers: dict[str, Server] = {}
        self._merges: dict[str, Server] = {}

    def request(
        self,
        method: str,
        branch: str,
        cseq: int,
        wire: bytes,
        destination: Destination,
        user: ClientUser,
        now_s: float,
    ) -> Client:
        """Send a request by a client transaction of its own."""
        key = _client_key(branch, method)
        client = Client(self, method, key, cseq, wire, destination, user)
        self.clients[key] = client
        client.begin(now_s)
        return client

    def on_response(self, response: Response, now_s: float) -> bool:
        """Give a response to its transaction; False says that there is none."""
        client = self.clients.get(_client_key(response.branch, response.method))
        if client is None or client.method != response.method:
            return False
        client.step(_class_of(response.status), response, now_s)
        return True

    def on_request(self, request: Request, now_s: float) -> bool:
        """Give a request to the transaction it repeats, or an ACK to its; False: none."""
        server = self.servers.get(server_key(request))
        if server is None:
            return False
        server.step(Input.ACK if request.method == "ACK" else Input.REQUEST, request, now_s)
        return True

    def accept(self, request: Request, destination: Destination) -> Server | None:
        """Open a server transaction for a new request; None if there are too many."""
        if len(self.servers) >= MAX_SERVERS:
            return None
        server = Server(self, server_key(request), request, destination)
        self.servers[server.key] = server
        if server.merge_key:
            self._merges.setdefault(server.merge_key, server)
        return server

    def is_merged(self, request: Request) -> bool:
        """Say whether a request without a transaction is one we serve, forked to us twice.

        The same call came by two ways (RFC 3261 §8.2.2.2); answering both would make two of it.
        """
        return not request.to_tag and _merge_key(request) in self._merges

    def find_invite(self, cancel: Request) -> Server | None:
        """Return the INVITE's transaction that a CANCEL is about (RFC 3261 §9.2)."""
        return self.servers.get(server_key(cancel, "INVITE"))

    def lose(self, destination: Destination, now_s: float, again: bool = False) -> None:
        """Fail what waits on a connection that was lost (RFC 3261 §8.1.3.1, §17.1.4, §18.4).

        An INVITE with a provisional response is not failed: somebody's phone rings, its answer may
        come over another connection (§18.2.2), and another INVITE would ring it twice.

        Args:
            destination: Where the connection went.
            now_s: Now. [s]
            again: Whether its peer was heard over it: then it may have closed it just before our
                request came, and the request, the very same, goes there once more.
        """
        for client in [each for each in self.clients.values() if each.destination == destination]:
            rings = client.phase is Phase.PROCEEDING and client.method == "INVITE"
            if not rings and not (again and client.send_anew(now_s)):
                client.fail(now_s)

    def find_waiting(self, branch: str) -> Client | None:
        """Return the INVITE's transaction that nobody has answered yet."""
        client = self.clients.get(branch)
        return client if client is not None and client.phase is Phase.CALLING else None

    def forget_client(self, client: Client) -> None:
        """Drop a terminated transaction."""
        if self.clients.get(client.key) is client:
            del self.clients[client.key]

    def forget_server(self, server: Server) -> None:
        """Drop a terminated transaction."""
        if self.servers.get(server.key) is server:
            del self.servers[server.key]
        if server.merge_key and self._merges.get(server.merge_key) is server:
            del self._merges[server.merge_key]


def server_key(request: Request, method: str = "") -> str:
    """Return what makes a request the same as an earlier one (RFC 3261 §17.2.3).

    Args:
        request: The request.
        method: Method to match instead of its own, for CANCEL.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.every("via")[0]
    sent_by = via.partition(";")[0].split()[-1]
    if request.branch.startswith(MAGIC) and len(request.branch) > len(MAGIC):
        return f"{request.branch} {sent_by} {method}"
    return f"{request.call_id} {request.from_tag} {request.cseq} {via} {request.uri} {method}"


def _merge_key(request: Request) -> str:
    return f"{request.call_id} {request.from_tag} {request.cseq} {request.method}"


def _client_key(branch: str, method: str) -> str:
    """Return the branch; a CANCEL shares its INVITE's, so it gets a mark."""
    return branch if method != "CANCEL" else f"{branch} CANCEL"


def _class_of(status: int) -> Input:
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


ClientAction = Callable[[Client, Response | None, float], None]
ServerAction = Callable[[Server, Request | None, float], None]

_CLIENT_ACTIONS: dict[Action, ClientAction] = {
    Action.SEND: Client._send,
    Action.SEND_ACK: Client._send_ack,
    Action.PASS: Client._pass,
    Action.TELL_TIMEOUT: lambda client, _, now_s: client.user.on_failure(client, True, now_s),
    Action.TELL_UNSENT: lambda client, _, now_s: client.user.on_failure(client, False, now_s),
    Action.STOP: lambda client, _, __: client.stop(),
    # Timer A doubles without bound, B ends it; E stops doubling at T2 (RFC 3261 §17.1).
    Action.START_A: lambda client, _, now_s: client.start_repeat(Input.TIMER_A, GIVE_UP_S, now_s),
    Action.START_B: lambda client, _, now_s: client.start_limit(Input.TIMER_B, GIVE_UP_S, now_s),
    Action.START_D: lambda client, _, now_s: client.start_linger(Input.TIMER_D, GIVE_UP_S, now_s),
    Action.START_E: lambda client, _, now_s: client.start_repeat(Input.TIMER_E, T2_S, now_s),
    Action.START_E_SLOW: lambda client, _, now_s: _slow(client, now_s),
    Action.START_F: lambda client, _, now_s: client.start_limit(Input.TIMER_F, GIVE_UP_S, now_s),
    Action.START_K: lambda client, _, now_s: client.start_linger(Input.TIMER_K, T4_S, now_s),
    Action.START_M: lambda client, _, now_s: client.start_limit(Input.TIMER_M, GIVE_UP_S, now_s),
}
_SERVER_ACTIONS: dict[Action, ServerAction] = {
    Action.SEND: Server._send,
    Action.PASS: Server._pass,
    Action.TELL_TIMEOUT: Server._tell,
    Action.TELL_UNSENT: Server._tell,
    Action.STOP: lambda server, _, __: server.stop(),
    Action.START_G: lambda server, _, now_s: server.start_repeat(Input.TIMER_G, T2_S, now_s),
    Action.START_H: lambda server, _, now_s: server.start_limit(Input.TIMER_H, GIVE_UP_S, now_s),
    Action.START_I: lambda server, _, now_s: server.start_linger(Input.TIMER_I, T4_S, now_s),
    Action.START_J: lambda server, _, now_s: server.start_linger(Input.TIMER_J, GIVE_UP_S, now_s),
    Action.START_L: lambda server, _, now_s: server.start_limit(Input.TIMER_L, GIVE_UP_S, now_s),
}


def _slow(client: Client, now_s: float) -> None:
    client.interval_s = T2_S
    client.start_repeat(Input.TIMER_E, T2_S, now_s)


_INVITE_CLIENT = bind(INVITE_CLIENT, _CLIENT_ACTIONS)
_NON_INVITE_CLIENT = bind(NON_INVITE_CLIENT, _CLIENT_ACTIONS)
_INVITE_SERVER = bind(INVITE_SERVER, _SERVER_ACTIONS)
_NON_INVITE_SERVER = bind(NON_INVITE_SERVER, _SERVER_ACTIONS)
