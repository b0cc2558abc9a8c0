"""Session timers: a dialog that its two ends keep alive, and that ends when one is gone (RFC 4028).

Who refreshes is said by the last 2xx in the dialog. Whoever that is, a session that nobody
refreshed ends by BYE some time before its interval does, so that a far end that lost its power
holds no channel for ever (invariant C2).
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.domain.specs import Need
from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.grammar import ParseError, parse_number, parse_params
from engine.telephony.sip.leg_table import LegInput
from engine.telephony.sip.message import Message, Request, Response
from engine.telephony.sip.reason import read_retry_after
from engine.telephony.sip.timers import Timer

if TYPE_CHECKING:
    from engine.telephony.sip.leg import Leg

SHORTEST_S: Final = 90
"""Shortest session interval taken (RFC 4028 §4). [s]"""
LONGEST_S: Final = 86_400
"""Longest minimum that we let a far end ask of us. [s]"""
MAX_TRIES: Final = 2
"""How often one request is lengthened after 422."""
_REFRESH: Final = "refresh"
_EXPIRE: Final = "expire"
_EXPIRED: Final = 'Reason: Q.850;cause=102;text="session expired"\r\n'


class Terms(NamedTuple):
    """What a Session-Expires header says (RFC 4028 §4).

    Attributes:
        interval_s: Session interval. [s]
        refresher: ``uac`` or ``uas`` of the request it stands in or answers; empty: unsaid.
    """

    interval_s: int
    refresher: str


def read_terms(message: Message) -> Terms | None:
    """Return what a message says of the session interval, None if nothing.

    Raises:
        ParseError: It is malformed.
    """
    text = message.first("session-expires")
    return _parse_terms(text) if text else None


@lru_cache(maxsize=256)
def _parse_terms(text: str) -> Terms:
    """Read the header's value; carriers say the same to each call."""
    number, semicolon, rest = text.partition(";")
    refresher = (parse_params(semicolon + rest).get("refresher") or "").lower()
    if refresher not in ("", "uac", "uas"):
        raise ParseError("malformed Session-Expires")
    return Terms(parse_number(number, (1 << 32) - 1), refresher)


def read_minimum(response: Response) -> int:
    """Return Min-SE, 0 if it is absent or no number. [s]"""
    try:
        return parse_number(response.first("min-se").partition(";")[0], (1 << 32) - 1)
    except ParseError:
        return 0


def supports_timer(message: Message) -> bool:
    """Say whether the sender of a message knows session timers."""
    return any(each.lower() == "timer" for each in message.every("supported"))


def judge_terms(request: Request) -> str:
    """Return the header of a 422 if a request's interval is too brief, else nothing.

    One that does not know session timers could make nothing of a 422 (RFC 4028 §9): it is served.

    Raises:
        ParseError: Session-Expires is malformed.
    """
    terms = read_terms(request)
    if terms is None or terms.interval_s >= SHORTEST_S or not supports_timer(request):
        return ""
    return f"Min-SE: {SHORTEST_S}\r\n"


@lru_cache(maxsize=64)
def offer_extensions(session_s: int, shortest_s: int, reliable: Need) -> str:
    """Return the headers of an INVITE that say what we can, and want (RFC 4028 §7.1, RFC 3262 §4).

    Args:
        session_s: Session interval wished, 0: none. [s]
        shortest_s: Longest minimum heard of, for Min-SE. [s]
        reliable: Whether provisional responses may, or must, be reliable.
    """
    names = ["timer"] if session_s else []
    names += [] if reliable is Need.OFF else ["100rel"]
    lines = f"Supported: {', '.join(names)}\r\n"
    if session_s:
        lines += f"Session-Expires: {session_s}\r\nMin-SE: {shortest_s}\r\n"
    return lines + ("Require: 100rel\r\n" if reliable is Need.REQUIRED else "")


class SessionTimer:
    """The session timer of one dialog.

    One timer is enough: first it is the refresh, if that is ours, then the end.
    """

    __slots__ = (
        "_ends_s",
        "_interval_s",
        "_leg",
        "_ours",
        "_shortest_s",
        "_timer",
        "_tries",
        "_update",
        "updates",
    )

    def __init__(self, leg: "Leg", shortest_s: int = SHORTEST_S) -> None:
        """Begin without a session interval.

        Args:
            leg: Whose dialog it is.
            shortest_s: Longest minimum heard of so far. [s]
        """
        self._leg = leg
        self._shortest_s = shortest_s
        self._interval_s = 0
        self._ours = False
        self._ends_s = 0.0
        self._timer: Timer | None = None
        self._update: Client | None = None
        self._tries = 0
        self.updates = False
        """Whether the far end takes UPDATE."""

    def stop(self) -> None:
        """Watch no more: the dialog goes, or lives without an interval."""
        self._interval_s = 0
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._update is not None:
            self._update.abandon()
            self._update = None

    # --- our requests --------------------------------------------------------------------------

    def headers(self) -> str:
        """Return what a re-INVITE or UPDATE of ours says; it refreshes too (RFC 4028 §7.4)."""
        if not self._interval_s:
            return ""
        refresher = "uac" if self._ours else "uas"
        return (
            f"Supported: timer\r\nSession-Expires: {self._interval_s};refresher={refresher}\r\n"
            f"Min-SE: {self._shortest_s}\r\n"
        )

    def on_agreed(self, response: Response, now_s: float) -> None:
        """Take a 2xx to an INVITE or UPDATE of ours: it says who refreshes next (§7.2)."""
        self._tries = 0
        try:
            self._read_allow(response)
            terms = read_terms(response)
        except ParseError:
            self._leg.core.counts["bad-session"] += 1
            terms = Terms(self._interval_s, "uac") if self._interval_s else None
        if terms is None:
            self.stop()
        else:
            self._begin(terms.interval_s, terms.refresher != "uas", now_s)

    def _read_allow(self, message: Message) -> None:
        if "allow" in message.headers:
            self.updates = any("UPDATE" in value for value in message.headers["allow"])

    def lengthen(self, response: Response) -> bool:
        """Take a 422 to a request of ours; False: another try is not worth it (§7.3)."""
        minimum_s = read_minimum(response)
        self._tries += 1
        if not self._interval_s < minimum_s <= LONGEST_S or self._tries > MAX_TRIES:
            return False
        self._shortest_s = max(self._shortest_s, minimum_s)
        self._interval_s = max(self._interval_s, minimum_s)
        return True

    def _begin(self, interval_s: int, ours: bool, now_s: float) -> None:
        # Less than 90 s is against RFC 4028 §4; refreshing at 45 s keeps most of those alive.
        interval_s = max(interval_s, SHORTEST_S)
        self._interval_s, self._ours = interval_s, ours
        self._ends_s = now_s + interval_s - min(32.0, interval_s / 3)
        if ours:
            self._wait(interval_s / 2, now_s)
        else:
            self._wait(interval_s, now_s)

    def _wait(self, wait_s: float, now_s: float) -> None:
        """Refresh after a time, or end the session if that would be too late (§10)."""
        left_s = max(0.0, self._ends_s - now_s)
        name = _REFRESH if wait_s < left_s else _EXPIRE
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._leg.core.timers.start(min(wait_s, left_s), now_s, self, name)

    def on_timer(self, name: str, now_s: float) -> None:
        """Refresh, or end a session that nobody refreshed."""
        self._timer = None
        leg = self._leg
        if name == _EXPIRE:
            leg.bye_reason = leg.bye_reason or _EXPIRED
            leg.status, leg.reason = 408, "session expired"
            leg.step(LegInput.UNHEARD, now_s)
            return
        if leg.authorizer is not None:
            leg.authorizer.reset()
        self._wait(self._interval_s, now_s)  # until the end, unless an answer comes
        self._refresh(now_s)

    def _refresh(self, now_s: float) -> None:
        leg = self._leg
        if not self.updates:
            leg.refresh(now_s)
            return
        extra = f"Contact: {leg.dialog.contact}\r\n{self.headers()}"
        self._update = leg.request("UPDATE", now_s, extra + leg.credentials("UPDATE"))

    def on_response(self, transaction: Client, response: Response, now_s: float) -> None:
        """Take a response to our UPDATE."""
        if transaction is not self._update or response.status < 200:
            return
        self._update = None
        status, leg = response.status, self._leg
        if status < 300:
            self._refreshed(response, now_s)
        elif status in (405, 501):
            self.updates = False
            self._refresh(now_s)
        elif (status == 422 and self.lengthen(response)) or (
            status in (401, 407) and leg.answers(response)
        ):
            self._refresh(now_s)
        else:
            self.on_refused(response, now_s)

    def _refreshed(self, response: Response, now_s: float) -> None:
        try:
            self._leg.follow(response.first("contact"), now_s)
        except ParseError:
            self._leg.core.counts["bad-answer"] += 1
        self.on_agreed(response, now_s)

    def on_refused(self, response: Response, now_s: float) -> None:
        """Take the refusal of a refresh: the dialog is gone, or it is tried again in time (§10)."""
        leg = self._leg
        if response.status in (408, 481):
            leg.note(response, response.status)
            leg.step(LegInput.UNHEARD, now_s)
        elif self._interval_s:
            share = leg.core.tokens.share(f"{leg.leg_id} refresh {leg.dialog.cseq}")
            self._wait(max(read_retry_after(response), 2.1 + 1.9 * share), now_s)

    def on_failure(self, now_s: float) -> None:
        """Learn that our UPDATE was not answered: the far end is gone (§10)."""
        self._update = None
        self._leg.step(LegInput.UNHEARD, now_s)

    # --- their requests ------------------------------------------------------------------------

    def on_request(self, request: Request, now_s: float) -> str:
        """Take an INVITE or UPDATE of theirs; returns the headers of our 2xx (§9, table 2).

        Raises:
            ParseError: Session-Expires is malformed.
        """
        terms = read_terms(request)
        knows = supports_timer(request)
        self._read_allow(request)
        if terms is None:
            if not self._interval_s:
                return ""
            terms = Terms(self._interval_s, "uas")  # the interval stays; we refresh
        refresher = (terms.refresher or "uac") if knows else "uas"
        self._begin(terms.interval_s, refresher == "uas", now_s)
        need = "Require: timer\r\n" if knows else ""
        return f"Session-Expires: {terms.interval_s};refresher={refresher}\r\n{need}"


def answer_terms(leg: "Leg", request: Request, now_s: float) -> str:
    """Return what a 2xx of ours to an INVITE or UPDATE says of the session.

    Raises:
        ParseError: Session-Expires is malformed.
    """
    if leg.keeper is None:
        if "session-expires" not in request.headers:
            return ""
        leg.keeper = SessionTimer(leg)
    return leg.keeper.on_request(request, now_s)
