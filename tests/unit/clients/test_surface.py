"""What integrators may import stays what it is; what ships is fit to be dialed."""

import csv
import subprocess
import sys
from importlib.resources import files
from io import StringIO

import phonenumbers

import clients


def test_the_public_surface_is_held_still() -> None:
    assert sorted(clients.__all__) == [
        "Agents",
        "Campaigns",
        "DEFAULT_SERVER",
        "Desk",
        "DoNotCall",
        "EngineControl",
        "Events",
        "Lists",
        "MetricTable",
        "Metrics",
        "PacelineClient",
        "PacelineError",
        "Pacing",
        "Recordings",
        "Teams",
        "Trunks",
    ]
    assert all(hasattr(clients, name) for name in clients.__all__)


def test_importing_the_client_alone_leaves_grpc_as_it_is() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", "import sys, clients, os; "
         "print('grpc' in sys.modules, os.environ.get('GRPC_ENABLE_FORK_SUPPORT'))"],
        capture_output=True, text=True, check=True, env={"PATH": ""},
    )  # fmt: skip
    assert seen.stdout.split() == ["False", "None"]


def test_the_sample_list_is_fictional_and_valid() -> None:
    text = files("clients.data").joinpath("sample.csv").read_text(encoding="utf-8")
    numbers = [
        number
        for row in csv.DictReader(StringIO(text))
        for number in (row["phone"], row["mobile"])
        if number
    ]
    assert len(numbers) == len(set(numbers)) > 4_000
    assert all(number[5:10] == "55501" for number in numbers)  # kept for fiction
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(each)) for each in numbers[::40])
