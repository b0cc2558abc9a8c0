"""Options that set fields: what is given, and where passwords come from."""

import pytest
import typer
from typer.testing import CliRunner

from clients.cli.settings import Given, put_all, secret, takes, text
from gateway.pb.paceline.v1 import trunks_pb2 as pb

TABLE = (text("--realm", "Realm."), secret("--password", "Digest.", variable="TEST_PASSWORD"))


def made(*words: str, new: bool, typed: str = "") -> pb.Trunk:
    """Return what a command sets that was called so, while the environment has a password."""
    trunk, app = pb.Trunk(), typer.Typer()

    @app.command()
    @takes(TABLE, new=new)
    def command(*, given: Given) -> None:
        put_all(trunk, TABLE, given)

    environment = {"TEST_PASSWORD": "of another"}
    result = CliRunner().invoke(app, words, input=typed, env=environment)
    assert result.exit_code == 0, result.output
    return trunk


def test_a_new_resource_takes_its_password_from_the_environment() -> None:
    assert made("--realm", "home", new=True) == pb.Trunk(realm="home", password="of another")


def test_one_that_is_there_is_never_given_a_password_that_nobody_typed() -> None:
    assert made("--realm", "home", new=False) == pb.Trunk(realm="home")


@pytest.mark.parametrize("new", [False, True])
def test_what_is_typed_goes_first(new: bool) -> None:
    assert made("--password", "own", new=new).password == "own"


@pytest.mark.parametrize("new", [False, True])
def test_a_dash_asks_for_it(new: bool) -> None:
    assert made("--password", "-", new=new, typed="asked\n").password == "asked"
