"""Coverage-guided fuzzing: ``python -m tests.fuzz TARGET [libFuzzer's options]``.

Each module here but this and ``runner`` is a target: ``check`` takes octets and raises if a promise
is broken, ``SEEDS`` are where the search begins. The checks need no fuzzer: tests call them too.
"""

TARGETS = ("message", "address", "stream", "sdp", "digest", "media", "reports", "dialog")
"""Names of the targets."""
