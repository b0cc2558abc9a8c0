"""What users configure: campaigns, lists, agents, teams and trunks, as frozen values.

These are stored as they are (msgpack) and replaced whole; run-time state lives elsewhere. Times of
day are seconds after local midnight, weekdays are 0 (Monday) to 6.
"""

from enum import StrEnum

import msgspec

from engine.domain.analysis import AnalysisSpec
from engine.domain.dispositions import DialRule, Disposition
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, CampaignId, ListId, TeamId, TrunkId
from engine.domain.scenario import Scenario

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


class Mode(StrEnum):
    """How a campaign chooses when to start calls."""

    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"
    AUTOMATIC = "automatic"


class AgentLeg(StrEnum):
    """How an agent's phone is reached."""

    NAILED_UP = "nailed-up"
    """Called once at login and kept; calls are joined by the mix matrix."""
    PER_CALL = "per-call"
    """Rung for each call."""


class NumberChoice(StrEnum):
    """Which number of a record an attempt takes (guide: Attempt Limits)."""

    FIRST = "first"
    """The first dialable one by order, until its attempts are used up."""
    LEAST_ATTEMPTED = "least-attempted"
    """The dialable one tried least."""


class RuleWindow(StrEnum):
    """A period over which a rule caps unattended calls."""

    CALENDAR_DAY = "calendar-day"
    """In the contact centre's zone."""
    ROLLING_24H = "rolling-24h"
    ROLLING_30D = "rolling-30d"


class Transport(StrEnum):
    """How SIP travels to a trunk (RFC 3261 §18)."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class TrunkKind(StrEnum):
    """Which adapter places the calls of a trunk."""

    SIP = "sip"
    PYVOIP = "pyvoip"
    """A lab adapter in a process of its own; an extra."""


class Need(StrEnum):
    """Whether something is used with a peer."""

    OFF = "off"
    OFFERED = "offered"
    """Used if the peer can."""
    REQUIRED = "required"
    """No call without it."""


class RecordingRule(StrEnum):
    """Which calls a setting wants recorded."""

    INHERIT = "inherit"
    """As the next weaker setting says."""
    ALL = "all"
    NONE = "none"


_SECRETS = frozenset({"password", "phone_password"})


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what users configure; no password of theirs is ever shown (invariant X6)."""

    def __repr__(self) -> str:
        values = (
            f"{name}='•••'"
            if name in _SECRETS and getattr(self, name)
            else f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
        )
        return f"{type(self).__name__}({', '.join(values)})"


class HoursRow(Spec, frozen=True):
    """When phones of some types may be called, in the called party's zone.

    Attributes:
        phone_types: Phone types it is for; empty: all.
        days: Weekdays, 0 is Monday.
        opens_s: First second of the day. [s after local midnight]
        closes_s: End, excluded. [s after local midnight, up to 86,400]
    """

    opens_s: int
    closes_s: int
    phone_types: tuple[str, ...] = ()
    days: tuple[int, ...] = EVERY_DAY


class RunWindow(Spec, frozen=True):
    """Automatic start and stop, as two edges in the contact centre's zone.

    Attributes:
        starts_s: Start edge. [s after local midnight]
        stops_s: Stop edge, on the same day if later than the start, else on the next.
            [s after local midnight]
        days: Weekdays of the start edge, 0 is Monday.
    """

    starts_s: int
    stops_s: int
    days: tuple[int, ...] = EVERY_DAY


class ListLink(Spec, frozen=True):
    """A list in a campaign (guide: Lists Tab). Disabled until someone enables it."""

    list_id: ListId
    enabled: bool = False
    order: int = 1
    ratio: int = 1


class CampaignSpec(Spec, frozen=True, kw_only=True):
    """A campaign as operators configure it.

    Attributes:
        campaign_id: Its id.
        display_name: Its name for people.
        mode: Preview, progressive, predictive or automatic.
        lists: Lists it dials.
        teams: Teams whose agents take its calls; each agent has the skill at the highest level.
        skills: Levels that differ, by agent: 0 (not qualified) to 100.
        trunks: Trunks by preference; a later one is used when earlier ones are down or full.
        caller_id: Number shown to the called party, where no rule below finds another.
        caller_name: Name shown, may be empty.
        caller_id_field: Field of the record that holds the number to show; empty: none.
        caller_ids: Numbers to choose from by the nearest area: the one that shares most leading
            digits with the number called; empty: none.
        schedule: Edges of automatic start and stop; empty: manual only.
        hours: Calling hours; a campaign without any cannot dial.
        end_guard_s: No attempt starts within this time of the end of the hours. [s]
        progressive_rate: Calls per ready agent in progressive mode, 1.0 to 3.0.
        max_level: Predictive: most calls in progress per ready agent.
        target_occupancy: Predictive set point, share in [0, 1].
        max_unattended_ratio: Cap on unattended over answered, share in [0, 1].
        false_machine_windows: Rule windows that count persons whom analysis took for machines, as
            unattended and as answered; empty: none (Ofcom: rolling 24 hours).
        false_machine_ratio: Share of persons that analysis is thought to take for machines, by
            which they are estimated, in [0, 0.5].
        unattended_timeout_s: From the answer until a call without an agent is unattended. [s]
        unattended_prompt: Message to an unattended person; empty: hang up.
        opt_out_key: Key by which a person who hears a message asks never to be called again;
            empty: none.
        opt_out_prompt: What confirms that; empty: the call just ends.
        hold_prompt: What a person hears on hold.
        analysis: How answers are analysed; None: every answer counts as a person.
        no_answer_timeout_s: Ring time before CANCEL, 15 to 120. [s]
        number_choice: Which number of a record is taken.
        max_attempts_per_record: After this many the record is final.
        max_attempts_per_number: After this many the number is not tried again.
        max_attempts_per_day: Per record and local calendar day; 0: not applied.
        min_gap_s: Least time between two attempts on one number. [s]
        dispositions: Own dispositions beside the predefined ones.
        dial_rules: Own dial rules, in place of the default ones.
        priority: 1 to 100 among campaigns that want the same agent.
        max_calls: Simultaneous attempts; 0: no limit of its own. In automatic mode 0 means 10.
        max_calls_per_s: Attempts per second; 0: no limit of its own.
        automatic_answer: Whether a call opens on the agent's desktop without accepting.
        acw_limit_s: Longest after-call work; 0: no limit. [s]
        offer_timeout_s: How long an offer may wait for the agent. [s]
        preview_limit_s: Longest preview; 0: no limit. [s]
        prompt: Automatic mode: what answered calls hear, unless there is a scenario.
        scenario: Automatic mode: what is done with answered calls; None: ``prompt`` is played.
        recording: Which of its calls are recorded.
        recording_notice: Told to the called party before recording begins; empty: none.
        revision: Grows with each change; the etag.
    """

    campaign_id: CampaignId
    display_name: str = ""
    mode: Mode = Mode.PREVIEW
    lists: tuple[ListLink, ...] = ()
    teams: tuple[TeamId, ...] = ()
    skills: dict[AgentId, int] = {}
    trunks: tuple[TrunkId, ...] = ()
    caller_id: E164 | None = None
    caller_name: str = ""
    caller_id_field: str = ""
    caller_ids: tuple[E164, ...] = ()
    schedule: tuple[RunWindow, ...] = ()
    hours: tuple[HoursRow, ...] = ()
    end_guard_s: int = 60
    progressive_rate: float = 1.0
    max_level: float = 3.0
    target_occupancy: float = 0.85
    max_unattended_ratio: float = 0.03
    false_machine_windows: tuple[RuleWindow, ...] = ()
    false_machine_ratio: float = 0.01
    unattended_timeout_s: float = 2.0
    unattended_prompt: str = ""
    opt_out_key: str = ""
    opt_out_prompt: str = ""
    hold_prompt: str = "hold-music"
    analysis: AnalysisSpec | None = None
    no_answer_timeout_s: float = 25.0
    number_choice: NumberChoice = NumberChoice.FIRST
    max_attempts_per_record: int = 5
    max_attempts_per_number: int = 3
    max_attempts_per_day: int = 0
    min_gap_s: float = 60.0
    dispositions: tuple[Disposition, ...] = ()
    dial_rules: tuple[DialRule, ...] = ()
    priority: int = 50
    max_calls: int = 0
    max_calls_per_s: float = 0.0
    automatic_answer: bool = False
    acw_limit_s: float = 0.0
    offer_timeout_s: float = 15.0
    preview_limit_s: float = 0.0
    prompt: str = ""
    scenario: Scenario | None = None
    recording: RecordingRule = RecordingRule.INHERIT
    recording_notice: str = ""
    revision: int = 1


class ListSpec(Spec, frozen=True, kw_only=True):
    """A list of records.

    Attributes:
        list_id: Its id.
        display_name: Its name for people.
        region: ISO 3166 region that numbers in national form belong to.
        default_zone: IANA zone for records whose number tells none; empty: none.
        revision: Grows with each change; the etag.
    """

    list_id: ListId
    display_name: str = ""
    region: str = "US"
    default_zone: str = ""
    revision: int = 1


class AgentSpec(Spec, frozen=True, kw_only=True):
    """An agent.

    Attributes:
        agent_id: Its id.
        display_name: Its name for people.
        team_id: Team it is a member of.
        phone: SIP URI of a fixed phone; empty: the phone registered under the agent's id.
        phone_password: Password the phone registers with (digest); empty: may not register.
        leg: Nailed-up or per call.
        recording: Which of the agent's calls are recorded.
        revision: Grows with each change; the etag.
    """

    agent_id: AgentId
    display_name: str = ""
    team_id: TeamId = TeamId("")
    phone: str = ""
    phone_password: str = ""
    leg: AgentLeg = AgentLeg.NAILED_UP
    recording: RecordingRule = RecordingRule.INHERIT
    revision: int = 1


class TeamSpec(Spec, frozen=True, kw_only=True):
    """A team of agents."""

    team_id: TeamId
    display_name: str = ""
    revision: int = 1


class TrunkSpec(Spec, frozen=True, kw_only=True):
    """A carrier connection.

    Attributes:
        trunk_id: Its id.
        address: Host or host:port that INVITEs are sent to; without a port DNS SRV is asked first,
            then the default port holds: 5060, over TLS 5061 (RFC 3263).
        kind: Which adapter places its calls.
        display_name: Its name for people.
        transport: How SIP travels.
        group: Name of the group it belongs to; a campaign may name the group in place of trunks.
        priority: Within the group, trunks of the lowest number are used first.
        weight: Share of the calls among trunks of equal priority.
        channels: Most simultaneous legs.
        calls_per_s: Most INVITEs per second.
        domain: Host part of request, From and To URIs; empty: the address.
        username: For digest authentication; empty: the trunk must not challenge.
        password: For digest authentication.
        realm: Realm that credentials are given to; empty: the first one met at this address.
        register_s: Time for which we register at the carrier; 0: we do not. [s]
        options_s: Period of OPTIONS keep-alives; 0: none. [s]
        session_s: Session interval asked for (RFC 4028), at least 90; 0: none. [s]
        reliable: Reliable provisional responses (RFC 3262).
        assert_identity: Whether the caller id also goes as P-Asserted-Identity (RFC 3325).
        privacy: Whether the called party is not to see the caller id (RFC 3323, RFC 3325).
        diversion: Number that calls are said to be diverted from (RFC 5806); None: none.
        srtp: Encrypted audio with keys in the SDP (RFC 4568); only over TLS.
        tls_ca: PEM file of the authorities trusted for its certificate; empty: the system's.
        tls_certificate: PEM file of our certificate, if it wants one (mutual TLS).
        tls_key: PEM file of its key.
        tls_name: Name its certificate must carry; empty: the host of the address.
        revision: Grows with each change; the etag.
    """

    trunk_id: TrunkId
    address: str
    kind: TrunkKind = TrunkKind.SIP
    display_name: str = ""
    transport: Transport = Transport.UDP
    group: str = ""
    priority: int = 1
    weight: int = 1
    channels: int = 100
    calls_per_s: float = 50.0
    domain: str = ""
    username: str = ""
    password: str = ""
    realm: str = ""
    register_s: float = 0.0
    options_s: float = 30.0
    session_s: float = 1800.0
    reliable: Need = Need.OFF
    assert_identity: bool = False
    privacy: bool = False
    diversion: E164 | None = None
    srtp: Need = Need.OFF
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_name: str = ""
    revision: int = 1


AnySpec = CampaignSpec | ListSpec | AgentSpec | TeamSpec | TrunkSpec
"""Any of them."""

SPEC_TYPES: dict[str, type[AnySpec]] = {
    "campaign": CampaignSpec,
    "list": ListSpec,
    "agent": AgentSpec,
    "team": TeamSpec,
    "trunk": TrunkSpec,
}
"""The spec type of each kind of resource."""
