"""pyVoIP as a phone, in a process of its own: it registers, answers, speaks a tone, and listens.

``python -m tests.support.pyvoip_phone SERVER_PORT USER PASSWORD OWN_PORT HZ`` writes one JSON
object a line: ``{"state": "up"}`` once registered, ``{"heard": HZ}`` for each tone heard, and ends
with its input. pyVoIP is under the GPL: nothing of Paceline imports it.
"""

import contextlib
import json
import math
import sys
import threading
import time
import warnings

import numpy as np

from tests.support.load import PATIENCE_S

HOST = "127.0.0.1"


def say(**told: object) -> None:
    """Write one line."""
    print(json.dumps(told), flush=True)


def tone(hz: int) -> bytes:
    """Return a second of a tone as pyVoIP takes it: unsigned 8 bit."""
    return bytes(128 + round(60 * math.sin(math.tau * hz * n / 8000)) for n in range(8000))


def loudest(heard: bytes) -> int:
    """Return the loudest tone in Hz, on a grid of 50; 0: silence."""
    samples = np.frombuffer(heard, np.uint8).astype(float) - 128
    if np.abs(samples - samples.mean()).mean() < 3:
        return 0
    return 50 * int(np.abs(np.fft.rfft(samples - samples.mean(), 160))[1:].argmax() + 1)


def talk(call: object, hz: int) -> None:
    """Answer a call, speak and listen until it is over."""
    call.answer()  # type: ignore[attr-defined]
    told = -1
    while call.state.name == "ANSWERED":  # type: ignore[attr-defined]
        call.write_audio(tone(hz)[:160])  # type: ignore[attr-defined]
        heard = call.read_audio(160, blocking=True)  # type: ignore[attr-defined]
        if (now := loudest(heard)) != told:
            told = now
            say(heard=now)


def main() -> None:
    """Be a phone until the input ends."""
    warnings.simplefilter("ignore")
    from pyVoIP.VoIP import PhoneStatus, VoIPPhone

    server, user, password, own, hz = sys.argv[1:]
    phone = VoIPPhone(
        HOST, int(server), user, password, myIP=HOST, sipPort=int(own),
        callCallback=lambda call: threading.Thread(
            target=talk, args=(call, int(hz)), daemon=True
        ).start(),
    )  # fmt: skip
    phone.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while phone.get_status() is not PhoneStatus.REGISTERED and time.monotonic() < deadline_s:
        time.sleep(0.02)
    say(state="up" if phone.get_status() is PhoneStatus.REGISTERED else "refused")
    sys.stdin.read()
    with contextlib.suppress(Exception):  # whatever pyVoIP finds at its end is its own business
        phone.stop()


if __name__ == "__main__":
    main()
