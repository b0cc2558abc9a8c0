"""The user agent: calls, phones and trunks as legs; octets and time in, octets and events out.

It is synchronous and pure: it reads no clock, owns no socket, and nothing that the network sends
makes it raise. Its owner hands in datagrams and the time, and sends what it is given to send.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.telephony.sip.account import Account
from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core, MaySend
from engine.telephony.sip.destination import Destination, Send
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import AnyEvent, Unregistered
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.inbound import Inbound, Screen
from engine.telephony.sip.incoming import IncomingLeg
from engine.telephony.sip.leg_table import LegInput, LegPhase
from engine.telephony.sip.message import Request, Response, parse
from engine.telephony.sip.old_legs import can_leave, cancel_old_leg, leave_old_leg
from engine.telephony.sip.origin import make_origin
from engine.telephony.sip.outgoing import OutgoingLeg
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.probe import ask_options
from engine.telephony.sip.registrar import Binding, Registrar
from engine.telephony.sip.registrations import Registrations
from engine.telephony.sip.sdp import Direction, LocalMedia
from engine.telephony.sip.stored_dialog import store_dialog
from engine.telephony.sip.stray import take_stray
from engine.telephony.sip.timers import TimerQueue
from engine.telephony.sip.tokens import LegNames, Tokens
from engine.telephony.sip.transactions import Transactions

__all__ = ["Credentials", "Direction", "OutgoingCall", "UserAgent"]

_KEEP_ALIVE: Final = b"\r\n\0 "
_TOP_BRANCH: Final = re.compile(rb"\r\nVia:[^\r\n]*;branch=([^;\r\n]+)")


class UserAgent:
    """A complete SIP user agent for a dialer and its phones (RFC 3261)."""

    __slots__ = ("_core", "_inbound", "_registrar", "_registrations", "_timers")

    def __init__(
        self,
        host: str,
        port: int,
        tokens: Tokens,
        send: Send,
        emit: Callable[[AnyEvent], None],
        may_send: MaySend,
        screen: Screen,
        realm: str = "paceline",
        find_password: Callable[[str], str | None] = lambda _: None,
        agent: str = "Paceline",
        tls_port: int = 0,
    ) -> None:
        """Set up.

        Args:
            host: Address shown in Via and Contact, without brackets.
            port: Port shown there.
            tokens: Source of names.
            send: Sends octets to a destination; False says that they could not leave.
            emit: Takes events, from inside the calls that cause them.
            may_send: Asked with the leg's id before every INVITE that would begin a dialog: the
                first, after a challenge, after a failover, and retransmitted. False holds it back.
            screen: Says what becomes of a request from outside any dialog: 200 lets it in, another
                status refuses it, 0 drops it in silence.
            realm: Realm of the registrar.
            find_password: Password of a phone's user, None if it may not register.
            agent: Value of User-Agent.
            tls_port: Port of TLS shown; 0: the same as the others'.
        """
        timers = TimerQueue()
        transactions = Transactions(send, timers, self._may_repeat)
        origin = make_origin(host, port, tls_port or port, agent)
        self._timers = timers
        self._core = Core(origin, tokens, timers, transactions, emit, may_send)
        self._registrar = Registrar(realm, find_password, tokens, timers, self._on_lapsed)
        self._inbound = Inbound(self._core, self._registrar, screen)
        self._registrations = Registrations(self._core)

    # --- calls ---------------------------------------------------------------------------------

    def identify(self, leg_id: str) -> LegNames:
        """Return Call-ID, tag and branches of a leg's INVITE before it is sent; pure."""
        return self._core.tokens.leg(leg_id)

    def invite(self, call: OutgoingCall, now_s: float) -> None:
        """Call; ``Ended`` follows in any case, maybe before this returns.

        Raises:
            ValueError: The leg's id is in use.
        """
        core = self._core
        if call.leg_id in core.legs:
            raise ValueError(f"leg {call.leg_id} exists")
        leg = OutgoingLeg(core, call)
        core.legs[call.leg_id] = leg
        leg.begin(now_s)

    def confirm(self, leg_id: str) -> None:
        """Send the ACK of an answered call that holds it back (``OutgoingCall.holds_ack``)."""
        leg = self._core.legs.get(leg_id)
        if isinstance(leg, OutgoingLeg):
            leg.confirm()

    def hang_up(self, leg_id: str, now_s: float, reason: str = "", status: int = 480) -> None:
        """End a leg by CANCEL, BYE or a refusal, as its phase asks; an unknown one is over.

        Args:
            leg_id: The leg.
            now_s: Now. [s]
            reason: Value of the Reason header (RFC 3326), e.g. ``Q.850;cause=16``.
            status: Refusal of a call that came in and was not answered.
        """
        leg = self._core.legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.refuse_with(status, now_s)
        elif leg is not None:
            leg.hang_up(now_s, reason)

    def offer(self, leg_id: str, direction: Direction, now_s: float) -> None:
        """Offer our audio anew: ``SENDONLY`` or ``INACTIVE`` holds, ``SENDRECV`` resumes."""
        leg = self._core.legs.get(leg_id)
        if leg is not None and leg.phase is LegPhase.UP:
            leg.offer(direction, now_s)

    def ring(self, leg_id: str, now_s: float) -> None:
        """Let a call that came in ring (180)."""
        leg = self._core.legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.ring(now_s)

    def answer(self, leg_id: str, media: LocalMedia, now_s: float) -> bool:
        """Answer a call that came in; ``Answered`` follows its ACK. False: it is gone."""
        leg = self._core.legs.get(leg_id)
        return isinstance(leg, IncomingLeg) and leg.answer(media, now_s)

    def dialog_state(self, leg_id: str) -> bytes:
        """Return what ``end_old_leg`` of a later life needs; empty if the leg is over."""
        leg = self._core.legs.get(leg_id)
        return store_dialog(leg.dialog) if leg is not None else b""

    def end_old_leg(
        self,
        leg_id: str,
        state: bytes,
        target: str,
        destination: Destination,
        now_s: float,
        others: Sequence[Destination] = (),
    ) -> None:
        """End a leg of an earlier life: BYE by its stored dialog, else CANCEL.

        Args:
            leg_id: The leg.
            state: What ``dialog_state`` gave once it was answered; empty: it was not.
            target: Request-URI of its INVITE.
            destination: Where that went; with ``state`` it is asked for only by a phone's leg
                whose connection was its own.
            now_s: Now. [s]
            others: Where else it may have gone.

        Raises:
            ParseError: ``state`` is no stored dialog.
        """
        if state:
            leave_old_leg(self._core, state, destination, now_s)
        else:
            cancel_old_leg(self._core, leg_id, target, (destination, *others), now_s)

    def can_leave(self, state: bytes) -> bool:
        """Say whether a stored dialog needs no destination to be ended."""
        return can_leave(self._core, state)

    # --- trunks and phones ---------------------------------------------------------------------

    def options(self, key: str, target: str, destination: Destination, now_s: float) -> None:
        """Ask whether a trunk is alive; ``OptionsAnswered`` follows (RFC 3261 §11)."""
        ask_options(self._core, key, target, destination, now_s)

    def register(
        self, account: Account, find: Callable[[], tuple[Destination, ...]], now_s: float
    ) -> None:
        """Register at a carrier and stay so; ``RegistrationChanged`` tells how it goes.

        Args:
            account: What is registered; one of the same key is replaced.
            find: Returns the registrar's addresses as they are known now.
            now_s: Now. [s]
        """
        self._registrations.set(account, find, now_s)

    def unregister(self, key: str, now_s: float) -> None:
        """Take a registration back, if there is one; ``RegistrationOver`` follows."""
        self._registrations.drop(key, now_s)

    def unregister_all(self, now_s: float) -> None:
        """Take all registrations back; ``RegistrationOver`` follows for each."""
        self._registrations.drop_all(now_s)

    @property
    def open_registrations(self) -> int:
        """Registrations held, or not yet taken back. [registrations]"""
        return len(self._registrations)

    def find_binding(self, user: str, now_s: float) -> Binding | None:
        """Return where a phone is registered, None if it is not."""
        return self._registrar.find(user, now_s)

    def is_phone(self, source: Destination) -> bool:
        """Say whether a registered phone speaks from an address."""
        return self._registrar.is_source(source)

    def is_phone_host(self, host: str) -> bool:
        """Say whether a registered phone speaks from a host, at whatever port."""
        return self._registrar.is_host(host)

    def forget_phone(self, user: str) -> None:
        """Drop a phone's bindings."""
        self._registrar.forget(user)

    # --- the world -----------------------------------------------------------------------------

    def receive(self, octets: bytes, source: Destination, now_s: float) -> None:
        """Take a datagram; whatever it holds, this does not raise."""
        core = self._core
        if len(octets) <= 4 and not octets.strip(_KEEP_ALIVE):
            core.counts["keep-alive"] += 1
            return
        try:
            message = parse(octets)
            message.source = source[:2]
            if source.transport != "UDP" and "content-length" not in message.headers:
                raise _unframed(message)
            if isinstance(message, Response):
                if not core.transactions.on_response(message, now_s):
                    take_stray(core, message, source, now_s)
            else:
                self._inbound.on_request(message, source, now_s)
        except ParseError as error:
            core.counts["garbage"] += 1
            self._inbound.refuse_garbage(error, source)

    def lose(
        self, destination: Destination, now_s: float, *, asked: bool, again: bool = False
    ) -> None:
        """Learn that a connection is gone, or never came: what waited on it has failed.

        Args:
            destination: Where it went to, or came from.
            now_s: Now. [s]
            asked: Whether requests of ours went over it.
            again: Whether its peer was heard over it, so that requests may go there once more.
        """
        if asked:
            self._core.transactions.lose(destination, now_s, again)
            self._registrations.lose(destination, now_s)
        if destination.is_flow:
            self._registrar.lose(destination)

    def may_still_leave(self, invite: bytes, now_s: float, congested: bool = False) -> bool:
        """Ask the gate again about an INVITE that waited for its connection; False: never.

        Args:
            invite: Its octets.
            now_s: Now. [s]
            congested: Whether it could not leave at once: then it has failed, and another server
                may be tried.
        """
        found = _TOP_BRANCH.search(invite)
        client = self._core.transactions.find_waiting(found.group(1).decode() if found else "")
        if client is None:
            return False
        allowed = self._may_repeat(client, now_s)
        if allowed and not congested:
            return True
        if not allowed and isinstance(client.user, OutgoingLeg):
            client.user.step(LegInput.GATE_CLOSED, now_s)
        client.fail(now_s)
        return False

    def redirect(
        self, leg_id: str, destination: Destination, is_open: Callable[[Destination], bool]
    ) -> None:
        """Let a phone's leg go on over another connection, if the one it came by is gone.

        Args:
            leg_id: The leg.
            destination: Where its phone is now.
            is_open: Says whether a connection is there still.
        """
        leg = self._core.legs.get(leg_id)
        if leg is not None and leg.dialog.hop.is_flow and not is_open(leg.dialog.hop):
            leg.dialog.destination = leg.dialog.hop = destination

    def next_deadline(self) -> float:
        """Return when ``advance`` is worth calling; infinity if never. [s]"""
        return self._timers.next_deadline()

    def advance(self, now_s: float) -> None:
        """Let time pass: fire the timers that are due."""
        self._timers.advance(now_s)

    @property
    def counts(self) -> Mapping[str, int]:
        """What was dropped, refused and mended, by name."""
        return self._core.counts

    @property
    def open_legs(self) -> int:
        """Legs of which something can still come. [legs]"""
        return len(self._core.legs)

    @property
    def open_transactions(self) -> int:
        """Transactions not yet terminated. [transactions]"""
        transactions = self._core.transactions
        return len(transactions.clients) + len(transactions.servers)

    def _may_repeat(self, client: Client, _: float) -> bool:
        """Ask the gate before an INVITE that would begin a dialog is sent again, or late.

        One that is to be cancelled is repeated by UDP alone: if it has come, CANCEL waits for its
        far end to say so (RFC 3261 §9.1); by a stream that is lost, or not open, it has not.
        """
        user = client.user
        if not isinstance(user, OutgoingLeg) or user.dialog.remote_tag or client.method != "INVITE":
            return True
        if client.reliable and user.phase is LegPhase.CANCEL_WANTED:
            return False
        return self._core.may_send(user.leg_id)

    def _on_lapsed(self, user: str) -> None:
        self._core.emit(Unregistered(user))


def _unframed(message: Request | Response) -> ParseError:
    """Return the fault of a message without Content-Length on a stream (RFC 3261 §18.3)."""
    error = ParseError("missing content-length")
    if isinstance(message, Request):
        error.partial = message.headers
    return error
