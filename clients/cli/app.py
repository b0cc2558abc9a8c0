"""All commands under one name."""

from clients.cli import agent, campaign, lists, recording, report, trunk
from clients.cli.common import app_of
from clients.cli.engine import demo, engine, serve, simulate
from clients.cli.explain import explain
from clients.cli.watch import watch

app = app_of(
    "Paceline: an outbound dialer engine. `paceline demo` shows it at work; `paceline serve` "
    "runs it. Exit codes: 0 done, 1 refused or failed, 2 bad usage."
)
app.command()(serve)
app.command()(demo)
app.add_typer(campaign.app, name="campaign")
app.add_typer(lists.app, name="list")
app.add_typer(agent.app, name="agent")
app.add_typer(recording.app, name="recording")
app.add_typer(trunk.teams, name="team")
app.add_typer(trunk.app, name="trunk")
app.command()(watch)
app.command()(explain)
app.add_typer(report.app, name="report")
app.command()(simulate)
app.command()(engine)


def main() -> None:
    """Run the command line."""
    app(prog_name="paceline")
