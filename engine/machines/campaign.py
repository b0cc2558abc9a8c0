"""A campaign's run state. The schedule is no state: it is edges that act once."""

from enum import Enum

from engine.machines.machine import Machine


class CampaignPhase(Enum):
    """Whether a campaign makes attempts."""

    IDLE = "idle"
    RUNNING = "running"
    STOPPING = "stopping"
    """Nothing new leaves; what is under way ends normally."""


class Started:
    """Start: by an operator or a schedule edge."""


class Stopped:
    """Stop: by an operator, a schedule edge or the engine."""


class Drained:
    """The last attempt under way has ended."""


CAMPAIGN: Machine[CampaignPhase] = Machine(
    name="campaign",
    initial=CampaignPhase.IDLE,
    rows={
        CampaignPhase.IDLE: {Started: CampaignPhase.RUNNING},
        CampaignPhase.RUNNING: {Stopped: CampaignPhase.STOPPING},
        CampaignPhase.STOPPING: {
            Started: CampaignPhase.RUNNING,
            Drained: CampaignPhase.IDLE,
        },
    },
    ignored=frozenset(
        {
            (CampaignPhase.IDLE, Stopped),  # "already"
            (CampaignPhase.STOPPING, Stopped),  # "already"
            (CampaignPhase.RUNNING, Started),  # "already"
            (CampaignPhase.IDLE, Drained),  # an attempt of an earlier life was closed
            (CampaignPhase.RUNNING, Drained),  # started again before the last one ended
        }
    ),
    ends=frozenset({CampaignPhase.IDLE}),
    anytime=frozenset({Stopped, Drained}),
)
