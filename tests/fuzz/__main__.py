"""Run one target under atheris."""

import sys

from tests.fuzz.runner import run

run(sys.argv[1], sys.argv[2:])
