"""The fields of the form: what a regimen asks for, with what was typed and what is wrong with it, ready for a template."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from dosing.errors import Fault
from dosing.metrics import FORMULAS
from dosing.planning.asking import FREE, Ask
from dosing.regimen.library import Library
from dosing.regimen.schema import Regimen
from dosing.regimen.site import Site
from dosing.web.typed import Typed
from dosing.web.words import FACTS, FORMS, LANGUAGES, NEEDS, SEXES, in_words

WHO = ("name", "id", "born")  # always asked for: a sheet without them is not signed


@dataclass(frozen=True)
class Field:
    """One field: its name in the form, label, how much it is needed, what may be chosen, what was typed, what is wrong."""

    name: str
    label: str
    need: str = "may"
    value: str = ""
    options: Mapping[str, str] | None = None
    hints: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    when: str = ""  # conditions on other fields, as JSON for the page's script
    where: str = ""  # the same in words
    blank: str = ""  # what no choice means, for a list that may be left alone

    @property
    def id(self) -> str:
        """The name as an id of the page."""
        return self.name.replace(".", "-")

    @property
    def needs(self) -> str:
        """How much it is needed, in words."""
        return NEEDS[self.need]

    @property
    def described(self) -> str:
        """The ids of what describes it: hints, then faults."""
        told = ((f"{self.id}-hint", self.hints or self.where), (f"{self.id}-fault", self.faults))
        return " ".join(name for name, there in told if there)


class Told(NamedTuple):
    """One line of the summary of what is wrong: the field it leads to, empty where there is none, and the text."""

    field: str
    text: str


class Form:
    """The fields of one regimen, in the groups the page shows."""

    def __init__(self, asked: Sequence[Ask], typed: Typed, faults: Sequence[Fault], shelf: Library, regimen: Regimen):
        self.typed, self.faults, self.shelf, self.regimen = typed, faults, shelf, regimen
        made = [self._field(ask) for ask in asked]
        hours = [one for one in made if one.name.startswith("time.")]
        facts = {one.name.removeprefix("patient."): one for one in made if one.name.startswith("patient.")}
        ordered = [facts[name] for name in FACTS if name in facts] + [one for name, one in facts.items() if name not in FACTS]
        self.choices = [one for one in made if one.name.startswith("choice.")]
        self.hours = [one for one in hours if one.need != "may"]
        self.more_hours = [one for one in hours if one.need == "may"]
        self.facts = [one for one in ordered if _in_front(one)]
        self.more_facts = [one for one in ordered if not _in_front(one)]
        self.day = [one for one in made if one.name in ("day0", "zone")]
        self.house = tuple(self._house())

    @property
    def summary(self) -> list[Told]:
        """Every fault once, with the field it is about."""
        known = {one.name: one for one in self.all}
        return [self._line(fault, known.get(self.typed.field_of(fault.where))) for fault in self.faults]

    def _line(self, fault: Fault, field: Field | None) -> Told:
        name = self.typed.field_of(fault.where)
        if field is None:
            row = "blocks" if name == "block" else name.replace(".", "-") if name.startswith(("set.", "answer.")) else ""
            return Told(row, in_words(f"{fault.what} – {fault.do}"))
        said = f": {fault.what}" if name in self.typed.texts else ""
        return Told(field.id, in_words(f"{field.label}{said} – {fault.do}"))

    @property
    def all(self) -> list[Field]:
        """Every field of the form."""
        return [*self.choices, *self.facts, *self.more_facts, *self.day, *self.hours, *self.more_hours, *self.house]

    def wrong(self, name: str) -> tuple[str, ...]:
        """What is wrong with one field; of an empty one only what to do, as its label says the rest."""
        said = [fault for fault in self.faults if self.typed.field_of(fault.where) == name]
        return tuple(in_words(f"{fault.what} – {fault.do}" if name in self.typed.texts else fault.do) for fault in said)

    def _field(self, ask: Ask) -> Field:
        name = self.typed.field_of(ask.where)
        options: Mapping[str, str] | None = ask.options or None
        if name.startswith("patient."):
            return self._fact(name, name.removeprefix("patient."), ask)
        written = f"for example {FORMS[ask.form]}" if ask.form in FORMS else f"write it as {ask.form}" if ask.form else ""
        hints = (*ask.printed, *filter(None, (self._about_day(name), written)))
        return self._made(name, ask.what, ask.need, options, hints, default=ask.default, when=json.dumps([_told(one) for one in ask.when]) if ask.when else "", where=_words(ask))

    def _fact(self, name: str, key: str, ask: Ask) -> Field:
        """A fact of the patient; one that stands in the place of another says so."""
        label, example = FACTS.get(key, (key.replace("_", " "), ""))
        need = "instead" if key in FREE and ask.need != "may" else ask.need
        return self._made(name, label, need, SEXES if key == "sex" else None, (f"for example {example}",) if example else ())

    def _about_day(self, name: str) -> str:
        """What the form says of day 0 and its zone."""
        site, meaning = self.shelf.site.zone, self.regimen.day0
        told = {"day0": f"{meaning[:1].upper()}{meaning[1:]}. Written 2027-01-15; without it the schedule is relative and has no dates.",
                "zone": f"{site}, the site’s, unless you write another" if site else "for example Asia/Shanghai or Europe/Berlin; none is assumed"}  # fmt: skip
        return told.get(name, "")

    def _made(self, name: str, label: str, need: str = "may", options: Mapping[str, str] | None = None, hints: tuple[str, ...] = (), default: str = "", blank: str = "", **more: str) -> Field:
        return Field(name, label, need, self.typed.texts.get(name, default), options, hints, self.wrong(name), blank=blank, **more)

    def _house(self) -> Iterator[Field]:
        """Formula, rounding and language: each is the regimen's or the site's unless a person chooses."""
        site, formula = self.shelf.site, self.regimen.bsa or self.shelf.site.bsa
        surfaces = {name.removeprefix("bsa."): one.text for name, one in FORMULAS.items() if name.startswith("bsa.")}
        languages = {name: LANGUAGES.get(name, name) for name in get_args(Site.model_fields["locale"].annotation)}
        rounding = {name: policy.title for name, policy in self.shelf.policies.rounding.items()}
        yield self._made("bsa", "Formula of the body surface", options=surfaces, blank=f"{formula}, as the {'regimen' if self.regimen.bsa else 'site'} says")
        yield self._made("rounding", "Rounding of orders that state none (not for trials and cells)", options=rounding, blank=site.rounding or "the drug's measurable step")
        yield self._made("locale", "Language of the sheet", options=languages, blank=LANGUAGES.get(site.locale, site.locale))
        yield self._made("printed_at", "Print time to stand on the page", hints=("for example 2027-01-08 09:00; no clock is read",))


def _in_front(one: Field) -> bool:
    return one.need != "may" or bool(one.value) or bool(one.faults) or one.name.removeprefix("patient.") in WHO


def _told(when: Any) -> dict[str, list[list[str]]]:
    """A condition as plain lists: name, operator, value."""
    return {key: [[one.name, one.operator, str(one.value)] for one in some] for key, some in (("all", when.all), ("any", when.any))}


def _words(ask: Ask) -> str:
    """When a field counts, in words; facts of the patient count always."""
    if not ask.when or ask.where.startswith("patient"):
        return ""
    return "only where " + ", or ".join(_condition(one) for one in ask.when)


def _condition(when: Any) -> str:
    either = " or ".join(map(_one, when.any))
    return " and ".join([*map(_one, when.all), *([f"({either})" if when.all else either] if either else [])])


def _one(condition: Any) -> str:
    return f"{condition.name} is {'' if condition.operator == '==' else 'not '}{condition.value}"


def rows(typed: Typed, kind: str, keys: Iterable[str], spare: int) -> list[dict[str, str]]:
    """The rows of changes or answers with some empty ones below."""
    some = typed.changes if kind == "set" else typed.answers
    return [*some, *(dict.fromkeys(keys, "") for _ in range(spare))]
