"""What is said about recording a call: wishes, what came of them, and whether it can be done."""

import msgspec

from engine.actors.kernel.ref import ReplyTo
from engine.compliance.recording import RecordingAction, RecordingState
from engine.domain.ids import AttemptId


class RecordingView(msgspec.Struct, frozen=True):
    """Whether a call is recorded, for people.

    Attributes:
        attempt_id: The call.
        state: What is done with its audio.
        why: Slug of what decided (``engine.compliance.recording``).
        recording_id: The recording; empty: none has begun, or it waits for the notice.
    """

    attempt_id: AttemptId
    state: RecordingState
    why: str
    recording_id: str


class ControlRecording(msgspec.Struct, frozen=True):
    """An agent, a supervisor or a desktop asks for a call to be recorded, or not.

    Attributes:
        attempt_id: The call.
        action: What is wanted.
        by: Who asks: ``agent:ID``, or a supervisor's name.
        automated: Whether an agent's desktop software asks, which is stronger than a person.
        reply_to: Where the answer goes.
    """

    attempt_id: AttemptId
    action: RecordingAction
    by: str
    automated: bool
    reply_to: ReplyTo[RecordingView]


class CallMonitored(msgspec.Struct, frozen=True):
    """A supervisor listens to a call now, or nobody does any more."""

    attempt_id: AttemptId
    on: bool
    by: str


class NoticeDue(msgspec.Struct, frozen=True):
    """The notice should have been heard by now (timer)."""

    attempt_id: AttemptId


class RecorderSampled(msgspec.Struct, frozen=True):
    """Whether calls can be recorded has changed."""

    up: bool


class DescribeRecording(msgspec.Struct, frozen=True):
    """Tell whether a call is recorded."""

    attempt_id: AttemptId
    reply_to: ReplyTo[RecordingView]


class ShowRecording(msgspec.Struct, frozen=True):
    """Whether the call in hand is recorded has changed (from its campaign, to its agent)."""

    view: RecordingView


class ControlOwnRecording(msgspec.Struct, frozen=True):
    """An agent asks that the call in hand be recorded, or not (see ``ControlRecording``)."""

    attempt_id: AttemptId
    action: RecordingAction
    automated: bool
    reply_to: ReplyTo[RecordingView]
