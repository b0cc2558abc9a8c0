"""Refusals: why a request was not carried out, each with a slug that clients may rely on."""


class DialerError(Exception):
    """A request was not carried out.

    Attributes:
        slug: Stable, machine-readable reason, e.g. ``unknown-campaign``.
        message: What is wrong and where, for a person.
    """

    slug: str = "dialer"

    def __init__(self, message: str, *, slug: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if slug is not None:
            self.slug = slug


class InvalidRequestError(DialerError):
    """The request could never be carried out as it is."""

    slug = "invalid-request"


class InvalidNumberError(InvalidRequestError):
    """The text is not a telephone number."""

    slug = "invalid-number"


class InvalidHoursError(InvalidRequestError):
    """The calling hours or schedule are not understood."""

    slug = "invalid-hours"


class InvalidZoneError(InvalidRequestError):
    """The text is not an IANA time zone."""

    slug = "invalid-zone"


class NotFoundError(DialerError):
    """What the request names does not exist."""

    slug = "not-found"


class UnknownCampaignError(NotFoundError):
    """No such campaign."""

    slug = "unknown-campaign"


class UnknownListError(NotFoundError):
    """No such list."""

    slug = "unknown-list"


class UnknownRecordError(NotFoundError):
    """No such record."""

    slug = "unknown-record"


class UnknownAgentError(NotFoundError):
    """No such agent."""

    slug = "unknown-agent"


class UnknownTeamError(NotFoundError):
    """No such team."""

    slug = "unknown-team"


class UnknownTrunkError(NotFoundError):
    """No such trunk."""

    slug = "unknown-trunk"


class UnknownRecordingError(NotFoundError):
    """No recording with this id, or it has no file."""

    slug = "unknown-recording"


class UnknownCallError(NotFoundError):
    """No such call or attempt in progress."""

    slug = "unknown-call"


class AlreadyExistsError(DialerError):
    """What the request creates exists."""

    slug = "already-exists"


class DuplicateListError(AlreadyExistsError):
    """The list exists."""

    slug = "duplicate-list"


class NotNowError(DialerError):
    """The request is sound, but not in the present state."""

    slug = "not-now"


class IllegalTransitionError(NotNowError):
    """The state machine has no such step from where it is."""

    slug = "illegal-transition"


class AgentBusyError(NotNowError):
    """The agent handles an interaction."""

    slug = "agent-busy"


class CampaignIncompleteError(NotNowError):
    """The campaign lacks what it needs to run; the message lists it."""

    slug = "campaign-incomplete"


class CallingHoursClosedError(NotNowError):
    """The number may not be called at this hour."""

    slug = "calling-hours-closed"


class OnDncError(NotNowError):
    """The number is on a do-not-call list."""

    slug = "on-dnc"


class UnattendedLimitReachedError(NotNowError):
    """The unattended budget is spent."""

    slug = "unattended-limit-reached"


class StaleError(DialerError):
    """The request was made from an outdated view."""

    slug = "stale"


class RevisionChangedError(StaleError):
    """The etag is not the resource's present one."""

    slug = "revision-changed"


class ExhaustedError(DialerError):
    """A bound is reached; trying later may help."""

    slug = "exhausted"


class MailboxFullError(ExhaustedError):
    """The actor has too many messages waiting."""

    slug = "mailbox-full"


class TrunkFullError(ExhaustedError):
    """The trunk has no free channel."""

    slug = "trunk-full"


class TooManyCallsPerSecondError(ExhaustedError):
    """The trunk's calls-per-second cap is reached."""

    slug = "too-many-calls-per-second"


class PastEndError(DialerError):
    """The position asked for is outside of what is kept."""

    slug = "past-end"


class EventsExpiredError(PastEndError):
    """The event sequence number asked for does not exist."""

    slug = "events-expired"


class UnavailableError(DialerError):
    """Something the request needs does not work now."""

    slug = "unavailable"


class DrainingError(UnavailableError):
    """The engine is going down."""

    slug = "draining"


class CarrierUnreachableError(UnavailableError):
    """The trunk does not answer."""

    slug = "carrier-unreachable"


class JournalError(UnavailableError):
    """The store cannot be written; nothing new may start."""

    slug = "journal-unwritable"


KINDS: tuple[type[DialerError], ...] = (
    InvalidRequestError,
    NotFoundError,
    AlreadyExistsError,
    NotNowError,
    StaleError,
    ExhaustedError,
    PastEndError,
    UnavailableError,
)
"""The kinds of refusal; every refusal descends from exactly one."""
