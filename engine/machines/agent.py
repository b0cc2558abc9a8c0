"""An agent's life at work: from login to logout, one interaction at a time."""

from enum import Enum

from engine.machines.machine import Machine


class AgentPhase(Enum):
    """Where an agent stands; what supervisors see of it is ``AgentState``."""

    LOGGED_OUT = "logged-out"
    CONNECTING = "connecting"
    """Logging in: the nailed-up phone is being called."""
    READY = "ready"
    NOT_READY = "not-ready"
    SUPERVISING = "supervising"
    PREVIEWING = "previewing"
    """A record is on the desktop, for review."""
    DIALING = "dialing"
    """The previewed record is being called."""
    OFFERED = "offered"
    """A call is on the desktop, or the phone rings, to be taken."""
    TALKING = "talking"
    HOLDING = "holding"
    """The customer is on hold."""
    ACW = "acw"
    """After-call work."""


class AgentState(Enum):
    """The agent's state as the guide names it."""

    LOGGED_OUT = "logged-out"
    READY = "ready"
    NOT_READY = "not-ready"
    BUSY = "busy"
    ACW = "acw"
    SUPERVISING = "supervising"


STATE_OF: dict[AgentPhase, AgentState] = {
    AgentPhase.LOGGED_OUT: AgentState.LOGGED_OUT,
    AgentPhase.CONNECTING: AgentState.NOT_READY,
    AgentPhase.READY: AgentState.READY,
    AgentPhase.NOT_READY: AgentState.NOT_READY,
    AgentPhase.SUPERVISING: AgentState.SUPERVISING,
    AgentPhase.PREVIEWING: AgentState.BUSY,
    AgentPhase.DIALING: AgentState.BUSY,
    AgentPhase.OFFERED: AgentState.BUSY,
    AgentPhase.TALKING: AgentState.BUSY,
    AgentPhase.HOLDING: AgentState.BUSY,
    AgentPhase.ACW: AgentState.ACW,
}
"""What each phase is called outside."""


class LoggedIn:
    """The agent logged in; a nailed-up phone is called."""


class PhoneUp:
    """The nailed-up phone answered, or none is needed before the first call."""


class MadeReady:
    """The agent, or a supervisor, chose Ready; or the work ended and nothing else was chosen."""


class MadeNotReady:
    """The agent, a supervisor or the engine chose Not Ready."""


class MadeSupervising:
    """The supervisor chose Supervising."""


class PreviewGiven:
    """A record came for review."""


class PreviewCalled:
    """The agent has the record called."""


class CallOffered:
    """A call came to be taken."""


class CallTaken:
    """The agent and the customer hear each other."""


class Held:
    """The agent put the customer on hold."""


class Resumed:
    """The agent took the customer back."""


class CallGone:
    """The call, or the review, is over and leaves work to do."""


class WorkDone:
    """The interaction is over and leaves nothing to do; Ready unless Not Ready was asked for."""


class PhoneGone:
    """The phone's leg ended, or could not be had."""


class LoggedOut:
    """The agent logged out, or was logged out."""


_IDLE: dict[type, AgentPhase] = {
    MadeReady: AgentPhase.READY,
    MadeNotReady: AgentPhase.NOT_READY,
    MadeSupervising: AgentPhase.SUPERVISING,
    PhoneGone: AgentPhase.NOT_READY,
    LoggedOut: AgentPhase.LOGGED_OUT,
}

AGENT: Machine[AgentPhase] = Machine(
    name="agent",
    initial=AgentPhase.LOGGED_OUT,
    rows={
        AgentPhase.LOGGED_OUT: {LoggedIn: AgentPhase.CONNECTING},
        AgentPhase.CONNECTING: {
            PhoneUp: AgentPhase.NOT_READY,
            PhoneGone: AgentPhase.NOT_READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
        AgentPhase.READY: {
            **_IDLE,
            PreviewGiven: AgentPhase.PREVIEWING,
            CallOffered: AgentPhase.OFFERED,
        },
        AgentPhase.NOT_READY: {**_IDLE, LoggedIn: AgentPhase.CONNECTING},
        AgentPhase.SUPERVISING: _IDLE,
        # A lost phone ends every interaction: the customer goes to another agent (C4).
        AgentPhase.PREVIEWING: {
            PreviewCalled: AgentPhase.DIALING,
            WorkDone: AgentPhase.READY,
            MadeNotReady: AgentPhase.NOT_READY,
            PhoneGone: AgentPhase.NOT_READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
        AgentPhase.DIALING: {
            CallOffered: AgentPhase.OFFERED,
            CallTaken: AgentPhase.TALKING,
            CallGone: AgentPhase.ACW,
            WorkDone: AgentPhase.READY,
            PhoneGone: AgentPhase.NOT_READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
        AgentPhase.OFFERED: {
            CallTaken: AgentPhase.TALKING,
            WorkDone: AgentPhase.READY,
            MadeNotReady: AgentPhase.NOT_READY,
            PhoneGone: AgentPhase.NOT_READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
        AgentPhase.TALKING: {
            Held: AgentPhase.HOLDING,
            CallGone: AgentPhase.ACW,
            PhoneGone: AgentPhase.NOT_READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
        AgentPhase.HOLDING: {
            Resumed: AgentPhase.TALKING,
            CallGone: AgentPhase.ACW,
            PhoneGone: AgentPhase.NOT_READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
        AgentPhase.ACW: {
            MadeReady: AgentPhase.READY,
            MadeNotReady: AgentPhase.NOT_READY,
            MadeSupervising: AgentPhase.SUPERVISING,
            WorkDone: AgentPhase.READY,
            LoggedOut: AgentPhase.LOGGED_OUT,
        },
    },
    ignored=frozenset(
        {
            (AgentPhase.LOGGED_OUT, PhoneGone),  # the leg's end after our own BYE
            (AgentPhase.LOGGED_OUT, LoggedOut),  # asked twice
            (AgentPhase.ACW, PhoneGone),  # the work goes on without a phone; Not Ready follows it
        }
    ),
    ends=frozenset({AgentPhase.LOGGED_OUT}),
    anytime=frozenset({PhoneGone, LoggedOut}),
)
