"""``paceline serve``, ``demo``, ``simulate`` and ``engine``: an engine of one's own, or at work."""

from pathlib import Path
from typing import Annotated

import typer

from clients.cli.common import SERVER, AsJson, Server, fail, out, print_json, show, talk, usage
from clients.cli.forms import ModeName
from clients.cli.views import text_of
from clients.client import PacelineClient
from clients.errors import PacelineError

_Tls = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, metavar="FILE.pem", help="For TLS.")
]


def serve(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Address of the API; port 0: any free one.")
    ] = SERVER,
    store: Annotated[
        str, typer.Option(metavar="URL", help="sqlite:PATH, or memory: (nothing kept).")
    ] = "",
    sip: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Address of SIP; port 0: any free one.")
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE.toml", help="All settings."),
    ] = None,
    tls_certificate: _Tls = None,
    tls_key: _Tls = None,
    tls_client_ca: _Tls = None,
    drain: Annotated[
        float | None, typer.Option(min=0, help="Longest wait for calls at the end, in seconds.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    follow_input: Annotated[
        bool, typer.Option("--follow-input", hidden=True, help="End with standard input.")
    ] = False,
) -> None:
    """Run an engine and its API; ready when the health service says SERVING.

    Ctrl-C or SIGTERM drains and stops: nothing new starts, calls in progress end first.
    A second one stops at once.

    Example: paceline serve --listen 127.0.0.1:50051 --store sqlite:paceline.db --sip 192.0.2.5:5060
    """
    from clients.serve import ServeOptions, run

    if (tls_certificate is None) != (tls_key is None):
        raise usage("--tls-certificate and --tls-key go together")
    for name, address in (("--listen", listen), ("--sip", sip)):
        if address and not address.rpartition(":")[2].isdigit():
            raise usage(f"{name}: {address!r} is not HOST:PORT")
    if log_level not in ("debug", "info", "warning", "error"):
        raise usage(f"--log-level: {log_level!r} is none of debug, info, warning, error")
    tls = (tls_certificate, tls_key, tls_client_ca) if tls_certificate and tls_key else None
    options = ServeOptions(listen, store, sip, config, drain, tls, follow_input, log_level)
    try:
        run(options, announce)
    except PacelineError as error:
        fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def announce(api: str, sip: str) -> None:
    """Print where the API and SIP are, on one line that scripts may read."""
    typer.echo(f"serving api={api} sip={sip}")


def demo(
    seconds: Annotated[
        float, typer.Option(min=0, help="Time the campaign runs; 0: until Ctrl-C, in seconds.")
    ] = 0.0,
    agents: Annotated[int, typer.Option(min=1, max=200, help="Virtual agents.")] = 20,
    mode: Annotated[ModeName, typer.Option(help="progressive or predictive.")] = (
        ModeName.PREDICTIVE
    ),
    answer_ratio: Annotated[
        float, typer.Option(min=0, max=1, help="Share of calls that people answer.")
    ] = 0.35,
    seed: Annotated[int, typer.Option(help="Of what people do.")] = 1,
    record: Annotated[
        bool, typer.Option("--record", help="Record every call, into a folder that goes with it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a whole campaign at work, over real SIP and RTP on loopback; it needs nothing else.

    An engine, a carrier, phones and agents start as processes of their own; a sample list is
    imported, a campaign started, shown live, stopped and drained. Ctrl-C stops cleanly.

    Examples: paceline demo; paceline demo --seconds 30 --agents 10 --record --json
    """
    from clients.demo.run import DemoOptions, run

    options = DemoOptions(
        seconds=seconds or None,
        agents=agents,
        mode=mode.value_of,
        answer_ratio=answer_ratio,
        seed=seed,
        live=not as_json,
        record=record,
    )
    try:
        summary = run(options)
    except PacelineError as error:
        fail(error)
    if as_json:
        print_json(summary)


def simulate(
    seed: Annotated[int, typer.Option(help="Of everything that is random.")] = 1,
    agents: Annotated[int, typer.Option(min=1, help="Virtual agents.")] = 20,
    hours: Annotated[float, typer.Option(min=0.001, help="Simulated time, in hours.")] = 1.0,
    answer_ratio: Annotated[
        float, typer.Option(min=0, max=1, help="Share of calls that people answer.")
    ] = 0.3,
    mode: Annotated[ModeName, typer.Option(help="Mode of the campaigns.")] = ModeName.PROGRESSIVE,
    faults: Annotated[
        bool, typer.Option("--faults", help="Let carrier, phones and the engine itself fail.")
    ] = False,
    analysis: Annotated[
        bool,
        typer.Option(
            "--analysis",
            help="Machines answer too: screen answers, and treat them as the seed draws.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the very engine in virtual time; the same seed gives the same trace hash.

    A checker outside the engine reads the carrier's log and the facts, and lists violations of
    the invariants; with any, the exit code is 1.

    Example: paceline simulate --seed 7 --agents 100 --hours 8 --answer-ratio 0.3 --mode predictive

    Example: paceline simulate --agents 20 --hours 1 --analysis --faults --json
    """
    from clients.simulate import run

    figures = run(seed, agents, hours, answer_ratio, mode.value, faults=faults, analysis=analysis)
    if as_json:
        print_json(figures)
    else:
        for key, value in figures.items():
            shown = text_of(value) if isinstance(value, dict) else value
            out.print(f"{key:<17} {shown}", markup=False)
    if figures["violations"] or figures["faults"]:
        raise typer.Exit(1)


def engine(server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show what the engine is and how it is."""

    async def work(client: PacelineClient) -> None:
        show(await client.engine.get(), as_json=as_json)

    talk(server, work)
