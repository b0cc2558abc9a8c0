"""The pyVoIP process: ``python -m engine.telephony.pyvoip --control=DESCRIPTOR``."""

import socket
import sys

from engine.telephony.pyvoip.worker import main

if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1].removeprefix("--control="))))
