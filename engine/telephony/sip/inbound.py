"""Requests that come to us: to a leg, to the registrar, or from nowhere (RFC 3261 §8.2, §12.2.2).

What is not for a leg passes the screen first; by default nobody gets in (invariant P8). Refusals
are stateless, so a flood of strangers costs no memory: a repeated request is refused again.
"""

from collections.abc import Callable
from typing import Final

from engine.telephony.sip.core import Core
from engine.telephony.sip.dtmf import read_digit
from engine.telephony.sip.events import DigitPressed, Incoming, Registered, Unregistered
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.incoming import IncomingLeg
from engine.telephony.sip.leg import Leg
from engine.telephony.sip.leg_table import LegPhase
from engine.telephony.sip.message import Request
from engine.telephony.sip.registrar import Registrar
from engine.telephony.sip.reoffer import Reoffer
from engine.telephony.sip.responses import ALLOW, build_response, via_destination
from engine.telephony.sip.transactions import Destination
from engine.telephony.sip.uri import parse_address

Screen = Callable[[Request, Destination], int]
"""Says what becomes of a request outside any dialog: 200, a refusal's status, or 0: silence."""

_ALLOW: Final = f"Allow: {ALLOW}\r\n"
_KNOWN_METHODS: Final = frozenset({*ALLOW.split(", "), "REGISTER"})
_ACCEPT: Final = "Accept: application/sdp\r\n"
_HEADERS: Final = ("via", "from", "to", "call-id", "cseq")


class Inbound:
    """Finds for each request whom it is for, and refuses what is for nobody."""

    __slots__ = ("_core", "_handlers", "_registrar", "_screen")

    def __init__(self, core: Core, registrar: Registrar, screen: Screen) -> None:
        self._core = core
        self._registrar = registrar
        self._screen = screen
        self._handlers: dict[str, Callable[[Leg, Request, Destination, float], None]] = {
            "BYE": self._bye,
            "INVITE": self._reinvite,
            "UPDATE": self._update,
            "INFO": self._info,
            "OPTIONS": self._ok,
        }

    def on_request(self, request: Request, source: Destination, now_s: float) -> None:
        """Take a request.

        Raises:
            ParseError: A header that is needed is malformed.
        """
        core = self._core
        if core.transactions.on_request(request, now_s):
            return
        method = request.method
        if method == "ACK":
            leg = self._find_leg(request)
            if leg is not None:
                leg.take_ack(request, now_s)
            return
        if method == "CANCEL":
            self._cancel(request, source, now_s)
        elif request.first("require") and method != "CANCEL":
            extra = f"Unsupported: {', '.join(request.every('require'))}\r\n"
            self._refuse(request, source, 420, extra)
        elif request.to_tag:
            self._inside(request, source, now_s)
        else:
            self._outside(request, source, now_s)

    def refuse_garbage(self, error: ParseError, source: Destination) -> None:
        """Answer a malformed request, as far as it can be read; anything else is dropped."""
        headers = error.partial
        if not all(headers.get(name) for name in _HEADERS):
            return
        if headers["cseq"][0].upper().endswith("ACK"):
            return
        try:
            destination = via_destination(headers["via"][0].split(",")[0].strip(), source)
        except ParseError:
            destination = source
        try:
            wire = build_response(
                headers, source[:2], error.status, self._stateless_tag(headers), reason=error.reason
            )
        except ParseError:
            return
        self._core.transactions.send(wire, destination)

    # --- inside a dialog -----------------------------------------------------------------------

    def _inside(self, request: Request, source: Destination, now_s: float) -> None:
        leg = self._find_leg(request)
        handler = self._handlers.get(request.method)
        if leg is None:
            self._refuse(request, source, 481)
        elif handler is None:
            self._refuse(request, source, 405, _ALLOW)
        elif request.cseq <= leg.dialog.remote_cseq:
            self._refuse(request, source, 500)  # out of order: RFC 3261 §12.2.2
        else:
            leg.dialog.remote_cseq = request.cseq
            handler(leg, request, source, now_s)

    def _find_leg(self, request: Request) -> Leg | None:
        leg = self._core.by_tag.get(request.to_tag)
        if leg is None or leg.dialog.call_id != request.call_id:
            return None
        known = leg.dialog.remote_tag
        return leg if request.from_tag == known or known == "-" else None

    def _bye(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        self._ok(leg, request, source, now_s)
        leg.note(request)
        leg.on_bye(now_s)

    def _reinvite(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        if leg.phase not in (LegPhase.UP, LegPhase.ANSWERING):
            self._refuse(request, source, 481)
            return
        status, extra = _judge_body(request)
        if status:
            self._refuse(request, source, status, extra)
            return
        server = self._core.accept(request, source)
        if server is not None:
            self._core.reply(server, request, 100, now_s)
            _reoffer(leg).guard(_reoffer(leg).on_invite, server, request, now_s)

    def _update(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        status, extra = _judge_body(request)
        if status or leg.phase is not LegPhase.UP:
            self._refuse(request, source, status or 481, extra)
            return
        server = self._core.accept(request, source)
        if server is not None:
            _reoffer(leg).guard(_reoffer(leg).on_update, server, request, now_s)

    def _info(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        self._ok(leg, request, source, now_s)
        found = read_digit(request)
        if found is not None:
            self._core.emit(DigitPressed(leg.leg_id, *found))

    def _ok(self, _: Leg, request: Request, source: Destination, now_s: float) -> None:
        server = self._core.accept(request, source)
        if server is not None:
            extra = f"{_ALLOW}{_ACCEPT}" if request.method == "OPTIONS" else ""
            self._core.reply(server, request, 200, now_s, extra)

    # --- outside -------------------------------------------------------------------------------

    def _outside(self, request: Request, source: Destination, now_s: float) -> None:
        method = request.method
        if method == "REGISTER":
            self._register(request, source, now_s)
            return
        status = self._screen(request, source)
        if status == 0:
            self._core.counts["ignored"] += 1
        elif status != 200:
            self._refuse(request, source, status)
        elif method == "INVITE":
            self._invite(request, source, now_s)
        elif method == "OPTIONS":
            self._refuse(request, source, 200, f"{_ALLOW}{_ACCEPT}")
        elif method in ("BYE", "UPDATE", "INFO"):
            self._refuse(request, source, 481)
        else:
            self._refuse(request, source, 501 if method not in _KNOWN_METHODS else 405, _ALLOW)

    def _invite(self, request: Request, source: Destination, now_s: float) -> None:
        status, extra = _judge_body(request)
        if status:
            self._refuse(request, source, status, extra)
            return
        core = self._core
        server = core.accept(request, source)
        if server is None:
            return
        core.reply(server, request, 100, now_s)
        try:
            leg = IncomingLeg(core, f"in-{core.tokens.next()}", request, server, source)
        except ParseError as error:
            core.counts["garbage"] += 1
            core.reply(server, request, error.status, now_s, to_tag=core.tokens.next())
            return
        core.legs[leg.leg_id] = leg
        core.by_tag[leg.dialog.local_tag] = leg
        caller = parse_address(request.headers["from"][0]).uri
        core.emit(Incoming(leg.leg_id, caller, request.uri, source, leg.offered))

    def _cancel(self, request: Request, source: Destination, now_s: float) -> None:
        invite = self._core.transactions.find_invite(request)
        if invite is None:
            self._refuse(request, source, 481)
            return
        server = self._core.accept(request, source)
        if server is None:
            return
        user = invite.user
        tag = user.dialog.local_tag if isinstance(user, IncomingLeg) else self._core.tokens.next()
        self._core.reply(server, request, 200, now_s, to_tag=tag)
        if isinstance(user, IncomingLeg):
            user.on_cancel(request, now_s)

    def _register(self, request: Request, source: Destination, now_s: float) -> None:
        core = self._core
        answer = self._registrar.register(request, source, now_s)
        extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        if answer.status == 401:
            self._refuse(request, source, 401, extra)
            return
        server = core.accept(request, source)
        if server is None:
            return
        core.reply(server, request, answer.status, now_s, extra, to_tag=core.tokens.next())
        for binding in answer.added:
            core.emit(Registered(answer.user, binding))
        if answer.emptied:
            core.emit(Unregistered(answer.user))

    def _refuse(self, request: Request, source: Destination, status: int, extra: str = "") -> None:
        """Answer without a transaction (RFC 3261 §8.2.7)."""
        self._core.counts[f"answered-{status}"] += 1
        destination = via_destination(request.every("via")[0], source)
        tag = self._stateless_tag(request.headers)
        wire = build_response(request.headers, request.source, status, tag, extra)
        self._core.transactions.send(wire, destination)

    def _stateless_tag(self, headers: dict[str, list[str]]) -> str:
        """Return the tag of a stateless answer, the same for each repetition (§8.2.7)."""
        return self._core.tokens.of(f"{headers['call-id'][0]} {headers['via'][0]}")


def _reoffer(leg: Leg) -> Reoffer:
    if leg.reoffer is None:
        leg.reoffer = Reoffer(leg)
    return leg.reoffer


def _judge_body(request: Request) -> tuple[int, str]:
    """Return status and headers of a refusal if the body is not one we read (§8.2.3), else 0."""
    if request.body:
        kind = request.first("content-type").partition(";")[0].strip().lower()
        if kind != "application/sdp":
            return 415, _ACCEPT
        if request.first("content-encoding").lower() not in ("", "identity"):
            return 415, "Accept-Encoding: identity\r\n"
    accept = request.first("accept")
    if accept and not any(kind in accept for kind in ("application/sdp", "application/*", "*/*")):
        return 406, ""
    return 0, ""
