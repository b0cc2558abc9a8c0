"""Requests that come to us: to a leg, to the registrar, or from nowhere (RFC 3261 §8.2, §12.2.2).

What is not for a leg passes the screen first; by default nobody gets in (invariant P8). Refusals
are stateless, so a flood of strangers costs no memory: a repeated request is refused again.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.dtmf import DTMF_TYPES, read_digit
from engine.telephony.sip.events import DigitPressed, Incoming, Registered, Unregistered
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.incoming import IncomingLeg
from engine.telephony.sip.leg import Leg
from engine.telephony.sip.leg_table import LegPhase
from engine.telephony.sip.message import Request
from engine.telephony.sip.outgoing import OutgoingLeg
from engine.telephony.sip.registrar import Registrar
from engine.telephony.sip.reliable import Fork
from engine.telephony.sip.reoffer import Reoffer
from engine.telephony.sip.responses import ALLOW, SUPPORTED, build_response, via_destination
from engine.telephony.sip.server_transaction import Server
from engine.telephony.sip.session import judge_terms
from engine.telephony.sip.uri import parse_address

Screen = Callable[[Request, Destination], int]
"""Says what becomes of a request outside any dialog: 200, a refusal's status, or 0: silence."""

_ALLOW: Final = f"Allow: {ALLOW}\r\n"
_KNOWN_METHODS: Final = frozenset({*ALLOW.split(", "), "REGISTER"})
_ACCEPT: Final = "Accept: application/sdp\r\n"
_ABILITIES: Final = f"{_ALLOW}{_ACCEPT}Supported: {SUPPORTED}\r\n"
_INFO_ACCEPT: Final = f"Accept: {', '.join(sorted(DTMF_TYPES))}\r\n"
_OPTIONAL: Final = re.compile(r";\s*handling\s*=\s*optional\b", re.IGNORECASE)
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
            "PRACK": self._prack,
        }

    def on_request(self, request: Request, source: Destination, now_s: float) -> None:
        """Take a request.

        Raises:
            ParseError: A header that is needed is malformed; ``refuse_garbage`` can answer it.
        """
        try:
            self._take(request, source, now_s)
        except ParseError as error:
            error.partial = error.partial or request.headers
            raise

    def _take(self, request: Request, source: Destination, now_s: float) -> None:
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
        leg = self._core.by_tag.get(request.to_tag)
        dialog = leg.find_dialog(request.from_tag) if leg is not None else None
        handler = self._handlers.get(request.method)
        early = isinstance(dialog, Fork)
        if leg is None or dialog is None or leg.dialog.call_id != request.call_id:
            self._refuse(request, source, 481)
        elif handler is None:
            self._refuse(request, source, 405, _ALLOW)
        elif early and request.method != "UPDATE":
            self._refuse(request, source, 481)  # nothing else is sent before its answer
        elif request.cseq <= dialog.remote_cseq:
            self._refuse(request, source, 500)  # out of order: RFC 3261 §12.2.2
        elif unknown := _unknown_extensions(request, inside=True):
            self._refuse(request, source, 420, f"Unsupported: {unknown}\r\n")
        else:
            dialog.remote_cseq = request.cseq
            handler(leg, request, source, now_s)

    def _find_leg(self, request: Request) -> Leg | None:
        leg = self._core.by_tag.get(request.to_tag)
        if leg is None or leg.dialog.call_id != request.call_id:
            return None
        return leg if leg.find_dialog(request.from_tag) is not None else None

    def _bye(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        self._ok(leg, request, source, now_s)
        leg.note(request)
        leg.on_bye(now_s)

    def _reinvite(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        server = self._serve(leg, request, source, _SERVED)
        if server is None:
            return
        reoffer = _reoffer(leg)
        take = reoffer.on_early if leg.phase is LegPhase.OFFERED else reoffer.on_invite
        self._core.reply(server, request, 100, now_s)
        reoffer.guard(take, server, request, now_s)

    def _update(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        fork = leg.find_dialog(request.from_tag)
        server = self._serve(leg, request, source, _EARLY if isinstance(fork, Fork) else _SERVED)
        if server is None:
            return
        reoffer = _reoffer(leg)
        early = leg.early if isinstance(leg, OutgoingLeg) else None
        if early is not None and isinstance(fork, Fork):
            reoffer.guard(partial(early.on_update, fork), server, request, now_s)
        else:
            take = reoffer.on_early if leg.phase is LegPhase.OFFERED else reoffer.on_update
            reoffer.guard(take, server, request, now_s)

    def _serve(
        self, leg: Leg, request: Request, source: Destination, phases: frozenset[LegPhase]
    ) -> Server | None:
        """Open a transaction for a request that may change the session, or refuse it."""
        status, extra = _judge_body(request)
        if leg.phase not in phases:
            status, extra = 481, ""
        if status:
            self._refuse(request, source, status, extra)
            return None
        return self._core.accept(request, source)

    def _info(self, leg: Leg, request: Request, source: Destination, now_s: float) -> None:
        if request.first("info-package"):
            self._refuse(request, source, 469, "Recv-Info: \r\n")  # RFC 6086 §4.2.2: we take none
            return
        if request.body and content_type(request) not in DTMF_TYPES and not _optional(request):
            self._refuse(request, source, 415, _INFO_ACCEPT)
            return
        self._ok(leg, request, source, now_s)
        found = read_digit(request)
        if found is not None:
            self._core.emit(DigitPressed(leg.leg_id, *found))

    def _prack(self, _: Leg, request: Request, source: Destination, _now_s: float) -> None:
        """Refuse an acknowledgement of what we never send reliably (RFC 3262 §3)."""
        self._refuse(request, source, 481)

    def _ok(self, _: Leg, request: Request, source: Destination, now_s: float) -> None:
        server = self._core.accept(request, source)
        if server is not None:
            extra = _ABILITIES if request.method == "OPTIONS" else ""
            self._core.reply(server, request, 200, now_s, extra)

    # --- outside -------------------------------------------------------------------------------

    def _outside(self, request: Request, source: Destination, now_s: float) -> None:
        """Inspect in the order of RFC 3261 §8.2: who asks, what, whether twice, and how."""
        method = request.method
        status = 200 if method == "REGISTER" else self._screen(request, source)
        if status == 0:
            self._core.counts["ignored"] += 1
        elif status != 200:
            self._refuse(request, source, status)
        elif method not in _KNOWN_METHODS:
            self._refuse(request, source, 501, _ALLOW)
        elif self._core.transactions.is_merged(request):
            self._refuse(request, source, 482)
        elif unknown := _unknown_extensions(request, inside=False):
            self._refuse(request, source, 420, f"Unsupported: {unknown}\r\n")
        elif method == "REGISTER":
            self._register(request, source, now_s)
        elif method == "INVITE":
            self._invite(request, source, now_s)
        elif method == "OPTIONS":
            self._refuse(request, source, 200, _ABILITIES)
        else:
            self._refuse(request, source, 481)

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
        if answer.status in (401, 503):
            self._refuse(request, source, answer.status, extra)
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


_SERVED: Final = frozenset({LegPhase.UP, LegPhase.ANSWERING, LegPhase.OFFERED})
"""Phases in which a dialog's session may be changed, or a change refused as too early."""
_EARLY: Final = frozenset({LegPhase.INVITING, LegPhase.PROCEEDING})
"""Phases of our INVITE in which its early dialogs are alive."""


def _reoffer(leg: Leg) -> Reoffer:
    if leg.reoffer is None:
        leg.reoffer = Reoffer(leg)
    return leg.reoffer


def _unknown_extensions(request: Request, *, inside: bool) -> str:
    """Return what a request requires and we cannot do, as a comma list (§8.2.2.3).

    Provisional responses that must be reliable are none that we send inside a dialog.
    """
    if "require" not in request.headers:
        return ""
    known = ("timer", "100rel") if inside else ("timer",)
    return ", ".join(each for each in request.every("require") if each.lower() not in known)


def content_type(request: Request) -> str:
    """Return the type of a body, without parameters, in lower case."""
    return request.first("content-type").partition(";")[0].strip().lower()


def _optional(request: Request) -> bool:
    """Say whether a body may be passed over (RFC 3261 §20.11)."""
    return bool(_OPTIONAL.search(request.first("content-disposition")))


def _judge_body(request: Request) -> tuple[int, str]:
    """Return status and headers of a refusal of what a request says (§8.2.3), else 0.

    A body that we cannot read is passed over if its sender says that it may be.

    Raises:
        ParseError: Its Session-Expires is malformed.
    """
    if "session-expires" in request.headers:
        minimum = judge_terms(request)
        if minimum:
            return 422, minimum
    unread = _judge_type(request) if request.body else ""
    if unread:
        if not _optional(request):
            return 415, unread
        request.body = b""
    accept = request.first("accept")
    if accept and not any(kind in accept for kind in ("application/sdp", "application/*", "*/*")):
        return 406, ""
    return 0, ""


def _judge_type(request: Request) -> str:
    """Return what we would accept in place of a body that we cannot read, else nothing."""
    if content_type(request) != "application/sdp":
        return _ACCEPT
    if request.first("content-encoding").lower() not in ("", "identity"):
        return "Accept-Encoding: identity\r\n"
    return ""
