"""What carries out the commands of behaviors that are not telephony's."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.actors.kernel import Ref
from engine.actors.messages import (
    BlockNumber,
    CloseGate,
    FieldsRead,
    ForgetSession,
    Journal,
    NotifyDesk,
    NotifySupervisor,
    OpenGate,
    PublishGauges,
    PublishPacing,
    ReadFields,
    SavePacing,
)
from engine.runtime.campaign_gauges import GaugeBoard

if TYPE_CHECKING:
    from engine.runtime.assembly import Runtime

Performer = Callable[[Any, Ref[Any], float], None]
"""Takes a command of its kind, who sends it, and the time. [s since the epoch]"""


def performers_of(runtime: "Runtime") -> dict[type, Performer]:
    """Return what carries out each kind of command."""
    gate, listeners, statistics = runtime.gate, runtime.listeners, runtime.statistics
    gauges = GaugeBoard(statistics.board, statistics.pacing)

    def publish(command: PublishGauges, _sender: Ref[Any], _now_s: float) -> None:
        gauges.put(command.object_id, command.gauges)  # type: ignore[arg-type]  # any gauges

    def desk(command: NotifyDesk, _sender: Ref[Any], _now_s: float) -> None:
        listeners.desk(command.agent_id, command.event)  # type: ignore[arg-type]

    def supervisor(command: NotifySupervisor, _sender: Ref[Any], _now_s: float) -> None:
        listeners.supervisor(command.session_id, command.event)  # type: ignore[arg-type]

    def forget(command: ForgetSession, _sender: Ref[Any], _now_s: float) -> None:
        runtime.registry.sessions.drop(command.session_id)

    def read(command: ReadFields, sender: Ref[Any], _now_s: float) -> None:
        def found(values: Sequence[str]) -> None:
            runtime.kernel.tell(sender, FieldsRead(command.token, tuple(values)))

        runtime.store.read_field(command.list_id, command.rows, command.field, found)

    return {
        Journal: runtime.outbox.journal,
        OpenGate: lambda c, _s, _t: gate.open(c.campaign_id, c.generation),
        CloseGate: lambda c, _s, _t: gate.close(c.campaign_id),
        BlockNumber: lambda c, _s, _t: runtime.ledger.add_dnc([c.number]),
        PublishGauges: publish,
        NotifyDesk: desk,
        NotifySupervisor: supervisor,
        PublishPacing: lambda c, _s, _t: statistics.paced(c),
        SavePacing: lambda c, _s, _t: runtime.matchers.save(c.laws),
        ForgetSession: forget,
        ReadFields: read,
    }
