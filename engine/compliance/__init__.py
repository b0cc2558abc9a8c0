"""Whether a call may be made: hours, do-not-call, claims, caps, schedules. Pure questions."""
