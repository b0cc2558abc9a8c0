"""What all targets share: the limit on time, the words, and the search itself."""

import gc
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

MOST_S: Final = 0.05
"""Longest that one message may take. [s of CPU]"""
_TRIES: Final = 3
_SLOWED: Final = 4.0
"""What counting the branches costs, at most, against running without it."""

WORDS: Final = (
    *(
        "SIP/2.0",
        "\\x0d\\x0a",
        "\\x0d\\x0a ",
        "sip:",
        "sips:",
        "tel:",
        "z9hG4bK",
        ";branch=",
        ";rport",
    ),
    *(
        ";received=",
        ";tag=",
        ";lr",
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "UPDATE",
    ),
    *(
        "PRACK",
        "INFO",
        "REFER",
        "Via: ",
        "v:",
        "From: ",
        "To: ",
        "Call-ID: ",
        "CSeq: ",
        "Contact: ",
    ),
    *("Content-Length: ", "l:", "Content-Type: application/sdp", "Record-Route: ", "Route: "),
    *("Require: ", "100rel", "timer", "Session-Expires: ", "Min-SE: ", "RSeq: ", "RAck: ", "*"),
    *("Authorization: Digest ", "WWW-Authenticate: Digest ", "realm=", "nonce=", "qop=", "auth"),
    *("algorithm=SHA-256", "stale=true", "nc=00000001", "cnonce=", "uri=", "response=", "opaque="),
    *("[2001:db8::1]", "192.0.2.1", ":5060", "%00", "%zz", '\\"', "\\\\", "<", ">", ",", "?", "&"),
    *("v=0", "o=", "s=", "c=IN IP4 ", "c=IN IP6 ", "t=0 0", "m=audio ", " RTP/AVP ", "a=rtpmap:"),
    *(
        "telephone-event/8000",
        "a=sendonly",
        "a=inactive",
        "PCMU/8000",
        "65536",
        "4294967296",
        "\\xff",
    ),
)


class TooSlowError(Exception):
    """An input took longer than any may."""


def timed(check: Callable[[bytes], None], most_s: float = MOST_S) -> Callable[[bytes], None]:
    """Return a check that also fails if an input takes too long, however often it is tried."""

    def run_timed(octets: bytes) -> None:
        spent_s = _spent_s(check, octets)
        if spent_s > most_s and min(_spent_s(check, octets) for _ in range(_TRIES)) > most_s:
            raise TooSlowError(f"{spent_s:.3f} s for {len(octets)} octets")

    return run_timed


def run(name: str, arguments: Sequence[str]) -> None:
    """Search for an input that breaks a target's promises; does not return."""
    import atheris  # type: ignore[import-untyped]  # it has no types

    with atheris.instrument_imports(include=["engine.telephony"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    gc.freeze()
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.SEEDS):
        (corpus / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{word}"\n' for word in WORDS), encoding="ascii")
    given = [
        f"-dict={words}",
        f"-artifact_prefix={folder}/",
        "-max_len=4096",
        "-len_control=0",
        "-rss_limit_mb=1024",
    ]
    check = timed(target.check, getattr(target, "MOST_S", MOST_S) * _SLOWED)
    atheris.Setup([sys.argv[0], *given, *arguments, str(corpus)], check)
    atheris.Fuzz()


def _spent_s(check: Callable[[bytes], None], octets: bytes) -> float:
    began_s = time.thread_time()
    check(octets)
    return time.thread_time() - began_s
