"""The findings of a preparation: what is missing is asked for with the words that answer it, what a check found is told."""

from __future__ import annotations

from dataclasses import dataclass

from dosing.schedule import Finding, Level

# How each question is answered on the command line; the same keys go into `prepare()`.
WRITE = {
    "product": "--product {order}=…", "strength": '--product {order}.strength="… mg/mL"', "vial": '--product {order}.vial="… mg"',
    "diluent": '--product {order}.diluents="…"', "stable": '--product {order}.stable="… h"', "opened": '--product {order}.opened="… h"',
    "light": '--product {order}.light="…"', "filter": '--product {order}.filter="…"', "line": '--product {order}.line="…"',
    "bag": '--bag {order}="… mL", or --bag {order}=none for undiluted', "duration": '--set {order}.over="… h"', "graduation": '--graduation "0.1 mL"',
    "kind": "--cells {order}.kind=CD34 (or TNC, MNC, CD3, MSC, CAR-T)", "concentration": '--cells {order}.concentration="… cells/mL"',
    "count": "--cells {order}.count=total or viable", "dose-count": "--cells {order}.dose-count=total or viable",
    "viability": '--cells {order}.viability="… %"', "recovery": '--cells {order}.recovery="… %"', "bag-volume": '--cells {order}.bag-volume="… mL"',
    "dmso": '--cells {order}.dmso="10 % w/v", "10 % v/v" or none', "density": '--cells {order}.density="… g/mL"',
    "keeps": '--cells {order}.keeps="… min" from thawing, or --cells {order}.expires="2027-01-15T12:00"', "give": '--cells {order}.give="A+B"',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that nobody stated: which finding, of which order, in words, and how to answer it."""

    id: str
    order: str | None
    message: str
    write: str

    def to_dict(self) -> dict[str, str | None]:
        """The question as plain JSON values."""
        return {"id": self.id, "order": self.order, "message": self.message, "write": self.write}


def finding(order: str | None, code: str, message: str, level: Level = "query", cite: str = "") -> Finding:
    """A finding of the preparation, called by its order: `missing.bag` of `bu` is `bu.missing.bag`."""
    return Finding(f"{order}.{code}" if order else code, f"preparation.{code}", level, message, order, cite)


def missing(order: str | None, what: str, message: str) -> Finding:
    """Something nobody stated, which is asked for and never assumed; the answer's words follow the message."""
    return finding(order, f"missing.{what}", f"{message}; write {write(order, what)}")


def write(order: str | None, what: str) -> str:
    """The words of the command line that answer a question."""
    return WRITE[what].format(order=order)


def check(order: str, what: str, message: str, cite: str = "") -> Finding:
    """Something a check of the preparation found."""
    return finding(order, f"check.{what}", message, cite=cite)


def asks(found: tuple[Finding, ...]) -> tuple[Ask, ...]:
    """The questions among the findings, once each."""
    lead = "preparation.missing."
    told = {one.id: Ask(one.id, one.order, one.message, write(one.order, one.code.removeprefix(lead))) for one in found if one.code.startswith(lead)}
    return tuple(told.values())


def ask_graduation() -> Finding:
    """The question for the marks of the syringes, asked once for the schedule."""
    return missing(None, "graduation", "the smallest mark of the syringes is not stated, so volumes are exact and not rounded")


def ask_duration(order: str, drug: str) -> Finding:
    """The question for an infusion time, without which there is no rate."""
    return missing(order, "duration", f"the source states no infusion time for {drug}, so no rate is calculated")


def ask_dmso(order: str) -> Finding:
    """The question whether a cell product holds DMSO, and how much."""
    return missing(order, "dmso", "whether the product holds DMSO is not stated")
