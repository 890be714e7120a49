"""The options of `plan --prepare`: products, bags, syringe marks and cell certificates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dosing.cli.group import pairs

PREPARE = [
    click.option("--prepare", is_flag=True, help="Millilitres, vials, bags and rates below the schedule."),
    click.option("--product", "products", multiple=True, callback=pairs, metavar="ORDER=PRODUCT", help='The product used; several vial sizes with +. A fact of the label in hand: ORDER.vial="60 mg" (strength, stable, light, filter, line, …).'),
    click.option("--country", default="", metavar="CC", help="Whose products are offered (US, CA, …); none is chosen by it."),
    click.option("--bag", "bags", multiple=True, metavar='"250 mL"', help='A standard bag, or ORDER="500 mL", or ORDER=none for undiluted; repeatable.'),
    click.option("--graduation", default="", metavar='"0.1 mL"', help='Marks of the syringes, such as "0.1 mL to 3 mL, 1 mL".'),
    click.option("--withdraw", type=click.Choice(["yes", "no"]), default=None, help="Whether diluent is withdrawn before a drug is added."),
    click.option("--share-vials", is_flag=True, help="Doses of one day share vials.  [default: each dose has its own]"),
    click.option("--price", "prices", multiple=True, callback=pairs, metavar="PRODUCT=NUMBER", help="Price of one vial, one for each size: the cheapest set is taken, else that with the least waste."),
    click.option("--prepared", "moments", multiple=True, callback=pairs, metavar='ORDER="2 h before"', help="When it is made; for one dose ORDER#1=2027-01-10T07:30."),
    click.option("--cells", "cells", multiple=True, callback=pairs, metavar="ORDER.KEY=TEXT", help="Of the certificate: kind, concentration, count, dose-count, viability, recovery, bag, bag-volume, bags, give, dmso, density, keeps, thaw, expires."),
]  # fmt: skip
NAMES = ("prepare", "products", "country", "bags", "graduation", "withdraw", "share_vials", "prices", "moments", "cells")


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

    return prepare(schedule, **stated(taken), cells=_certificates(taken["cells"]), library=library, share_vials=taken["share_vials"], prepared=taken["moments"])


def stated(taken: dict[str, Any]) -> dict[str, Any]:
    """Products, bags, syringe marks, policy of withdrawal, country and prices, as `prepare()` and `supply()` take them."""
    named = pairs(click.get_current_context(), click.Option(["--bag"]), [bag for bag in taken["bags"] if "=" in bag])
    return {
        "products": _products(taken["products"]), "volumes": named, "bags": [bag for bag in taken["bags"] if "=" not in bag], "graduation": taken["graduation"],
        "withdraw": {"yes": True, "no": False}.get(taken["withdraw"]), "country": taken["country"], "prices": taken["prices"],
    }  # fmt: skip


def _products(stated: dict[str, str]) -> dict[str, str | list[str]]:
    """Products by order, sizes apart; a fact such as `bu.vial` stays a text."""
    from dosing.preparation.label import FACTS

    return {key: text if key.rpartition(".")[2] in FACTS else text.split("+") for key, text in stated.items()}


def _certificates(stated: dict[str, str]) -> dict[str, dict[str, str]]:
    """`msc.viability` texts by order."""
    found: dict[str, dict[str, str]] = {}
    for key, text in stated.items():
        order, dot, name = key.rpartition(".")
        if not dot:
            raise click.UsageError(f'"{key}" names no key of the certificate – write --cells {key}.concentration="… cells/mL"')
        found.setdefault(order, {})[name] = text
    return found
