"""The ``paceline`` command."""

import os

# Processes are forked here only to run another program. gRPC's fork handlers have nothing to do
# then, fill the log, and may end the child before its program begins; gRPC reads this at import.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from clients.cli.app import main

__all__ = ["main"]
