"""All transactions of a user agent, and how a message finds its own (RFC 3261 §17.1.3, §17.2.3).

All state that could grow is bounded: a server transaction beyond the limit is not made, and the
request is dropped.
"""

from collections.abc import Callable
from typing import Final

from engine.telephony.sip.client_transaction import Client, ClientUser
from engine.telephony.sip.destination import Destination, Send
from engine.telephony.sip.message import Request, Response
from engine.telephony.sip.server_transaction import Server, merge_key, server_key
from engine.telephony.sip.tables import Input, Phase
from engine.telephony.sip.timers import TimerQueue
from engine.telephony.sip.transaction import class_of

MAX_SERVERS: Final = 100_000
"""Most server transactions at once; a flood beyond it is dropped."""


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
        client.step(class_of(response.status), response, now_s)
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
        return not request.to_tag and merge_key(request) in self._merges

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


def _client_key(branch: str, method: str) -> str:
    """Return the branch; a CANCEL shares its INVITE's, so it gets a mark."""
    return branch if method != "CANCEL" else f"{branch} CANCEL"
