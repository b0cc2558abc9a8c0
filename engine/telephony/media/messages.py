"""Answer for what the engine and its media switch say to each other: msgpack, one batch a datagram.

Legs are named by their row in the switch's arrays; the client owns the rows and uses one again only
when the switch has acknowledged its release. IPv4 addresses are host-order numbers.
"""

from typing import Final

import msgspec

from engine.domain.analysis import AnalysisSpec, Verdict


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A tagged array: small on the wire, half a microsecond to read."""


class Open(_Message, frozen=True):
    """Begin a leg on a local port; it is silent until connected.

    Attributes:
        leg: Row of the leg.
        port: Index of its local port.
        ssrc: Its synchronisation source for what we send; the start of its sequence numbers and
            timestamps follows from it, so that a restarted switch continues them.
    """

    leg: int
    port: int
    ssrc: int


class OpenAudio(_Message, frozen=True):
    """Begin a leg without a phone; its audio comes and goes as ``Audio``."""

    leg: int


class Connect(_Message, frozen=True):
    """Tie a leg to the address and codec that were negotiated; again after each re-INVITE.

    Attributes:
        leg: Row of the leg.
        ip: Negotiated address; 0 sends nothing (hold, RFC 3264 §8.4).
        udp_port: Negotiated port.
        law: Law of G.711, 0 for µ and 1 for A.
        payload_type: RTP payload type of that law.
        event_type: Payload type of telephone events, -1 without.
        sends: Whether we send; false for a far end that only sends.
        learn_ip: Whose packets may be learnt when the negotiated address is not their source:
            -1 nobody's, 0 anybody's, else this address's only.
        heard_ip: Source known already from before a restart, 0 without.
        heard_port: Its port.
    """

    leg: int
    ip: int
    udp_port: int
    law: int
    payload_type: int
    event_type: int
    sends: bool
    learn_ip: int
    heard_ip: int
    heard_port: int


class Secure(_Message, frozen=True):
    """Encrypt a leg's audio both ways, or no longer; told before the ``Connect`` it belongs to.

    The index of our packets, which has the roll-over counter in it, follows from the tick: a switch
    made anew goes on above every index that was used (RFC 3711 §3.3.1).

    Attributes:
        leg: Row of the leg.
        suite: Name of the suite; empty: neither is encrypted.
        ours: Master key and salt of what we send.
        theirs: Master key and salt of what the far end sends.
        since: Tick when the leg was first encrypted.
        start: Index that our packets had at that tick, or would have had.
    """

    leg: int
    suite: str
    ours: bytes
    theirs: bytes
    since: int
    start: int

    def __repr__(self) -> str:
        """Show no key."""
        return f"Secure({self.leg}, {self.suite!r}, since={self.since}, start={self.start})"


class Mix(_Message, frozen=True):
    """Say whom some listeners hear; all rows act at one tick, other listeners stay as they are."""

    rows: dict[int, tuple[int, ...]]


class Play(_Message, frozen=True):
    """Play a prompt to a leg in place of any before; ``play`` names this playing in events."""

    leg: int
    play: int
    prompt: str
    loop: bool
    instead: bool


class StopPlay(_Message, frozen=True):
    """Stop what is played to a leg."""

    leg: int


class Release(_Message, frozen=True):
    """End a leg; its source's late packets are dropped."""

    leg: int


class Audio(_Message, frozen=True):
    """20 ms of PCM16 at 8 kHz, little-endian: said by an audio leg, or heard by it."""

    leg: int
    pcm: bytes


class Record(_Message, frozen=True):
    """Give the recorder what a leg says and hears, under a key; again when it is paused or goes on.

    Attributes:
        leg: Row of the leg.
        key: What its frames carry.
        paused: Whether silence is given in place of the audio.
    """

    leg: int
    key: int
    paused: bool


class StopRecord(_Message, frozen=True):
    """Give the recorder nothing more of a leg."""

    leg: int


class OpenGhost(_Message, frozen=True):
    """Begin the ghost of a leg of another switch; its frames come from there, with this key."""

    leg: int
    key: int


class Forward(_Message, frozen=True):
    """Let another switch hear a leg.

    Attributes:
        leg: Row of the leg.
        peer: Which other switch, counted from 0 without this one.
        row: Row of its ghost there.
        key: Key of that ghost, above 0.
    """

    leg: int
    peer: int
    row: int
    key: int


class StopForward(_Message, frozen=True):
    """Let another switch no longer hear a leg."""

    leg: int
    peer: int


class DescribeStats(_Message, frozen=True):
    """Ask for ``Stats``."""

    ticket: int


class Analyse(_Message, frozen=True):
    """Find out what answered, from the next tick on; one ``LegAnalysed`` follows.

    Attributes:
        leg: Row of the leg.
        ask: Names this question in the answer. A later one about the leg replaces it.
        spec: By which rules.
    """

    leg: int
    ask: int
    spec: AnalysisSpec


class AwaitBeep(_Message, frozen=True):
    """Wait for the end of a machine's tone; one ``BeepAwaited`` follows. See ``Analyse``."""

    leg: int
    ask: int
    limit_s: float


class LegAnalysed(_Message, frozen=True):
    """What answered."""

    leg: int
    ask: int
    verdict: Verdict
    after_s: float
    reason: str


class BeepAwaited(_Message, frozen=True):
    """A machine's tone is over, or did not come in time."""

    leg: int
    ask: int
    heard: bool


class Heard(_Message, frozen=True):
    """A leg's first packet came; from now on it is taken from this source only."""

    leg: int
    ip: int
    udp_port: int


class FellSilent(_Message, frozen=True):
    """Nothing has come from a connected leg for longer than the limit."""

    leg: int


class Resumed(_Message, frozen=True):
    """A leg that had fallen silent is heard again."""

    leg: int


class PlayEnded(_Message, frozen=True):
    """A prompt that is not looped was sent to its end."""

    leg: int
    play: int


class PlayFailed(_Message, frozen=True):
    """A prompt could not be read."""

    leg: int
    play: int
    reason: str


class Digit(_Message, frozen=True):
    """A key was pressed (RFC 4733 §3.2)."""

    leg: int
    digit: str


class Quality(_Message, frozen=True, kw_only=True):
    """How the streams of a leg were; told when it is released.

    Attributes:
        leg: Row of the leg.
        received: RTP packets taken from it.
        lost: Packets that did not come; below 0 with duplicates.
        late: Packets that came after they were due.
        concealed: Frames that were missing before the stream went on.
        jitter_ms: Interarrival jitter at the end, known to a tick. [ms]
        sent: RTP packets sent to it.
        far_lost: Packets of ours that the far end said it lost (RTCP).
        far_jitter_ms: Interarrival jitter that the far end last reported. [ms]
        round_trip_ms: Round trip by RTCP, 0 if the far end reports nothing. [ms]
    """

    leg: int
    received: int
    lost: int
    late: int
    concealed: int
    jitter_ms: float
    sent: int
    far_lost: int
    far_jitter_ms: float
    round_trip_ms: float


class Stats(_Message, frozen=True, kw_only=True):
    """What a switch did since its start.

    Attributes:
        ticket: Which question this answers.
        legs: Legs open.
        ticks: Ticks worked.
        tick_p50_ms: Median time of work in a tick, over the last minute. [ms]
        tick_p99_ms: The time that 99 of 100 ticks stayed under, over the last minute. [ms]
        tick_max_ms: The longest of the last minute. [ms]
        late_ticks: Ticks that began 20 ms or more after their time and were caught up.
        skipped_ticks: Ticks given up because the process was held for too long.
        received: RTP packets taken.
        sent: RTP packets sent.
        foreign: Datagrams dropped because their source was tied to no leg.
        malformed: Datagrams dropped because they were no RTP that we understand.
        concealed: Frames that were missing while a stream ran.
        late_packets: Packets that came after they were due.
        unauthentic: Packets for encrypted legs dropped as forged, repeated or not decipherable.
        send_errors: Packets that the system refused to send.
        cpu_s: Processor time used. [s]
    """

    ticket: int
    legs: int
    ticks: int
    tick_p50_ms: float
    tick_p99_ms: float
    tick_max_ms: float
    late_ticks: int
    skipped_ticks: int
    received: int
    sent: int
    foreign: int
    malformed: int
    concealed: int
    late_packets: int
    unauthentic: int
    send_errors: int
    cpu_s: float


Command = (
    Open
    | OpenAudio
    | Connect
    | Secure
    | Mix
    | Play
    | StopPlay
    | Release
    | Audio
    | Record
    | StopRecord
    | OpenGhost
    | Forward
    | StopForward
    | Analyse
    | AwaitBeep
    | DescribeStats
)
Event = (
    Heard
    | FellSilent
    | Resumed
    | PlayEnded
    | PlayFailed
    | Digit
    | LegAnalysed
    | BeepAwaited
    | Quality
    | Audio
    | Stats
)


class Commands(msgspec.Struct, frozen=True, array_like=True):
    """Commands that act together at the next tick; ``seq`` counts batches from 1."""

    seq: int
    items: list[Command]


class Events(msgspec.Struct, frozen=True, array_like=True):
    """What happened by the end of a tick, with the last batch of commands that acted."""

    acked: int
    items: list[Event]


MOST_BYTES: Final = 1 << 18
"""Largest datagram either way: 100 prompts with the longest names there may be. [bytes]"""
