"""Scenarios between the wire and ``engine.domain.scenario``."""

from engine.domain.refusals import InvalidRequestError
from engine.domain.scenario import (
    AddToDnc,
    Collect,
    Dispose,
    DoNotRecord,
    End,
    Play,
    Scenario,
    Step,
    Transfer,
)
from gateway.convert import names
from gateway.convert.units import from_duration, to_duration
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

_Step = pb.Scenario.Step


def to_scenario(scenario: Scenario) -> pb.Scenario:
    """Return a scenario for the wire, every field told."""
    return pb.Scenario(
        first=scenario.first,
        steps={name: _to_step(step) for name, step in scenario.steps.items()},
        limit=to_duration(scenario.limit_s),
    )


def from_scenario(message: pb.Scenario) -> Scenario:
    """Return the scenario that a message describes.

    Raises:
        InvalidRequestError: A step does nothing, or a prompt is none; the text names the step.
    """
    steps = {name: _from_step(name, message.steps[name]) for name in message.steps}
    if not message.HasField("limit"):
        return Scenario(first=message.first, steps=steps)
    return Scenario(first=message.first, steps=steps, limit_s=from_duration(message.limit))


def _to_step(step: Step) -> pb.Scenario.Step:
    match step:
        case Play(prompt=prompt, then=then):
            return _Step(play=pb.Scenario.Play(prompt=prompt, then=then))
        case Collect():
            collect = pb.Scenario.Collect(
                choices=step.choices,
                otherwise=step.otherwise,
                prompt=step.prompt,
                within=to_duration(step.within_s),
                tries=step.tries,
            )
            return _Step(collect=collect)
        case Transfer():
            return _Step(transfer=pb.Scenario.Transfer())
        case AddToDnc(then=then):
            return _Step(add_to_dnc=pb.Scenario.AddToDnc(then=then))
        case DoNotRecord(then=then, banned=banned):
            return _Step(do_not_record=pb.Scenario.DoNotRecord(then=then, banned=banned))
        case Dispose(disposition=slug, then=then):
            said = pb.Scenario.SetDisposition(disposition=slug, then=then)
            return _Step(set_disposition=said)
        case End():
            return _Step(hang_up=pb.Scenario.HangUp())


def _from_step(name: str, message: pb.Scenario.Step) -> Step:
    match message.WhichOneof("does"):
        case "play":
            play = message.play
            return Play(prompt=_prompt(name, play.prompt), then=play.then)
        case "collect":
            return _from_collect(name, message.collect)
        case "transfer":
            return Transfer()
        case "add_to_dnc":
            return AddToDnc(then=message.add_to_dnc.then)
        case "do_not_record":
            unrecorded = message.do_not_record
            return DoNotRecord(then=unrecorded.then, banned=unrecorded.banned)
        case "set_disposition":
            said = message.set_disposition
            return Dispose(disposition=said.disposition, then=said.then)
        case "hang_up":
            return End()
        case _:
            raise InvalidRequestError(
                f"scenario: step {name!r} does nothing", slug="invalid-scenario"
            )


def _from_collect(name: str, message: pb.Scenario.Collect) -> Collect:
    return Collect(
        choices=dict(message.choices),
        otherwise=message.otherwise,
        prompt=_prompt(name, message.prompt),
        within_s=from_duration(message.within) if message.HasField("within") else 5.0,
        tries=message.tries if message.HasField("tries") else 1,
    )


def _prompt(name: str, value: str) -> str:
    return names.prompt(f"scenario.steps[{name!r}].prompt", value)
