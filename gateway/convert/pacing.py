"""A day of pacing for the wire."""

from engine.runtime.pacing_day import PacingDay
from gateway.convert.events import to_pacing_summed
from gateway.convert.names import name_of
from gateway.convert.units import to_duration, to_timestamp
from gateway.pb.paceline.v1 import pacing_pb2 as pb


def to_report(day: PacingDay) -> pb.ReportPacingResponse:
    """Return what was decided over a day, and why."""
    return pb.ReportPacingResponse(
        campaign=name_of("campaigns", day.campaign_id),
        day=day.day.isoformat(),
        time_zone=day.zone,
        start_time=to_timestamp(day.begins_s),
        end_time=to_timestamp(day.ends_s),
        duration=to_duration(day.length_s),
        calls_started=day.calls_started,
        holds=[
            pb.ReportPacingResponse.Hold(
                reason=reason, duration=to_duration(held_s), idle_duration=to_duration(idle_s)
            )
            for reason, held_s, idle_s in day.holds()
        ],
        minutes=[
            pb.ReportPacingResponse.Minute(
                end_time=to_timestamp(minute.at_s), pacing=to_pacing_summed(minute)
            )
            for minute in day.minutes
        ],
    )
