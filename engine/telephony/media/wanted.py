"""Answer for what is wanted of every leg, so that a switch that died can be made anew."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address

from engine.domain.analysis import Verdict
from engine.domain.ids import LegId
from engine.telephony.media import messages
from engine.telephony.media.allocation import Place
from engine.telephony.media.encryption import Encryption
from engine.telephony.media.events import (
    BeepAwaited,
    DigitPressed,
    LegAnalysed,
    LegFellSilent,
    LegHeard,
    LegResumed,
    MediaEvent,
    PromptEnded,
    PromptFailed,
    UnusableAddressError,
)


def _tell_nobody(_command: messages.Command) -> None:
    pass


@dataclass(slots=True)
class WantedLeg:
    """What is wanted of a leg, enough to make it anew.

    Attributes:
        place: Its row and its local port.
        ssrc: Its synchronisation source.
        connected: What was negotiated for it, with its source once that is known.
        encrypted: How it is encrypted, if it is.
        play: What is played to it.
        hears: Whom it hears.
        recorded: What of it the recorder is given.
        asked: What it is listened to for, until the answer comes.
        asked_until_s: When that answer is due at the latest, by the monotonic clock. [s]
        ghost_key: Key of a leg that has its phone in another switch, else 0.
        forwards: The other switches that hear it.
        say: Tells the switch that it is in.
        opened: Whether that switch knows of it.
    """

    place: Place
    ssrc: int
    connected: messages.Connect | None = None
    play: messages.Play | None = None
    hears: tuple[LegId, ...] = ()
    recorded: messages.Record | None = None
    asked: messages.Analyse | messages.AwaitBeep | None = None
    asked_until_s: float = 0.0
    ghost_key: int = 0
    forwards: dict[int, messages.Forward] = field(default_factory=dict)
    encrypted: Encryption | None = None
    say: Callable[[messages.Command], None] = field(default=_tell_nobody, repr=False, compare=False)
    opened: bool = False

    @property
    def is_audio(self) -> bool:
        """Say whether it is a leg without a phone."""
        return self.place.port < 0

    @property
    def opening(self) -> messages.Command:
        """The command that begins it."""
        row, port = self.place.row, self.place.port
        if self.ghost_key:
            return messages.OpenGhost(row, self.ghost_key)
        return messages.OpenAudio(row) if self.is_audio else messages.Open(row, port, self.ssrc)

    def open(self) -> None:
        """Let the switch know of it, if it does not yet.

        Most calls of a dialer are never answered: of those no switch ever hears.
        """
        if not self.opened:
            self.opened = True
            self.say(self.opening)

    def tell(self, command: messages.Command) -> None:
        """Tell the switch something about it."""
        self.open()
        self.say(command)

    def ask(self, asked: messages.Analyse | messages.AwaitBeep, until_s: float) -> None:
        """Have it listened to, in place of what was asked before.

        Args:
            asked: What for.
            until_s: When the answer is due, by the monotonic clock. [s]
        """
        self.asked, self.asked_until_s = asked, until_s
        self.tell(asked)

    def forward(self, peer: int, row: int, key: int) -> None:
        """Let another switch hear it.

        Args:
            peer: Place of the other switch's socket in ``MediaSettings.peers``.
            row: Row of its ghost there.
            key: Key of that ghost.
        """
        self.forwards[peer] = messages.Forward(self.place.row, peer, row, key)
        self.tell(self.forwards[peer])

    def stop_forward(self, peer: int) -> None:
        """Let another switch no longer hear it."""
        if self.forwards.pop(peer, None):
            self.tell(messages.StopForward(self.place.row, peer))


def everything(legs: Mapping[LegId, WantedLeg], tick: int = 0) -> list[messages.Command]:
    """Return the commands that make all legs anew that a switch knew of, in another, at a tick."""
    commands: list[messages.Command] = []
    rows: dict[int, tuple[int, ...]] = {}
    for leg in legs.values():
        if not leg.opened:
            continue
        commands.append(leg.opening)
        if leg.encrypted:
            commands.append(leg.encrypted.resumed_at(tick))
        commands += [
            wanted for wanted in (leg.connected, leg.play, leg.recorded, leg.asked) if wanted
        ]
        commands += leg.forwards.values()
        rows[leg.place.row] = tuple(legs[one].place.row for one in leg.hears if one in legs)
    return [*commands, messages.Mix(rows)]


def translate(
    leg_id: LegId,
    leg: WantedLeg,
    event: messages.Heard
    | messages.FellSilent
    | messages.Resumed
    | messages.PlayEnded
    | messages.PlayFailed
    | messages.Digit
    | messages.LegAnalysed
    | messages.BeepAwaited,
) -> MediaEvent | None:
    """Take what a switch tells of a leg; None if it is of no account any more."""
    match event:
        case messages.Heard(_, ip, udp_port):
            if leg.connected:
                leg.connected = with_source(leg.connected, ip, udp_port)
            return LegHeard(leg_id, str(IPv4Address(ip)), udp_port)
        case messages.FellSilent():
            return LegFellSilent(leg_id)
        case messages.Resumed():
            return LegResumed(leg_id)
        case messages.Digit(_, digit):
            return DigitPressed(leg_id, digit)
        case messages.PlayEnded() | messages.PlayFailed():
            return end_play(leg_id, leg, event)
        case messages.LegAnalysed() | messages.BeepAwaited():
            return end_ask(leg_id, leg, event)


def end_play(
    leg_id: LegId, leg: WantedLeg, event: messages.PlayEnded | messages.PlayFailed
) -> PromptEnded | PromptFailed | None:
    """Forget a playing that is over; None if another has begun since."""
    if leg.play is None or leg.play.play != event.play:
        return None
    prompt, leg.play = leg.play.prompt, None
    if isinstance(event, messages.PlayFailed):
        return PromptFailed(leg_id, prompt, event.reason)
    return PromptEnded(leg_id, prompt)


def end_ask(
    leg_id: LegId, leg: WantedLeg, event: messages.LegAnalysed | messages.BeepAwaited
) -> LegAnalysed | BeepAwaited | None:
    """Take an answer; None if something else has been asked since."""
    if leg.asked is None or leg.asked.ask != event.ask:
        return None
    leg.asked = None
    if isinstance(event, messages.LegAnalysed):
        return LegAnalysed(leg_id, event.verdict, event.after_s, event.reason)
    return BeepAwaited(leg_id, event.heard)


def give_up_analysis(leg_id: LegId, leg: WantedLeg, now_s: float) -> LegAnalysed | None:
    """Take the death of a switch: what a leg was analysed by is lost with what was heard of it.

    Nobody is held for a second analysis: it ends without a verdict. A tone can still come, and is
    waited for in the time that is left.

    Args:
        leg_id: The leg.
        leg: What is wanted of it.
        now_s: By the monotonic clock. [s]
    """
    match leg.asked:
        case messages.Analyse(_, _, spec):
            leg.asked = None
            after_s = max(0.0, spec.limit_s - (leg.asked_until_s - now_s))
            return LegAnalysed(leg_id, Verdict.UNDECIDED, round(after_s, 3), "media switch lost")
        case messages.AwaitBeep(row, ask):
            left_s = max(0.0, leg.asked_until_s - now_s)
            leg.asked = messages.AwaitBeep(row, ask, left_s)
    return None


def ip_number(host: str) -> int:
    """Return an IPv4 address as a host-order number.

    Raises:
        UnusableAddressError: It is none.
    """
    with contextlib.suppress(AddressValueError):
        return int(IPv4Address(host))
    raise UnusableAddressError(f"{host!r} is no IPv4 address")


def with_source(wanted: messages.Connect, ip: int, udp_port: int) -> messages.Connect:
    """Return what is wanted, with the source that is known for a leg made anew."""
    return messages.Connect(
        wanted.leg,
        wanted.ip,
        wanted.udp_port,
        wanted.law,
        wanted.payload_type,
        wanted.event_type,
        wanted.sends,
        wanted.learn_ip,
        ip,
        udp_port,
    )


def keep_source(before: messages.Connect | None, wanted: messages.Connect) -> messages.Connect:
    """Return what is wanted with the known source, if the negotiated address did not change."""
    if before is None or (before.ip, before.udp_port) != (wanted.ip, wanted.udp_port):
        return wanted
    return with_source(wanted, before.heard_ip, before.heard_port)
