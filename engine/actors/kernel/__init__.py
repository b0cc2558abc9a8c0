"""The kernel: runs behaviors one message at a time and carries out the effects they return."""

from engine.actors.kernel.dispatcher import Fault, Kernel
from engine.actors.kernel.effects import (
    CancelTimer,
    Do,
    Effect,
    Refuse,
    Reply,
    Sample,
    StartTimer,
    Stop,
    Tell,
)
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.kernel.scheduler import Scheduler, TimerHandle
from engine.actors.kernel.virtual import DeadlockError, VirtualScheduler

__all__ = [
    "CancelTimer",
    "DeadlockError",
    "Do",
    "Effect",
    "Fault",
    "Kernel",
    "Ref",
    "Refuse",
    "Reply",
    "ReplyTo",
    "Sample",
    "Scheduler",
    "StartTimer",
    "Stop",
    "Tell",
    "TimerHandle",
    "VirtualScheduler",
]
