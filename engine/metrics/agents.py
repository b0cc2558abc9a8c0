"""An agent's day as facts tell it: time in each state, calls taken, previews."""

from dataclasses import dataclass, field

from engine.domain.facts import AgentChanged
from engine.metrics.gauges import Row
from engine.metrics.tallies import put_mean, put_share

LOGGED_OUT = "logged-out"
READY = "ready"
NOT_READY = "not-ready"
BUSY = "busy"
ACW = "acw"
SUPERVISING = "supervising"

STATE_OF_PHASE = {
    "connecting": NOT_READY,
    "previewing": BUSY,
    "dialing": BUSY,
    "offered": BUSY,
    "talking": BUSY,
    "holding": BUSY,
}
"""State of each finer phase that a fact may name; any other slug is a state itself."""

BREAK_REASONS = frozenset({"break", "lunch", "meal"})
"""Not Ready reasons that count towards break."""


@dataclass(slots=True)
class AgentDay:
    """One agent, since the reset.

    Attributes:
        state: Present state.
        reason: Not Ready reason.
        campaign_id: Campaign of the interaction in hand, or empty.
        since_s: When the state was entered, None if never. [s since the epoch]
        login_s: When the present login began. [s since the epoch]
        reset_s: When the sums were last cleared. [s since the epoch]
        spent_s: Closed time by state. [s]
        break_s: Closed time on break. [s]
        connected_s: When the call in hand was connected, or None. [s since the epoch]
    """

    state: str = LOGGED_OUT
    reason: str = ""
    campaign_id: str = ""
    since_s: float | None = None
    login_s: float = 0.0
    reset_s: float = 0.0
    spent_s: dict[str, float] = field(default_factory=dict)
    break_s: float = 0.0
    connected_s: float | None = None
    idle_s: float = 0.0
    idle_spans: int = 0
    handled: int = 0
    ended_by_agent: int = 0
    ended_by_remote: int = 0
    rejected: int = 0
    previewed: int = 0
    skipped: int = 0
    preview_s: float = 0.0
    talk_s: float = 0.0
    finished: int = 0

    def change(self, fact: AgentChanged) -> float | None:
        """Enter a state; returns the length of an idle span that work has just ended. [s]"""
        state = STATE_OF_PHASE.get(fact.state, fact.state)
        idle_s = None
        if state != self.state:
            idle_s = self._leave(state, fact.at_s)
            self.since_s = fact.at_s
        elif state == NOT_READY and fact.reason != self.reason:
            self._book(fact.at_s)
            self.since_s = fact.at_s
        if self.state == LOGGED_OUT and state != LOGGED_OUT:
            self.login_s = fact.at_s
        self.state, self.reason, self.campaign_id = state, fact.reason, fact.campaign_id
        return idle_s

    def _leave(self, state: str, at_s: float) -> float | None:
        self._book(at_s)
        if self.state != READY or state != BUSY:
            return None
        span_s = _span_s(self.since_s, at_s)
        self.idle_s += span_s
        self.idle_spans += 1
        return span_s

    def _book(self, at_s: float) -> None:
        open_s = self._open_s(at_s)
        self.spent_s[self.state] = self.spent_s.get(self.state, 0.0) + open_s
        if self.on_break:
            self.break_s += open_s

    def _open_s(self, now_s: float) -> float:
        if self.since_s is None:
            return 0.0
        return _span_s(max(self.since_s, self.reset_s), now_s)

    @property
    def state_text(self) -> str:
        """The state, with the Not Ready reason where one is set."""
        with_reason = self.state == NOT_READY and self.reason
        return f"{self.state} ({self.reason})" if with_reason else self.state

    @property
    def on_break(self) -> bool:
        """Whether the agent is on break."""
        return self.state == NOT_READY and self.reason in BREAK_REASONS

    @property
    def logged_in(self) -> bool:
        """Whether the agent is logged in."""
        return self.state != LOGGED_OUT

    def total_s(self, state: str, now_s: float) -> float:
        """Return the time in a state since the reset, the running span included. [s]"""
        open_s = self._open_s(now_s) if self.state == state else 0.0
        return self.spent_s.get(state, 0.0) + open_s

    def break_total_s(self, now_s: float) -> float:
        """Return the time on break since the reset. [s]"""
        return self.break_s + (self._open_s(now_s) if self.on_break else 0.0)

    def login_total_s(self, now_s: float) -> float:
        """Return the logged-in time since the reset. [s]"""
        states = (READY, NOT_READY, BUSY, ACW, SUPERVISING)
        return sum(self.total_s(state, now_s) for state in states)

    def working_s(self, now_s: float) -> float:
        """Return the working time since the reset: logged in, less breaks. [s]"""
        return self.login_total_s(now_s) - self.break_total_s(now_s)

    def handling_s(self, now_s: float) -> float:
        """Return the busy time and after-call work since the reset. [s]"""
        return self.total_s(BUSY, now_s) + self.total_s(ACW, now_s)

    def handle_s(self, now_s: float) -> float:
        """Return talk, hold and after-call work of ended calls since the reset. [s]"""
        return self.talk_s + self.total_s(ACW, now_s)

    def reset(self, at_s: float) -> None:
        """Clear the sums; where the agent stands is untouched."""
        self.reset_s = at_s
        self.spent_s = {}
        self.break_s = self.idle_s = self.preview_s = self.talk_s = 0.0
        self.idle_spans = self.handled = self.ended_by_agent = self.ended_by_remote = 0
        self.rejected = self.previewed = self.skipped = self.finished = 0

    def row(self, now_s: float) -> Row:
        """Return the agent's values by catalogue id."""
        row: Row = {
            "state": self.state_text,
            "not_ready_reason": self.reason if self.state == NOT_READY else "",
            "active": 1 if self.state in {BUSY, ACW} else 0,
            "service": self.campaign_id,
            "time_in_state": _span_s(self.since_s, now_s),
            "login_time": _span_s(self.login_s, now_s) if self.logged_in else 0.0,
            "idle_time": _span_s(self.since_s, now_s) if self.state == READY else 0.0,
            "talk": _span_s(self.connected_s, now_s),
            "out_handled": self.handled,
            "out_agent_disconnected": self.ended_by_agent,
            "out_remote_disconnected": self.ended_by_remote,
            "out_rejected": self.rejected,
            "previewed": self.previewed,
            "skipped": self.skipped,
            "total_login_time": self.login_total_s(now_s),
            "total_working_time": self.working_s(now_s),
            "total_ready_time": self.total_s(READY, now_s),
            "total_not_ready_time": self.total_s(NOT_READY, now_s),
            "break_time": self.break_total_s(now_s),
            "total_acw_time": self.total_s(ACW, now_s),
        }
        put_share(row, "occupancy", self.handling_s(now_s), self.working_s(now_s))
        put_share(row, "skipped_pct", self.skipped, self.previewed)
        put_mean(row, "avg_idle_time", self.idle_s, self.idle_spans)
        put_mean(row, "avg_preview_time", self.preview_s, self.previewed)
        return row


def _span_s(since_s: float | None, now_s: float) -> float:
    return 0.0 if since_s is None else max(0.0, now_s - since_s)
