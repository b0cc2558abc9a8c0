"""What the record of a call keeps of its audio's quality."""

from engine.actors.messages import CustomerMeasured
from engine.domain.facts import CallMeasured
from engine.domain.ids import CampaignId


def measured_fact(message: CustomerMeasured, campaign_id: CampaignId, now_s: float) -> CallMeasured:
    """Return the fact of a measured leg; its attempt need not be open any more."""
    measured = message.measured
    return CallMeasured(
        at_s=now_s,
        attempt_id=message.attempt_id,
        campaign_id=campaign_id,
        leg_id=measured.leg_id,
        received=measured.received,
        lost=measured.lost,
        jitter_ms=measured.jitter_ms,
        sent=measured.sent,
        far_lost=measured.far_lost,
        far_jitter_ms=measured.far_jitter_ms,
        round_trip_ms=measured.round_trip_ms,
    )
