"""The actor of one trunk: its channels, its calls per second, and whether it takes calls at all.

A permit is one INVITE that may leave now: a channel, and a token of the calls-per-second bucket.
Channels are promised as they are asked for; tokens are dealt one by one, round and round.
"""

from collections import deque
from collections.abc import Sequence
from typing import assert_never

import numpy as np

from engine.actors.kernel.effects import CancelTimer, Do, Effect, Reply, StartTimer, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    BreakerDue,
    CampaignMessage,
    ChannelFreed,
    ConfigureTrunk,
    DescribeTrunk,
    Journal,
    PermitsDue,
    PermitsGranted,
    PermitsRefused,
    RequestPermits,
    ReturnPermits,
    RoomDue,
    TrunkMessage,
    TrunkSampled,
    TrunkView,
    WatchTrunk,
    WithdrawRequests,
)
from engine.actors.trunk_breaker import Breaker
from engine.actors.trunk_room import ROOM_S, Room
from engine.domain.facts import TrunkChanged
from engine.domain.specs import TrunkSpec
from engine.ports import TrunkLost, TrunkReached

BURST_S = 0.25
"""Calls that may leave at one instant, as a share of a second. [s]"""
SAMPLE_S = 0.25
"""Watchers hear of free channels at most so often, unless none or the first is free. [s]"""

_TOKENS, _SAMPLE, _BREAKER, _ROOM = "tokens", "sample", "breaker", "room"
_WHOLE = 1.0 - 1e-3
"""What counts as a whole token: the time since the epoch is known to 0.2 µs; the rest is owed."""
_SOON_S = 0.02
"""Tokens are dealt at most so often: a list picks, and the journal takes, eight records together
for little more than one. [s]"""
_DOWN, _FULL, _NO_ROOM = "trunk-down", "trunk-full", "media-full"


class TrunkBehavior:
    """Grants permits in the order asked, fairly over campaigns, and guards a failing carrier."""

    __slots__ = (
        "_breaker",
        "_lost",
        "_queue",
        "_room",
        "_sample_due",
        "_sampled",
        "_sampled_s",
        "_spec",
        "_tokens",
        "_tokens_s",
        "_up",
        "_used",
        "_waiting",
        "_watchers",
    )

    def __init__(self, spec: TrunkSpec, seed: int) -> None:
        """Begin with all channels free and the carrier trusted.

        Args:
            spec: The trunk.
            seed: Of the jitter between probes, so that cells do not probe in step.
        """
        self._spec = spec
        self._breaker = Breaker(np.random.default_rng(seed))
        self._lost = ""
        self._room = Room()
        self._up = True
        self._used = 0
        self._tokens = self._bucket
        self._tokens_s: float | None = None
        self._waiting: dict[Ref[CampaignMessage], int] = {}
        self._queue: deque[Ref[CampaignMessage]] = deque()
        self._watchers: dict[Ref[CampaignMessage], None] = {}
        self._sampled: tuple[bool, int, str] | None = None
        self._sampled_s = 0.0
        self._sample_due = False

    def on(self, message: TrunkMessage, now_s: float) -> Sequence[Effect]:
        """Answer one message; then deal tokens, and tell watchers what has changed."""
        effects = self._answer(message, now_s)
        effects += self._follow(now_s)
        if not isinstance(message, ChannelFreed) or self._breaker.open:
            # Those who wait have their channels; a freed one is no reason to deal before the timer.
            effects += self._deal(now_s)
        return [*effects, *self._sample(now_s)]

    def _answer(self, message: TrunkMessage, now_s: float) -> list[Effect]:
        match message:
            case RequestPermits(count, campaign):
                return self._request(count, campaign)
            case ChannelFreed():
                self._used = max(0, self._used - 1)
                return self._breaker_timer(self._breaker.freed(message, now_s))
            case ReturnPermits(count, no_room):
                self._returned(count)
                return self._lack_room() if no_room else []
            case RoomDue():
                self._room.widen(self._spec.channels)
                return self._room_timer()
            case WithdrawRequests(campaign):
                self._withdraw(campaign)
                return []
            case PermitsDue():
                self._sample_due = False
                return []
            case BreakerDue():
                return self._breaker_timer(self._breaker.due(now_s))
            case TrunkReached() | TrunkLost():
                self._lost = _lost_reason(message)
                return []
            case ConfigureTrunk(spec):
                self._spec = spec
                self._tokens = min(self._tokens, self._bucket)
                return []
            case WatchTrunk(campaign):
                return self._watch(campaign)
            case DescribeTrunk(reply_to):
                return [Reply(reply_to, self._view())]
            case _:
                assert_never(message)

    # --- how it stands ---------------------------------------------------------------------

    @property
    def _promised(self) -> int:
        return sum(self._waiting.values())

    @property
    def _free(self) -> int:
        """Channels that can be promised; of a trunk on probation only the one probe."""
        free = max(0, self._room.of(self._spec.channels) - self._used - self._promised)
        return min(free, self._breaker.allowance - self._promised) if self._breaker.open else free

    @property
    def _reason(self) -> str:
        """Why it takes no calls, or empty."""
        return self._lost or self._breaker.reason

    @property
    def _full_reason(self) -> str:
        """Why it gives no channel though the carrier would take calls, or empty."""
        in_use = self._used + self._promised
        full = self._room.short and in_use >= self._room.of(self._spec.channels)
        return _NO_ROOM if full else ""

    def _stands(self) -> tuple[bool, int, str]:
        """Return whether it takes calls, its free channels, and why not or why there is none."""
        reason = self._reason
        # A probe is offered like a trunk that is up and has one channel.
        up = not reason or (not self._lost and self._breaker.allowance > 0)
        free = max(0, self._free) if up else 0
        return up, free, reason or self._full_reason

    def _view(self) -> TrunkView:
        reason = self._reason
        return TrunkView(not reason, reason or self._full_reason, self._used, self._promised)

    def _follow(self, now_s: float) -> list[Effect]:
        """Going down or coming up is a fact; what waits is refused when the trunk goes down."""
        reason = self._reason
        effects: list[Effect] = []
        if self._up is bool(reason):
            self._up = not reason
            changed = TrunkChanged(
                at_s=now_s, trunk_id=self._spec.trunk_id, up=self._up, reason=reason
            )
            effects.append(Do(Journal((changed,), keep=True)))
        if self._lost or (reason and not self._breaker.allowance):
            effects += self._refuse_waiting(_DOWN)
        return effects

    def _refuse_waiting(self, reason: str) -> list[Effect]:
        waiting, self._waiting = self._waiting, {}
        self._queue.clear()
        return [self._refusal(campaign, count, reason) for campaign, count in waiting.items()]

    def _lack_room(self) -> list[Effect]:
        self._room.lacked(self._used)
        return [*self._room_timer(), *self._refuse_waiting(_NO_ROOM)]

    def _room_timer(self) -> list[Effect]:
        return [StartTimer(_ROOM, ROOM_S, RoomDue())] if self._room.short else []

    def _refusal(self, campaign: Ref[CampaignMessage], count: int, reason: str) -> Effect:
        return Tell(campaign, PermitsRefused(self._spec.trunk_id, count, reason))

    def _breaker_timer(self, delay_s: float | None) -> list[Effect]:
        return [] if delay_s is None else [StartTimer(_BREAKER, delay_s, BreakerDue())]

    # --- permits ---------------------------------------------------------------------------

    @property
    def _bucket(self) -> float:
        """Most tokens: what may leave at one instant. [calls]"""
        return max(1.0, self._spec.calls_per_s * BURST_S)

    def _request(self, count: int, campaign: Ref[CampaignMessage]) -> list[Effect]:
        """Promise what channels are free; refuse the rest at once."""
        promised = 0 if self._lost else min(count, max(0, self._free))
        if promised:
            if campaign not in self._waiting:
                self._queue.append(campaign)
            self._waiting[campaign] = self._waiting.get(campaign, 0) + promised
        if promised == count:
            return []
        reason = _DOWN if self._reason else self._full_reason or _FULL
        return [self._refusal(campaign, count - promised, reason)]

    def _withdraw(self, campaign: Ref[CampaignMessage]) -> None:
        if self._waiting.pop(campaign, None) is not None:
            self._queue.remove(campaign)

    def _returned(self, count: int) -> None:
        """Take back permits whose INVITEs did not leave: channel and token are there again."""
        count = min(count, self._used)
        self._used -= count
        self._tokens = min(self._bucket, self._tokens + count)

    def _refill(self, now_s: float) -> None:
        since_s = now_s if self._tokens_s is None else self._tokens_s
        fresh = max(0.0, now_s - since_s) * self._spec.calls_per_s
        self._tokens = min(self._bucket, self._tokens + fresh)
        self._tokens_s = now_s

    def _deal(self, now_s: float) -> list[Effect]:
        """Deal the tokens there are, one a campaign in turn; come back for the next one."""
        self._refill(now_s)
        if not self._waiting:
            return []
        granted: dict[Ref[CampaignMessage], int] = {}
        while self._queue and self._tokens >= _WHOLE:
            self._tokens -= 1.0
            campaign = self._queue.popleft()
            granted[campaign] = granted.get(campaign, 0) + 1
            self._waiting[campaign] -= 1
            if self._waiting[campaign]:
                self._queue.append(campaign)
            else:
                del self._waiting[campaign]
        effects = self._grant(granted, now_s)
        if self._waiting and self._spec.calls_per_s > 0:
            delay_s = (1.0 - self._tokens) / self._spec.calls_per_s
            effects.append(StartTimer(_TOKENS, max(_SOON_S, delay_s), PermitsDue()))
        return effects

    def _grant(self, granted: dict[Ref[CampaignMessage], int], now_s: float) -> list[Effect]:
        count = sum(granted.values())
        self._used += count
        effects: list[Effect] = [
            Tell(campaign, PermitsGranted(self._spec.trunk_id, each))
            for campaign, each in granted.items()
        ]
        if count and self._breaker.open:
            effects += self._breaker_timer(self._breaker.probed(now_s))
        return effects

    # --- watchers --------------------------------------------------------------------------

    def _watch(self, campaign: Ref[CampaignMessage]) -> list[Effect]:
        self._watchers[campaign] = None
        stands = self._stands()
        if self._sampled is None:
            self._sampled = stands
        return [Tell(campaign, TrunkSampled(self._spec.trunk_id, *stands))]

    def _sample(self, now_s: float) -> list[Effect]:
        """Tell watchers what matters at once, and mere counts not too often."""
        told = self._stands()
        if told == self._sampled or not self._watchers:
            return []
        before = self._sampled
        matters = before is None or before[::2] != told[::2] or (before[1] > 0) != (told[1] > 0)
        wait_s = self._sampled_s + SAMPLE_S - now_s
        if not matters and wait_s > 1e-3:
            if self._sample_due:
                return []
            self._sample_due = True
            return [StartTimer(_SAMPLE, wait_s, PermitsDue())]
        self._sampled, self._sampled_s, self._sample_due = told, now_s, False
        sample = TrunkSampled(self._spec.trunk_id, *told)
        return [CancelTimer(_SAMPLE), *(Tell(watcher, sample) for watcher in self._watchers)]


def _lost_reason(told: TrunkReached | TrunkLost) -> str:
    return (told.reason or "unreachable") if isinstance(told, TrunkLost) else ""
