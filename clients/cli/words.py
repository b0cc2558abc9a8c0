"""Reasons in words: what each slug means with which the engine says why it does not call."""

PACING = {
    "risk": "calls under way suffice: one more might find no agent",
    "agents": "a call is under way for every ready agent",
    "budget": "unattended budget used up: one call for each ready agent",
    "warming-up": "too little learned yet: one call for each ready agent",
    "hours": "no record may be called: hours, caps, rests or the end of the lists",
    "supply": "fewer records may be called than agents could take",
    "trunk": "no trunk, or no free channel",
    "calls-per-s": "limit on calls per second",
    "level": "maximum dial level",
    "mode": "agents review records themselves",
    "no-agent": "no agent at work",
    "starting": "calls just ordered had not left yet",
}
"""What holds pacing back."""

CAMPAIGN = {
    "not-running": "started neither by hand nor by its schedule",
    "no-caller-id": "it has no number to show",
    "recorder-down": "its calls must be recorded, and none can be now",
    "trunk-down": "no trunk of it is reached",
    "trunk-full": "every channel is in use",
    "media-full": "the media switch has no place for another leg",
    "no-such-trunk": "there is no trunk, and no group of trunks, of that name",
    "lists-exhausted": "no enabled list has a record left",
    "no-callable-record": "no record may be called now",
    "caller-id-refused": "no number in the field to show: these calls show another",
}
"""What holds a campaign back as a whole."""

RECORDS = {
    "outside-hours": "outside calling hours where the person may be",
    "unknown-zone": "no zone is known for the number",
    "loading": "the list is being read",
    "waiting": "set to be called later",
    "in-progress": "a call is under way",
    "done": "finished",
    "number-stopped": "none of its numbers is called any more",
    "number-in-use": "the number is being called for another record",
    "number-resting": "called too short a time ago",
    "on-dnc": "on the do-not-call list",
    "day-cap": "called as often as one day allows",
    "attempt-cap": "called as often as the campaign allows",
}
"""What holds records back, and single numbers."""

_ALL = PACING | CAMPAIGN | RECORDS


def words(reason: str) -> str:
    """Return a reason in words; one that is not known here speaks for itself."""
    return _ALL.get(reason, "")
