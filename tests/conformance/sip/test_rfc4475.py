"""Torture messages after RFC 4475: valid ones are read, invalid ones refused as it says.

Each message is written anew from what its section describes; the section's name is the test's id.
"""

from contextlib import suppress

import pytest

from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Request, Response, parse
from engine.telephony.sip.uri import parse_address
from tests.conformance.sip.test_requests_to_us import PHONE, register, sign
from tests.unit.telephony.sip.harness import ANSWER, Bench


def message(start: str, *headers: str, body: bytes = b"", **changes: str) -> bytes:
    """Return a message from a start line, its own headers, and usual ones where it has none."""
    method = "INVITE" if start.startswith("SIP/") else start.split(maxsplit=1)[0]
    usual = {
        "Via": "SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK4475",
        "From": "<sip:caller@example.net>;tag=f1",
        "To": "<sip:user@example.com>",
        "Call-ID": "4475.sect@example.net",
        "CSeq": f"9 {method}",
        "Max-Forwards": "70",
        "Content-Length": str(len(body)),
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    own = {header.partition(":")[0].strip() for header in headers}
    lines = [f"{name}: {value}" for name, value in usual.items() if value and name not in own]
    return "\r\n".join([start, *lines, *headers]).encode("utf-8", "surrogateescape") + (
        b"\r\n\r\n" + body
    )


OPTIONS = "OPTIONS sip:user@example.com SIP/2.0"
TORTUOUS = (
    b"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
    b"TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
    b'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
    b"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 150\r\n"
    b"cseq: 0009\r\n  INVITE\r\n"
    b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
    b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
    b"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
    b"Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
    b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
    b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
    b'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n'
    b"      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\n"
) + ANSWER.ljust(150, b"\n")[:150]

VALID = [
    pytest.param(TORTUOUS, id="3.1.1.1 wsinv"),
    pytest.param(
        message(
            "!interesting-Method0123456789_*+`.%indeed'~ "
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too."
            "(doesn't-it)@example.com SIP/2.0",
            "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
            'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn\'t+it$'
            "/crazy?,/;;*@example.com>",
            "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
            '"работающий";tag=_token~1\'+`*%!-.',
            "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
            "extensionHeader-!.%*+_`'~: 大停電",
        ),
        id="3.1.1.2 intmeth",
    ),
    pytest.param(
        message("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0"), id="3.1.1.3 esc01"
    ),
    pytest.param(
        message(OPTIONS, "Contact: <sip:%00@host5.example.com>, <sip:%00%00@host5.example.com>"),
        id="3.1.1.4 escnull",
    ),
    pytest.param(
        message(
            "RE%47IST%45R sip:registrar.example.com SIP/2.0",
            "Contact: <sip:alias1@host1.example.com>",
        ),
        id="3.1.1.5 esc02",
    ),
    pytest.param(
        message(OPTIONS, 'From: "caller"<sip:caller@example.com>;tag=323'), id="3.1.1.6 lwsdisp"
    ),
    pytest.param(
        message(OPTIONS, f"Unknown-Long-Header: {'long' * 500};x={'y' * 500}"), id="3.1.1.7 longreq"
    ),
    pytest.param(message(OPTIONS) + b"INVITE sip:joe@example.com SIP/2.0\r\n", id="3.1.1.8 dblreq"),
    pytest.param(
        message("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"), id="3.1.1.9 semiuri"
    ),
    pytest.param(
        message(
            OPTIONS,
            *(
                f"Via: SIP/2.0/{transport} t{number}.example.com;branch=z9hG4bK{number}"
                for number, transport in enumerate(("UDP", "SCTP", "TLS", "UNKNOWN", "TCP"))
            ),
        ),
        id="3.1.1.10 transports",
    ),
    pytest.param(
        message(
            "MESSAGE sip:kumiko@example.org SIP/2.0",
            "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
            "MIME-Version: 1.0",
            body=b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
            b"--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n"
            + bytes(range(256))
            + b"\r\n--7a9cbec02ceef655--\r\n",
        ),
        id="3.1.1.11 mpart01",
    ),
    pytest.param(
        message("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое"),
        id="3.1.1.12 unreason",
    ),
    pytest.param(message("SIP/2.0 100 "), id="3.1.1.13 noreason"),
    pytest.param(
        message(OPTIONS, Via="SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK"), id="3.2.1 badbranch"
    ),
    pytest.param(
        message(
            "REGISTER sip:example.com SIP/2.0",
            "To: <isbn:2983792873>",
            "From: <http://www.example.com>;tag=3234233",
            "Contact: <name:John_Smith>",
        ),
        id="3.3.4 unksm2",
    ),
    pytest.param(
        message(
            "REGISTER sip:example.com SIP/2.0", "Authorization: NoOneKnowsThisScheme opaque-data=x"
        ),
        id="3.3.7 regaut01",
    ),
    pytest.param(message(OPTIONS, Max_Forwards="0"), id="3.3.11 zeromf"),
    pytest.param(
        message(
            "REGISTER sip:example.com SIP/2.0", "Contact: sip:+19725552222@gw.example.net;unknown"
        ),
        id="3.3.12 cparam01",
    ),
    pytest.param(
        message(
            "REGISTER sip:example.com SIP/2.0", "Contact: <sip:+19725552222@gw.example.net;unknown>"
        ),
        id="3.3.13 cparam02",
    ),
    pytest.param(
        message(
            "REGISTER sip:example.com SIP/2.0",
            "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
        ),
        id="3.3.14 regescrt",
    ),
    pytest.param(
        message(OPTIONS, Via="SIP/2.0/UDP 192.0.2.10", Max_Forwards=""), id="3.4.1 inv2543"
    ),
]


@pytest.mark.parametrize("octets", VALID)
def test_a_valid_message_is_read(octets: bytes) -> None:
    assert isinstance(parse(octets), Request | Response)


def test_wsinv_is_read_as_it_is_meant() -> None:
    request = parse(TORTUOUS)
    assert (request.cseq, request.from_tag, request.to_tag, request.branch) == (
        9,
        "98asjd8",
        "1918181833n",
        "390skdjuw",
    )
    assert len(request.every("via")) == 3
    assert len(request.body) == 150
    contact = parse_address(request.every("contact")[0])
    assert contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}


def test_dblreq_is_one_request_however_much_follows() -> None:
    bench = Bench(screen=200)
    bench.receive(message(OPTIONS) + b"INVITE sip:joe@example.com SIP/2.0\r\n\r\n")
    assert len(bench.sent) == 1


REFUSED = [
    pytest.param(
        message("INVITE sip:u@example.com SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,"),
        400,
        id="3.1.2.1 badinv01",
    ),
    pytest.param(
        message("INVITE sip:u@example.com SIP/2.0", Content_Length="9999"), 400, id="3.1.2.2 clerr"
    ),
    pytest.param(
        message("INVITE sip:u@example.com SIP/2.0", Content_Length="-999"), 400, id="3.1.2.3 ncl"
    ),
    pytest.param(
        message("REGISTER sip:example.com SIP/2.0", CSeq="36893488147419103232 REGISTER"),
        400,
        id="3.1.2.4 scalar02 CSeq",
    ),
    pytest.param(message(OPTIONS, Max_Forwards="300"), 400, id="3.1.2.4 scalar02 Max-Forwards"),
    pytest.param(
        message(OPTIONS, "Expires: 10000000000000000000000000000000000000000000000000"),
        400,
        id="3.1.2.4 scalar02 Expires",
    ),
    pytest.param(
        message(OPTIONS, "Contact: <sip:u@192.0.2.7>;expires=280297596632815"),
        400,
        id="3.1.2.4 scalar02 Contact",
    ),
    pytest.param(
        message(OPTIONS, To='"Mr. J. User <sip:j.user@example.com>'), 400, id="3.1.2.6 quotbal"
    ),
    pytest.param(message("INVITE <sip:user@example.com> SIP/2.0"), 400, id="3.1.2.7 ltgtruri"),
    pytest.param(message("INVITE sip:user@example.com; lr SIP/2.0"), 400, id="3.1.2.8 lwsruri"),
    pytest.param(message("INVITE  sip:user@example.com  SIP/2.0"), 400, id="3.1.2.9 lwsstart"),
    pytest.param(message("OPTIONS sip:user@example.com SIP/2.0  "), 400, id="3.1.2.10 trws"),
    pytest.param(
        message("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"),
        400,
        id="3.1.2.11 escruri",
    ),
    pytest.param(
        message(OPTIONS, "Date: Fri, 01 Jan 2010 16:00:00 EST"), 400, id="3.1.2.12 baddate"
    ),
    pytest.param(
        message(OPTIONS, "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
        400,
        id="3.1.2.13 regbadct",
    ),
    pytest.param(
        message(OPTIONS, To='"Watson, Thomas" < sip:t.watson@example.org >'),
        400,
        id="3.1.2.14 badaspec",
    ),
    pytest.param(
        message(OPTIONS, From="Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
        400,
        id="3.1.2.15 baddn",
    ),
    pytest.param(message("OPTIONS sip:t.watson@example.org SIP/7.0"), 505, id="3.1.2.16 badvers"),
    pytest.param(message(OPTIONS, CSeq="8 INVITE"), 400, id="3.1.2.17 mismatch01"),
    pytest.param(
        message("NEWMETHOD sip:user@example.com SIP/2.0", CSeq="34 INVITE"),
        400,
        id="3.1.2.18 mismatch02",
    ),
    pytest.param(
        message("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
        416,
        id="3.3.2 unkscm",
    ),
    pytest.param(message("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), 416, id="3.3.3 novelsc"),
    pytest.param(
        message(OPTIONS, "Require: nothingSupportsThis, nothingSupportsThisEither"),
        420,
        id="3.3.5 bext01",
    ),
    pytest.param(
        message(
            "INVITE sip:u@example.com SIP/2.0",
            "Content-Type: application/unknownformat",
            body=b"<audio/>",
        ),
        415,
        id="3.3.6 invut",
    ),
    pytest.param(
        message(OPTIONS, "CSeq: 5 OPTIONS", "CSeq: 59 OPTIONS"), 400, id="3.3.8 multi01 CSeq"
    ),
    pytest.param(
        message(OPTIONS, "From: <sip:a@x>;tag=1", "From: <sip:b@y>;tag=2"),
        400,
        id="3.3.8 multi01 From",
    ),
    pytest.param(message(OPTIONS, "Content-Length: 0", "Content-Length: 0"), 400, id="3.3.9 mcl01"),
    pytest.param(
        message("INVITE sip:u@example.com SIP/2.0", "Accept: text/nobodyKnowsThis"),
        406,
        id="3.3.15 sdp01",
    ),
]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("3.1.1.2 intmeth", 501, id="a method that nobody knows"),
        pytest.param("3.1.1.5 esc02", 501, id="escapes make no REGISTER of it"),
        pytest.param("3.1.1.11 mpart01", 501, id="we take no MESSAGE"),
        pytest.param("3.2.1 badbranch", 200, id="a branch of the magic alone is none"),
        pytest.param("3.3.4 unksm2", 401, id="who asks is not known yet"),
        pytest.param("3.3.7 regaut01", 401, id="an unknown scheme is no credentials"),
        pytest.param("3.3.11 zeromf", 200, id="no hops left, and none needed"),
    ],
)
def test_a_valid_message_is_answered_as_the_rfc_says(name: str, status: int) -> None:
    bench = Bench(screen=200)
    (octets,) = [entry.values[0] for entry in VALID if entry.id == name]
    assert isinstance(octets, bytes)
    bench.receive(octets)
    assert bench.last_response().status == status
    assert bench.ua.open_legs == 0


@pytest.mark.parametrize(
    ("contact", "answered", "called"),
    [
        pytest.param(
            "sip:+1972@gw.example.net;unknown",
            "<sip:+1972@gw.example.net>",
            "sip:+1972@gw.example.net",
            id="3.3.12 cparam01: the parameter is the header's",
        ),
        pytest.param(
            "<sip:+1972@gw.example.net;unknown>",
            "<sip:+1972@gw.example.net;unknown>",
            "sip:+1972@gw.example.net;unknown",
            id="3.3.13 cparam02: the parameter is the URI's",
        ),
        pytest.param(
            "<sip:anna@h.example?Route=%3Csip:sip.example.com%3E>",
            "<sip:anna@h.example?Route=%3Csip:sip.example.com%3E>",
            "sip:anna@h.example",
            id="3.3.14 regescrt: kept, and no route of ours",
        ),
    ],
)
def test_a_contact_is_kept_as_the_rfc_says(contact: str, answered: str, called: str) -> None:
    bench = Bench()
    bench.receive(register(1, f"Contact: {contact}"), PHONE)
    bench.receive(register(2, f"Contact: {contact}", sign(bench.last_response())), PHONE)
    answer = bench.last_response()
    assert (answer.status, answer.first("contact")) == (200, f"{answered};expires=3600")
    binding = bench.ua.find_binding("anna", bench.now_s)
    assert binding is not None
    assert binding.contact == called


def test_unksm2_binds_nobody() -> None:
    bench = Bench()
    bench.receive(register(1), PHONE)
    signed = register(2, sign(bench.last_response()))
    bench.receive(signed.replace(b"To: <sip:anna@paceline>", b"To: <isbn:2983792873>"), PHONE)
    assert bench.last_response().status == 416
    assert bench.ua.find_binding("anna", bench.now_s) is None


@pytest.mark.parametrize(("octets", "status"), REFUSED)
def test_an_invalid_request_is_refused_as_the_rfc_says(octets: bytes, status: int) -> None:
    bench = Bench(screen=200)
    bench.receive(octets)
    assert bench.events == []
    assert bench.ua.open_legs == 0
    (sent,) = bench.sent
    assert sent[0].startswith(f"SIP/2.0 {status} ".encode())


DROPPED = [
    pytest.param(
        message("SIP/2.0 503 Service Unavailable", CSeq="9292394834772304023312 OPTIONS"),
        id="3.1.2.5 scalarlg",
    ),
    pytest.param(
        message("SIP/2.0 4294967301 better not break the receiver"), id="3.1.2.19 bigcode"
    ),
    pytest.param(message(OPTIONS, Call_ID=""), id="3.3.1 insuf"),
    pytest.param(
        message(
            "SIP/2.0 200 OK",
            "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923",
            "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23",
        ),
        id="3.3.10 bcast",
    ),
]


@pytest.mark.parametrize("octets", DROPPED)
def test_what_cannot_be_answered_is_dropped(octets: bytes) -> None:
    bench = Bench(screen=200)
    bench.receive(octets)
    assert (bench.sent, bench.events) == ([], [])
    assert bench.ua.counts["garbage"] == 1


CLAUSES = {
    "3.1.1": 13,  # valid messages
    "3.1.2": 19,  # invalid ones
    "3.2": 1,  # transaction layer
    "3.3": 15,  # application layer
    "3.4": 1,  # backward compatibility
}
"""Clauses of the RFC and their messages; each is one that a user agent may meet."""


def test_all_49_messages_of_the_rfc_are_here() -> None:
    names = {str(entry.id).split()[0] for entry in [*VALID, *REFUSED, *DROPPED]}
    wanted = {
        f"{clause}.{number}" for clause, count in CLAUSES.items() for number in range(1, count + 1)
    }
    assert len(wanted) == 49
    assert names == wanted


EVERY = [
    pytest.param(*entry.values[:1], id=str(entry.id)) for entry in [*VALID, *REFUSED, *DROPPED]
]


@pytest.mark.parametrize("octets", EVERY)
def test_p1_no_message_cut_at_any_octet_stops_the_agent(octets: bytes) -> None:
    bench = Bench(screen=200)
    step = max(1, len(octets) // 200)
    for end in range(0, len(octets), step):
        bench.receive(octets[:end])
        with_tail = octets[end:]
        bench.receive(with_tail)
    bench.sent.clear()
    bench.receive(message(OPTIONS, Via="SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKafter"))
    assert bench.last_response().status == 200


def test_parse_errors_are_the_only_ones() -> None:
    for entry in [*REFUSED, *DROPPED]:
        octets = entry.values[0]
        assert isinstance(octets, bytes)
        for end in range(0, len(octets), 7):
            with suppress(ParseError):
                parse(octets[:end])
