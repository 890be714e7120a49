"""The options of `plan --prepare`: products, bags, syringe marks and cell certificates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dosing.cli.group import pairs

PREPARE = [
    click.option("--prepare", is_flag=True, help="Millilitres, vials, bags and rates below the schedule."),
    click.option("--product", "products", multiple=True, callback=pairs, metavar="ORDER=PRODUCT", help="The product used; several vial sizes with +."),
    click.option("--bag", "bags", multiple=True, metavar='"250 mL"', help='A standard bag, or ORDER="500 mL", or ORDER=none for undiluted; repeatable.'),
    click.option("--graduation", default="", metavar='"0.1 mL"', help='Marks of the syringes, such as "0.1 mL to 3 mL, 1 mL".'),
    click.option("--withdraw", type=click.Choice(["yes", "no"]), default=None, help="Whether diluent is withdrawn before a drug is added."),
    click.option("--cells", "cells", multiple=True, callback=pairs, metavar="ORDER.KEY=TEXT", help="Of the certificate: concentration, viability, recovery, count, bag, bag-volume, dmso, density."),
]  # fmt: skip
NAMES = ("prepare", "products", "bags", "graduation", "withdraw", "cells")


def prepare_options(command: Any) -> Any:
    """Add the options of a preparation to a command."""
    for option in reversed(PREPARE):
        command = option(command)
    return command


def take(options: dict[str, Any]) -> dict[str, Any] | None:
    """The options of a preparation taken out of all options; None without `--prepare`, a usage error for one alone."""
    taken = {name: options.pop(name) for name in NAMES}
    if not taken.pop("prepare"):
        if any(taken.values()):
            raise click.UsageError("products, bags, syringe marks and cells are for preparing – add --prepare")
        return None
    return taken


def prepared(schedule: Any, taken: dict[str, Any], library: Sequence[str]) -> Any:
    """The preparation of a schedule by the options taken."""
    from dosing.preparation import prepare

    named = pairs(click.get_current_context(), click.Option(["--bag"]), [bag for bag in taken["bags"] if "=" in bag])
    return prepare(
        schedule, products={order: text.split("+") for order, text in taken["products"].items()}, volumes=named,
        bags=[bag for bag in taken["bags"] if "=" not in bag], graduation=taken["graduation"],
        withdraw={"yes": True, "no": False}.get(taken["withdraw"]), cells=_certificates(taken["cells"]), library=library,
    )  # fmt: skip


def _certificates(stated: dict[str, str]) -> dict[str, dict[str, str]]:
    """`msc.viability` texts by order."""
    found: dict[str, dict[str, str]] = {}
    for key, text in stated.items():
        order, dot, name = key.rpartition(".")
        if not dot:
            raise click.UsageError(f'"{key}" names no key of the certificate – write --cells {key}.concentration="… cells/mL"')
        found.setdefault(order, {})[name] = text
    return found
