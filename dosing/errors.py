"""Errors that say what is wrong, where it stands and what to do.

Every error of this package is a `DosingError` made of one or more `Fault`s, so that all faults of a file or a
command line are told at once. The class of the error fixes the exit code of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a short `code`, `what` is wrong, `where` it stands, what to `do`."""

    code: str
    what: str
    do: str
    where: str = ""
    readings: tuple[str, ...] = ()

    def at(self, where: str) -> Fault:
        """The same fault with its place put in front of any place it already has."""
        return replace(self, where=f"{where}: {self.where}" if self.where else where)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what} – {self.do}"

    def to_dict(self) -> dict[str, str]:
        """The fault as the four texts of the JSON interface: code, where, what, do."""
        return {"code": self.code, "where": self.where, "what": self.what, "do": self.do}


class DosingError(Exception):
    """Base of all errors of this package; carries its faults and the exit code of the command line."""

    exit_code = 1

    def __init__(self, *faults: Fault):
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the faults, without a trace of calls, which could hold a patient's values."""
        return [f"{type(self).__name__}: {self}"]

    @property
    def code(self) -> str:
        """The code of the first fault."""
        return self.faults[0].code

    def at(self, where: str) -> DosingError:
        """The same error with `where` in front of the place of each fault."""
        return type(self)(*(fault.at(where) for fault in self.faults))


class UsageError(DosingError):
    """The command line or the call is wrong (exit 2)."""

    exit_code = 2


class RegimenError(DosingError):
    """A regimen, drug, product or site file is wrong (exit 3)."""

    exit_code = 3


class InputError(DosingError):
    """An input is unreadable, missing or outside absolute bounds (exit 4)."""

    exit_code = 4


class Disagreement(DosingError):
    """The two calculations differ; no schedule is made (E01, exit 1)."""


def refuse(code: str, what: str, do: str, where: str = "", readings: Iterable[str] = ()) -> InputError:
    """An `InputError` of one fault, for `raise refuse(...)`."""
    return InputError(Fault(code, what, do, where, tuple(readings)))


def closest(word: str, known: Iterable[str]) -> str:
    """The cure for an unknown word: the known word nearest to it, else the list of known words."""
    from difflib import get_close_matches

    known = sorted(known)
    if not known:
        return "there is none."
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}."
