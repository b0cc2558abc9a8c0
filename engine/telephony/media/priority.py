"""Answer for when the media process runs: before everything else, where that is allowed and safe.

A tick is due every 20 ms. A process of ordinary priority waits for whoever runs, and that, not the
work, made the longest ticks: with 800 calls on two busy cores their 99th percentile was 27 ms of
which 15 ms were work. So the process asks for real-time scheduling (``sched(7)``), which needs
``CAP_SYS_NICE`` or a limit (``RLIMIT_RTPRIO``), and is content with less.
"""

import contextlib
import os
from typing import Final

NICENESS: Final = -10
"""Asked for where real time is not given."""

REALTIME_PRIORITY: Final = 1
"""Above all ordinary processes, below whatever else of the machine is of real time."""


def hurry() -> str:
    """Take the highest priority that is allowed for this process.

    On a machine of one core that is never real time: a switch with too much to do would keep the
    engine from ending calls. Elsewhere a core is left, and the kernel keeps 5 % of each
    (``sched_rt_runtime_us``).

    Returns:
        ``realtime``, ``nice`` or ``usual``.
    """
    if len(os.sched_getaffinity(0)) > 1:
        with contextlib.suppress(OSError):
            own = os.sched_param(REALTIME_PRIORITY)
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, own)
            return "realtime"
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
        return "nice"
    return "usual"
