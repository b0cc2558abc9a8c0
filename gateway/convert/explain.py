"""Why nothing is dialed: what a campaign and its lists say, in one answer."""

from collections.abc import Mapping, Sequence

from engine.actors.messages import CampaignView, ReasonCount, SupplyView
from engine.domain.ids import ListId
from engine.domain.specs import CampaignSpec, Mode
from engine.machines.campaign import CampaignPhase
from gateway.convert.campaigns import MODES
from gateway.convert.units import some_time
from gateway.convert.views import RUN_STATES, to_supply
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

_SAMPLES = 10
_REFUSED = "caller-id-refused"


def to_campaign_explanation(
    spec: CampaignSpec,
    view: CampaignView,
    supplies: Mapping[ListId, SupplyView],
    ready_agents: int,
) -> pb.ExplainCampaignResponse:
    """Return why nothing, or not more, is dialed.

    Args:
        spec: The campaign.
        view: What it says of itself.
        supplies: What its lists have for it.
        ready_agents: Agents ready for it.
    """
    hindrances = _of_campaign(view)
    hindrances += _of_records(list(supplies.values()))
    hindrances += _of_caller_ids(spec, view)
    answer = pb.ExplainCampaignResponse(
        run_state=RUN_STATES[view.phase],
        hindrances=hindrances,
        supplies=[
            to_supply(spec.campaign_id, link, supplies[link.list_id])
            for link in sorted(spec.lists, key=lambda link: link.order)
            if link.list_id in supplies
        ],
        effective_mode=MODES[Mode(view.effective_mode)],
        ready_agents=ready_agents,
        attempts_in_progress=view.attempts_open,
        next_edge_time=some_time(view.next_edge_s),
        next_edge_starts=view.next_edge_starts,
    )
    answer.summary = _summary(answer)
    return answer


def _of_campaign(view: CampaignView) -> list[pb.Hindrance]:
    """Tell what is about the campaign as a whole; of trunks, one by one."""
    trunks = [pb.Hindrance(reason=reason, detail=about) for reason, about in view.trunk_hindrances]
    reasons = [each for each in view.why_idle if each != "trunk-down" or not trunks]
    return [*(pb.Hindrance(reason=reason) for reason in reasons), *trunks]


def _of_caller_ids(spec: CampaignSpec, view: CampaignView) -> list[pb.Hindrance]:
    """Tell of fields that should hold a number to show; their records are called all the same."""
    if not view.caller_ids_refused:
        return []
    return [
        pb.Hindrance(
            reason=_REFUSED,
            detail=spec.caller_id_field,
            record_count=view.caller_ids_refused,
        )
    ]


def _of_records(supplies: Sequence[SupplyView]) -> list[pb.Hindrance]:
    merged: dict[tuple[str, str], list[ReasonCount]] = {}
    for supply in supplies:
        for count in supply.reasons:
            merged.setdefault((count.reason, count.detail), []).append(count)
    told = [_hindrance(reason, detail, counts) for (reason, detail), counts in merged.items()]
    return sorted(told, key=lambda item: -item.record_count)


def _hindrance(reason: str, detail: str, counts: Sequence[ReasonCount]) -> pb.Hindrance:
    samples = [str(ref) for count in counts for ref in count.samples]
    return pb.Hindrance(
        reason=reason,
        detail=detail,
        record_count=sum(count.count for count in counts),
        sample_records=samples[:_SAMPLES],
        until_time=some_time(min((c.next_s for c in counts if c.next_s), default=0.0)),
    )


def _summary(answer: pb.ExplainCampaignResponse) -> str:
    callable_count = sum(supply.callable_count for supply in answer.supplies)
    if answer.run_state != RUN_STATES[CampaignPhase.RUNNING]:
        state = pb.RunState.Name(answer.run_state).removeprefix("RUN_STATE_").lower()
        return f"The campaign is {state}: nothing new is dialed."
    why = dict.fromkeys(item.reason for item in answer.hindrances if not item.record_count)
    if why:
        return f"Nothing is dialed now: {', '.join(why)}."
    if not callable_count:
        holding = [item for item in answer.hindrances if item.reason != _REFUSED]
        held = ", ".join(f"{item.reason} ({item.record_count})" for item in holding[:3])
        return f"No record may be dialed now: {held or 'the lists are empty'}."
    return f"{callable_count} records may be dialed now."
