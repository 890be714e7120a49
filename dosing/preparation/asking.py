"""The findings of a preparation: what is missing is asked for, what a check found is told."""

from __future__ import annotations

from dosing.schedule import Finding, Level


def finding(order: str | None, code: str, message: str, level: Level = "query", cite: str = "") -> Finding:
    """A finding of the preparation, called by its order: `missing.bag` of `bu` is `bu.missing.bag`."""
    return Finding(f"{order}.{code}" if order else code, f"preparation.{code}", level, message, order, cite)


def missing(order: str | None, what: str, message: str) -> Finding:
    """Something nobody stated, which is asked for and never assumed."""
    return finding(order, f"missing.{what}", message)


def check(order: str, what: str, message: str, cite: str = "") -> Finding:
    """Something a check of the preparation found."""
    return finding(order, f"check.{what}", message, cite=cite)


def ask_graduation() -> Finding:
    """The question for the marks of the syringes, asked once for the schedule."""
    return missing(None, "graduation", 'the smallest mark of the syringes is not stated: volumes are exact, not rounded; write --graduation "0.1 mL" or state it in site.yaml.')


def ask_duration(order: str, drug: str) -> Finding:
    """The question for an infusion time, without which there is no rate."""
    return missing(order, "duration", f'the source states no infusion time for {drug}, so no rate is calculated: --set {order}.over="… h".')


def ask_dmso(order: str) -> Finding:
    """The question whether a cell product holds DMSO, and how much."""
    return missing(order, "dmso", f'whether the product holds DMSO is not stated: --cells {order}.dmso="10 % w/v" or "10 % v/v".')
