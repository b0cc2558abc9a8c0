"""OPTIONS of ours: a question whether anybody is there (RFC 3261 §11)."""

from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import OptionsAnswered
from engine.telephony.sip.message import MAGIC, Response
from engine.telephony.sip.reason import read_retry_after


def ask_options(core: Core, key: str, target: str, destination: Destination, now_s: float) -> None:
    """Ask; ``OptionsAnswered`` follows.

    Args:
        core: The user agent's shared state.
        key: What the answer is told by.
        target: Request-URI.
        destination: Where it goes.
        now_s: Now. [s]
    """
    origin, tokens = core.origin.over(destination.transport), core.tokens
    branch = f"{MAGIC}{tokens.next()}"
    wire = (
        f"OPTIONS {target} SIP/2.0\r\n"
        f"Via: SIP/2.0/{destination.transport} {origin.sent_by};branch={branch};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: {origin.contact};tag={tokens.next()}\r\n"
        f"To: <{target}>\r\n"
        f"Call-ID: {tokens.next()}@{tokens.realm}\r\nCSeq: 1 OPTIONS\r\n"
        f"Contact: {origin.contact}\r\nAccept: application/sdp\r\n"
        f"User-Agent: {origin.agent}\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    core.transactions.request("OPTIONS", branch, 1, wire, destination, _Probe(core, key), now_s)


class _Probe:
    """The user of an OPTIONS."""

    __slots__ = ("_core", "_key")

    def __init__(self, core: Core, key: str) -> None:
        self._core = core
        self._key = key

    def on_response(self, _: Client, response: Response, _now_s: float) -> None:
        """Tell the answer; any final one shows life, 503 shows a trunk that wants none."""
        if response.status >= 200:
            wait_s = read_retry_after(response)
            self._core.emit(OptionsAnswered(self._key, response.status, wait_s))

    def on_failure(self, _: Client, timed_out: bool, _now_s: float) -> None:
        """Tell that there was none."""
        self._core.emit(OptionsAnswered(self._key, 408 if timed_out else 503))

    def build_ack(self, _: Client, _response: Response) -> bytes:
        """Return nothing: only an INVITE asks for it."""
        return b""
