"""What was chosen and cannot be meant: an option against a known fact of the patient, a rule that no order takes."""

from __future__ import annotations

from collections.abc import Iterator

from dosing import forms
from dosing.engine.adjust import House
from dosing.engine.body import Body
from dosing.engine.settle import Line, Settled
from dosing.errors import Fault, InputError, closest, refuse
from dosing.regimen import rules
from dosing.regimen.library import Library
from dosing.regimen.schema import Order
from dosing.schedule import Finding


def refuse_contradictions(settled: Settled, body: Body) -> None:
    """Refuse (R09) an option whose order the patient's own facts exclude, where another option has the order for them."""
    faults = [fault for line in settled.lines if line.conditions and not _fits(line.conditions, body) for fault in _contradicted(line, settled, body)]
    if faults:
        raise InputError(*faults)


def _fits(conditions: tuple[forms.Condition, ...], body: Body) -> bool:
    """Whether the facts of one patient meet all conditions on them."""
    return all(bool(one.met(body.fact(one.name, "the choice"))[0]) for one in conditions)


def _contradicted(line: Line, settled: Settled, body: Body) -> Iterator[Fault]:
    """The faults of the choices that an order hangs on, each with the option that has an order for this patient."""
    mine = _options(line.order)
    others = [order for part in (settled.regimen, *settled.blocks) for order in part.orders if order.drug == line.drug.id]
    for name, option in mine.items():
        for other in others:
            instead = _options(other).get(name, option)
            if instead != option and _fits(_facts(other), body):
                has = " and ".join(f"{one.name} {float(body.fact(one.name, '')[0]):g} {one.unit}" for one in line.conditions)
                asks = " and ".join(one.text for one in line.conditions)
                yield Fault("R09", f"{name}={option} gives {line.drug.id} for {asks}, and the patient has {has}", f"choose {name}={instead}, or correct the measure.", f"choice {name}")


def _options(order: Order) -> dict[str, str]:
    """The choices that an order hangs on, with the option it asks for."""
    return {one.name: str(one.value) for one in order.when.all if one.name not in rules.PATIENT and one.operator == "=="} if order.when else {}


def _facts(order: Order) -> tuple[forms.Condition, ...]:
    return tuple(one for one in order.when.all if one.name in rules.PATIENT) if order.when else ()


def unused(settled: Settled, house: House, shelf: Library) -> list[Finding]:
    """A note for every rule named for this plan that no order takes; P09 or R13 for one that does not exist."""
    known = (*shelf.policies.rounding, *rules.ROUNDINGS)
    for name in house.weight_rules:
        if name not in shelf.policies.weights:
            raise refuse("P09", f'"{name}" is no weight rule', closest(name, shelf.policies.weights), "weight rule")
    if house.rounding and house.rounding not in known:
        raise refuse("R13", f'"{house.rounding}" is no way of rounding', closest(house.rounding, known), "rounding")
    idle = [("weight rule", name) for name in house.weight_rules if not any(line.rule and line.weight == name for line in settled.lines)]
    if house.rounding and not any(line.rounded and not line.order.rounding for line in settled.lines):
        idle.append(("rounding", house.rounding))
    return [Finding(f"{name}.unused", "rule.unused", "note", f"the {what} {name} was named for this plan and no order takes it: each states its own, or is of another drug, basis or kind.") for what, name in idle]
