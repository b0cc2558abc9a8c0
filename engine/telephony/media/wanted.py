"""Answer for what is wanted of every leg, so that a switch that died can be made anew."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address

from engine.domain.ids import LegId
from engine.telephony.media import messages
from engine.telephony.media.allocation import Place
from engine.telephony.media.events import PromptEnded, PromptFailed, UnusableAddressError


@dataclass(slots=True)
class WantedLeg:
    """What is wanted of a leg, enough to make it anew.

    Attributes:
        place: Its row and its local port.
        ssrc: Its synchronisation source.
        connected: What was negotiated for it, with its source once that is known.
        play: What is played to it.
        hears: Whom it hears.
        recorded: What of it the recorder is given.
        ghost_key: Key of a leg that has its phone in another switch, else 0.
        forwards: The other switches that hear it.
    """

    place: Place
    ssrc: int
    connected: messages.Connect | None = None
    play: messages.Play | None = None
    hears: tuple[LegId, ...] = ()
    recorded: messages.Record | None = None
    ghost_key: int = 0
    forwards: dict[int, messages.Forward] = field(default_factory=dict)

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


def everything(legs: Mapping[LegId, WantedLeg]) -> list[messages.Command]:
    """Return the commands that make all legs anew in another switch."""
    commands: list[messages.Command] = []
    rows: dict[int, tuple[int, ...]] = {}
    for leg in legs.values():
        commands.append(leg.opening)
        commands += [wanted for wanted in (leg.connected, leg.play, leg.recorded) if wanted]
        commands += leg.forwards.values()
        rows[leg.place.row] = tuple(legs[one].place.row for one in leg.hears if one in legs)
    return [*commands, messages.Mix(rows)]


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
