"""We as a client of a carrier's registrar: register, refresh, answer, wait, leave (RFC 3261 §10.2).

One registration a trunk. It never ends by itself: what is refused is tried again after a wait that
grows, for a carrier may mend its side without telling us.
"""

from collections.abc import Callable
from math import inf
from typing import Final

from engine.telephony.sip.account import Account
from engine.telephony.sip.authorize import Authorizer
from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import RegistrationChanged
from engine.telephony.sip.grammar import ParseError, parse_number, printable
from engine.telephony.sip.message import MAGIC, Response
from engine.telephony.sip.reason import read_retry_after
from engine.telephony.sip.responses import ALLOW
from engine.telephony.sip.timers import Timer
from engine.telephony.sip.uri import escape_user, parse_address

FIRST_WAIT_S: Final = 10.0
"""Longest wait after the first refusal; each further one doubles it (RFC 5626 §4.5). [s]"""
LONGEST_WAIT_S: Final = 600.0
"""Longest wait between two tries. [s]"""
LONGEST_S: Final = 86_400
"""Longest interval that we let a registrar ask of us. [s]"""
_MARGIN_S: Final = 60.0
"""How long before its end a registration is refreshed; a short one at its half. [s]"""
_MAX_TRIES: Final = 4
"""Requests in a row that are mended at once: two challenges, and 423."""
_AGAIN: Final = "again"


class Registration:
    """One registration and what keeps it."""

    __slots__ = (
        "_authorizer",
        "_call_id",
        "_client",
        "_core",
        "_cseq",
        "_destination",
        "_expires_s",
        "_fails",
        "_find",
        "_kept",
        "_leaving",
        "_losses",
        "_lost_s",
        "_on_over",
        "_tag",
        "_timer",
        "_told",
        "_tries",
        "_turn",
        "account",
    )

    def __init__(
        self,
        core: Core,
        account: Account,
        find: Callable[[], tuple[Destination, ...]],
        on_over: "Callable[[Registration], None]",
    ) -> None:
        """Set up; ``begin`` sends.

        Args:
            core: The user agent's shared state.
            account: What is registered.
            find: Returns the registrar's addresses as they are known now.
            on_over: Told when it has left, or nobody answers that.
        """
        self._core = core
        self.account = account
        self._find = find
        self._on_over = on_over
        self._call_id = f"{core.tokens.next()}@{core.tokens.realm}"
        self._tag = core.tokens.next()
        self._cseq = 0
        self._authorizer = Authorizer(account.credentials, core.realms)
        self._destination = Destination("", 0)
        self._expires_s = account.expires_s
        self._client: Client | None = None
        self._timer: Timer | None = None
        self._told: RegistrationChanged | None = None
        self._fails = 0
        self._losses = 0
        self._lost_s = -inf
        self._tries = 0
        self._turn = 0
        self._kept = False  # a registrar may hold our contact
        self._leaving = False

    def begin(self, now_s: float) -> None:
        """Register, or refresh."""
        self._stop_timer()
        self._authorizer.reset()
        self._tries = 0
        destinations = self._find()
        if not destinations:
            self._fail(503, "no address", 0.0, now_s)
            return
        self._destination = destinations[self._turn % len(destinations)]
        self._send(self._expires_s, now_s)

    def change(self, account: Account, now_s: float) -> None:
        """Go on with another password or interval: the address of record stays."""
        self.account = account
        self._authorizer = Authorizer(account.credentials, self._core.realms)
        self._expires_s = account.expires_s
        self._fails = self._turn = 0
        self.begin(now_s)

    def leave(self, now_s: float) -> None:
        """Take our contact back (§10.2.2); ``RegistrationOver`` follows."""
        self._leaving = True
        self._stop_timer()
        if self._client is not None:
            self._client.abandon()
            self._client = None
        if not self._kept:
            self._on_over(self)
            return
        self._authorizer.reset()
        self._tries = 0
        self._send(0, now_s)

    def _send(self, expires_s: int, now_s: float) -> None:
        core, destination, record = self._core, self._destination, self.account.record
        origin = core.origin.over(destination.transport)
        self._cseq += 1
        self._tries += 1
        self._kept = True
        target = f"sip:{self.account.domain}"
        branch = f"{MAGIC}{core.tokens.next()}"
        credentials = self._authorizer.header(
            "REGISTER", target, core.tokens.next(), destination.host
        )
        wire = (
            f"REGISTER {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/{destination.transport} {origin.sent_by};branch={branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <{record}>;tag={self._tag}\r\nTo: <{record}>\r\n"
            f"Call-ID: {self._call_id}\r\nCSeq: {self._cseq} REGISTER\r\n"
            f"Contact: {self._contact}\r\nExpires: {expires_s}\r\nAllow: {ALLOW}\r\n"
            f"{credentials}User-Agent: {origin.agent}\r\nContent-Length: 0\r\n\r\n"
        ).encode("utf-8", "surrogateescape")
        self._client = core.transactions.request(
            "REGISTER", branch, self._cseq, wire, destination, self, now_s
        )

    @property
    def _contact(self) -> str:
        contact = self._core.origin.over(self._destination.transport).contact
        return contact.replace(":", f":{escape_user(self.account.username)}@", 1)

    # --- what transactions tell ----------------------------------------------------------------

    def on_response(self, transaction: Client, response: Response, now_s: float) -> None:
        """Take a response to our REGISTER."""
        status = response.status
        if status < 200 or transaction.cseq != self._cseq:
            return
        self._client = None
        if status in (401, 407) and self._answers(response):
            self._send(0 if self._leaving else self._expires_s, now_s)
        elif self._leaving:
            self._on_over(self)
        elif status < 300:
            self._keep(response, now_s)
        elif status == 423 and self._lengthen(response):
            self._send(self._expires_s, now_s)
        else:
            wait_s = read_retry_after(response)
            self._fail(status, f"{status} {printable(response.reason)}".strip(), wait_s, now_s)

    def on_failure(self, transaction: Client, timed_out: bool, now_s: float) -> None:
        """Learn that nobody answers."""
        if transaction.cseq != self._cseq:
            return  # an earlier one, which another has replaced
        self._client = None
        if self._leaving:
            self._on_over(self)
        elif timed_out:
            self._fail(408, "no answer", 0.0, now_s)
        else:
            self._fail(503, "not sent", 0.0, now_s)

    def build_ack(self, _: Client, _response: Response) -> bytes:
        """Return nothing: only an INVITE asks for it."""
        return b""

    def on_timer(self, _: str, now_s: float) -> None:
        """Refresh, or try again."""
        self._timer = None
        self.begin(now_s)

    def _answers(self, response: Response) -> bool:
        return self._tries < _MAX_TRIES and self._authorizer.take(response, self._destination)

    def _lengthen(self, response: Response) -> bool:
        """Take a 423: the registrar wants longer intervals (§10.2.8)."""
        try:
            minimum_s = parse_number(response.first("min-expires"), (1 << 32) - 1)
        except ParseError:
            return False
        if not self._expires_s < minimum_s <= LONGEST_S or self._tries >= _MAX_TRIES:
            return False
        self._expires_s = minimum_s
        return True

    def _keep(self, response: Response, now_s: float) -> None:
        """Take a 2xx: refresh before the interval that it grants has passed (§10.2.4)."""
        granted_s = self._read_granted(response)
        if granted_s <= 0:
            self._fail(response.status, "contact not kept", 0.0, now_s)
            return
        self._fails = self._turn = 0
        granted_s = min(granted_s, LONGEST_S)
        self._begin_in(max(granted_s / 2, granted_s - _MARGIN_S), now_s)
        self._tell(True, response.status, "")

    def _read_granted(self, response: Response) -> int:
        """Return the interval granted to our contact among those listed (§10.2.1.1). [s]"""
        ours = parse_address(self._contact).uri
        wanted = self._expires_s
        try:
            default = response.first("expires")
            if default:
                wanted = parse_number(default, (1 << 32) - 1)
            for contact in map(parse_address, response.every("contact")):
                if contact.uri == ours and contact.params.get("expires"):
                    return parse_number(contact.params["expires"] or "", (1 << 32) - 1)
        except ParseError:
            self._core.counts["bad-registration"] += 1
        return wanted

    def _fail(self, status: int, reason: str, retry_after_s: float, now_s: float) -> None:
        """Try the next server; without one tell that we are not registered, and wait."""
        if status in (408, 503) and self._turn + 1 < len(self._find()):
            self._turn += 1
            self._begin_in(0.0, now_s)
            return
        self._tell(False, status, reason)
        self._turn = 0
        self._begin_in(max(self._pause_s(self._fails), min(retry_after_s, 3600.0)), now_s)
        self._fails += 1

    def lose(self, destination: Destination, now_s: float) -> None:
        """Register again if the connection it came by is gone: a carrier may forget us with it.

        Soon at first; one that hangs up each time waits longer (RFC 5626 §4.5).
        """
        held = self._told is not None and self._told.registered and self._client is None
        if not held or self._leaving or destination != self._destination:
            return
        if now_s - self._lost_s > 2 * LONGEST_WAIT_S:
            self._losses = 0
        wait_s = self._pause_s(self._losses)
        self._losses += 1
        self._lost_s = now_s
        if self._timer is None or self._timer.deadline_s > now_s + wait_s:
            self._begin_in(wait_s, now_s)

    def _pause_s(self, times: int) -> float:
        """Return how long to wait after something went wrong for the so many and first time. [s]"""
        longest_s = min(FIRST_WAIT_S * 2.0 ** min(times, 16), LONGEST_WAIT_S)
        share = self._core.tokens.share(f"{self._call_id} {self._cseq} {times}")
        return longest_s * (0.5 + 0.5 * share)

    def _begin_in(self, wait_s: float, now_s: float) -> None:
        self._stop_timer()
        self._timer = self._core.timers.start(wait_s, now_s, self, _AGAIN)

    def _tell(self, registered: bool, status: int, reason: str) -> None:
        self._told = RegistrationChanged(self.account.key, registered, status, reason)
        self._core.emit(self._told)

    def look_again(self, now_s: float) -> None:
        """Tell how it stands, for who asks may have forgotten; or follow a registrar that moved."""
        found = self._find()
        if self._destination.host and found and self._destination not in found:
            self._turn = 0
            self.begin(now_s)
        elif self._told is not None:
            self._core.emit(self._told)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
