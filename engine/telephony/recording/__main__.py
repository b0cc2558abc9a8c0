"""Start the recorder on the descriptors that the engine handed down."""

import argparse
import contextlib
import resource
import signal
import socket
import sys
from pathlib import Path

from engine.telephony.recording.control import Control
from engine.telephony.recording.disk import RealDisk
from engine.telephony.recording.process import Process, own_folder
from engine.telephony.recording.ring import RingReader
from engine.telephony.recording.sealing import load_key

SWITCH_S = 0.0005
"""After so long the thread that compresses gives way to the one that takes frames in. [s]"""


def main() -> None:
    """Record until the engine closes the control socket or is gone."""
    parser = argparse.ArgumentParser(prog="engine.telephony.recording", description=__doc__)
    parser.add_argument("--control", type=int, required=True, help="descriptor of the socket")
    parser.add_argument("--rings", required=True, help="descriptors of the rings, by commas")
    parser.add_argument("--folder", type=Path, required=True, help="where recordings are kept")
    parser.add_argument("--key-file", type=Path, help="key to seal them with; without: plain")
    parser.add_argument("--form", choices=("flac", "wav"), default="flac", help="what is kept")
    given = parser.parse_args()
    for ignored in (signal.SIGINT, signal.SIGTERM):  # the end of the engine is the end
        signal.signal(ignored, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no audio in a dump of memory
    sys.setswitchinterval(SWITCH_S)
    key = load_key(given.key_file) if given.key_file else None
    own_folder(given.folder)
    rings = [RingReader(int(descriptor)) for descriptor in given.rings.split(",")]
    control = Control(socket.socket(fileno=given.control))
    Process(control, rings, given.folder, RealDisk(), key, given.form).run()


if __name__ == "__main__":
    main()
