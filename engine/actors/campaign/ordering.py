"""From what the pacer asks for to reserved records: permits of trunks, orders to lists."""

from dataclasses import dataclass

from engine.actors.campaign.attempt import Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.placing import Placing
from engine.actors.campaign.preview import Previews
from engine.actors.campaign.showing import can_show
from engine.actors.campaign.supply import Supply
from engine.actors.kernel.effects import Effect
from engine.actors.messages import (
    CallsLaunched,
    RecordsReserved,
    ReleaseRecord,
    RequestPermits,
    ReserveRecords,
    ReturnPermits,
    WithdrawRequests,
)
from engine.domain.ids import AgentId, AttemptId, TrunkId
from engine.domain.specs import Mode
from engine.machines.attempt import AttemptPhase

ORDER = "order:"


@dataclass(slots=True)
class _Order:
    """Records asked of lists for calls whose permits are there.

    Attributes:
        trunk_id: Where the permits are from.
        left: Lists yet to answer.
        short: Records that lists did not have.
    """

    trunk_id: TrunkId
    left: int
    short: int = 0


class Ordering:
    """Asks trunks for permits and lists for records, and gives back what is not used.

    Permits are alike: whichever comes first goes to attempts that lost their trunk, then to
    agents who wait for the call of a record they reviewed, then to the pacer's calls.
    """

    __slots__ = (
        "_closing",
        "_context",
        "_made",
        "_orders",
        "_placing",
        "_previews",
        "_requested",
        "_reroutes",
        "_supply",
        "_table",
    )

    def __init__(
        self,
        context: CampaignContext,
        supply: Supply,
        table: AttemptTable,
        placing: Placing,
        closing: Closing,
        previews: Previews,
    ) -> None:
        self._context = context
        self._supply = supply
        self._table = table
        self._placing = placing
        self._closing = closing
        self._previews = previews
        self._orders: dict[str, _Order] = {}
        self._made = 0
        self._requested: dict[TrunkId, int] = {}
        self._reroutes: dict[TrunkId, list[AttemptId]] = {}

    # --- asking trunks ---------------------------------------------------------------------

    def start_calls(self, count: int) -> list[Effect]:
        """Ask for permits for the pacer's calls, of as many trunks as it takes."""
        may_call = self._context.dialing and can_show(self._context.spec)
        shares = self._supply.next_trunks(count) if may_call else {}
        effects: list[Effect] = []
        for trunk_id, share in shares.items():
            asked = self._request(trunk_id, share)
            effects += asked
            count -= share if asked else 0
        return effects + self._unlaunched(count)

    def want_trunk(self, agent_id: AgentId) -> list[Effect]:
        """Ask for the permit of a call that an agent has chosen to make."""
        if not self._context.dialing:
            return self._previews.fail(agent_id, "stopped")
        if not can_show(self._context.spec):
            return self._previews.fail(agent_id, "no-caller-id")
        asked = self._request(self._supply.next_trunk(), 1)
        return asked or self._previews.fail(agent_id, "no-trunk")

    def reroute(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Ask another trunk for an attempt whose own failed it, or give it up."""
        trunk_id = self._supply.next_trunk(attempt.tried)
        asked = self._request(trunk_id, 1)
        if trunk_id is None or not asked:
            return self._closing.give_up(attempt, now_s)
        self._reroutes.setdefault(trunk_id, []).append(attempt.attempt_id)
        return asked

    def _request(self, trunk_id: TrunkId | None, count: int) -> list[Effect]:
        """Ask a trunk; nothing comes back if there is none."""
        if trunk_id is None:
            return []
        request = RequestPermits(count, self._context.me)
        asked = self._context.tell_trunk(trunk_id, request)
        if asked:
            self._requested[trunk_id] = self._requested.get(trunk_id, 0) + count
        return asked

    def _answered(self, trunk_id: TrunkId, count: int) -> None:
        self._requested[trunk_id] = max(self._requested.get(trunk_id, 0) - count, 0)

    def _unlaunched(self, count: int) -> list[Effect]:
        """Tell the pacer that so many of its calls will not be made."""
        if not count:
            return []
        return [self._context.tell_pacer(CallsLaunched(self._context.campaign_id, count, 0))]

    # --- trunks answer ---------------------------------------------------------------------

    def permitted(self, trunk_id: TrunkId, count: int, now_s: float) -> list[Effect]:
        """Use permits: for attempts that lost their trunk, for agents who wait, for the pacer."""
        self._answered(trunk_id, count)
        effects: list[Effect] = []
        for attempt in self._take_reroutes(trunk_id, count):
            effects += self._placing.reroute(attempt, trunk_id, now_s)
            count -= 1
        for agent_id in self._previews.calling[:count]:
            record = self._previews.take_call(agent_id)
            effects += self._placing.intend([record], trunk_id, now_s, agent_id)
            count -= 1
        return effects + self._order(trunk_id, count)

    def refused(self, trunk_id: TrunkId, count: int, now_s: float) -> list[Effect]:
        """Give up what the trunk will not carry: reroutes, then previews, then the pacer's."""
        self._answered(trunk_id, count)
        effects: list[Effect] = []
        for attempt in self._take_reroutes(trunk_id, count):
            effects += self._closing.give_up(attempt, now_s)
            count -= 1
        for agent_id in self._previews.calling[:count]:
            effects += self._previews.fail(agent_id, "no-trunk")
            count -= 1
        return effects + self._unlaunched(count)

    def trunk_restarted(self, trunk_id: TrunkId, now_s: float) -> list[Effect]:
        """Take what a trunk that began anew does not know of any more for refused."""
        return self.refused(trunk_id, self._requested.get(trunk_id, 0), now_s)

    def _take_reroutes(self, trunk_id: TrunkId, most: int) -> list[Attempt]:
        """Return attempts that wait for a trunk, at most so many, and forget them."""
        waiting = self._reroutes.get(trunk_id, [])
        taken: list[Attempt] = []
        while waiting and len(taken) < most:
            attempt = self._table.find(waiting.pop(0), AttemptPhase.RESERVED)
            if attempt is not None:
                taken.append(attempt)
        return taken

    # --- asking lists ----------------------------------------------------------------------

    def _order(self, trunk_id: TrunkId, count: int) -> list[Effect]:
        """Ask the lists for records, as many as there are permits.

        In preview mode records go to agents first: a permit that is left over goes back.
        """
        wanted = self._context.dialing and self._context.spec.mode is not Mode.PREVIEW
        shares = self._supply.next_lists(count) if wanted else {}
        effects = self._unused(trunk_id, count - sum(shares.values()))
        if not shares:
            return effects
        self._made += 1
        key = f"{ORDER}{trunk_id}:{self._made}"
        self._orders[key] = _Order(trunk_id, len(shares))
        for list_id, share in shares.items():
            ask = ReserveRecords(self._context.campaign_id, share, self._context.me, key)
            effects += self._context.tell_list(list_id, ask)
        return effects

    def _unused(self, trunk_id: TrunkId, count: int) -> list[Effect]:
        if not count:
            return []
        returned = self._context.tell_trunk(trunk_id, ReturnPermits(count))
        return [*returned, *self._unlaunched(count)]

    def reserved(self, message: RecordsReserved, now_s: float) -> list[Effect]:
        """Make attempts of what a list handed out; what it did not have, ask of others."""
        order = self._orders.get(message.purpose)
        if order is None:
            return self._forgotten(message)
        order.left -= 1
        order.short += message.asked - len(message.records)
        if len(message.records) < message.asked:
            self._supply.exhausted(message.list_id)
        if self._context.dialing:
            effects = self._placing.intend(message.records, order.trunk_id, now_s)
        else:
            effects = self._release(message)
            effects += self._unused(order.trunk_id, len(message.records))
        if not order.left:
            del self._orders[message.purpose]
            effects += self._order(order.trunk_id, order.short)
        return effects

    def _forgotten(self, message: RecordsReserved) -> list[Effect]:
        """Give back records and permits of an order that a failed behavior made."""
        trunk_id = TrunkId(message.purpose.removeprefix(ORDER).rpartition(":")[0])
        return [*self._release(message), *self._unused(trunk_id, message.asked)]

    def _release(self, message: RecordsReserved) -> list[Effect]:
        effects: list[Effect] = []
        for record in message.records:
            release = ReleaseRecord(self._context.campaign_id, record.ref.row)
            effects += self._context.tell_list(message.list_id, release)
        return effects

    # --- Stop ------------------------------------------------------------------------------

    def stopped(self, now_s: float) -> list[Effect]:
        """Wait for no permit any more, and give up what did."""
        effects: list[Effect] = []
        for trunk_id in self._requested:
            effects += self._context.tell_trunk(trunk_id, WithdrawRequests(self._context.me))
            for attempt in self._take_reroutes(trunk_id, len(self._table)):
                effects += self._closing.give_up(attempt, now_s)
        self._requested.clear()
        for agent_id in self._previews.calling:
            effects += self._previews.fail(agent_id, "stopped")
        return effects
