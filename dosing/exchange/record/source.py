"""A registry record as passages: from its text, or from the JSON of the ClinicalTrials.gov v2 interface."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dosing.errors import refuse

LONGEST = 400_000  # characters; the longest protocol sections have some ten thousand
TREATMENT = ("title", "summary", "description", "arm", "intervention")
MASKED = ("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE")
PARTS = {
    "title": r"(?:brief|official|public|scientific) title",
    "summary": r"brief summary|study summary",
    "description": r"(?:detailed|study) description",
    "arm": r"study groups|arms?(?: groups?)?|arms and interventions",
    "intervention": r"interventions?(?: description)?",
    "eligibility": r"eligibility(?: criteria)?|(?:key )?(?:inclusion|exclusion)(?: criteria)?",
    "other": r"conditions?|keywords?|study design|sponsors?|locations?|responsible party|basic information|study results|countries|contacts"
    r"|(?:primary |secondary |other )?outcomes?(?: measures?)?|provided documents|other identifiers|references|study brief",
}
HEADING = re.compile("|".join(rf"(?P<{part}>{words})" for part, words in PARTS.items()), re.I)
ID = re.compile(r"\b(?:NCT\d{8}|ISRCTN\d{8}|ChiCTR[\w-]{6,20}|ACTRN\d{14}|EUCTR[\w-]{8,20})\b")
LABELLED_ID = re.compile(rf"NCT ID\s*:?\s*({ID.pattern})")
UPDATED = re.compile(r"(?:last updated?(?: posted)?|modification date)\s*:?\s*(\d{4}-\d\d-\d\d)", re.I)
AGE = r"(?:minimum|lower)(?: eligible)? age(?: limit)?"
AGES = {"low": re.compile(AGE + r"\s*:?\s*(\d+) (\w+)", re.I), "high": re.compile(AGE.replace("minimum|lower", "maximum|upper") + r"\s*:?\s*(\d+) (\w+)", re.I)}
MASKING = re.compile(r"(?:blinding strategy|masking)\s*:?\s*(none|open|single|double|triple|quadruple)\b", re.I)
ARM_TYPE = re.compile(r"(?:experimental|active comparator|placebo comparator|sham comparator|no intervention|arm group label)\s*:\s*(\S.{0,160})", re.I)


@dataclass(frozen=True)
class Passage:
    """One paragraph of a record, its line breaks kept and each run of blanks one blank: where it stands, of what part and arms."""

    text: str
    part: str
    line: int = 0
    path: str = ""
    arms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", re.sub(r"[^\S\n]+", " ", self.text))

    def where(self, start: int) -> str:
        """The place of a character: `line 45` of a text, the path of a JSON record."""
        return self.path or f"line {self.line + self.text[:start].count(chr(10))}"


@dataclass(frozen=True)
class Record:
    """What an import needs of a record; `ages` are the printed lowest and highest age, empty where none is printed."""

    id: str
    title: str
    updated: str
    ages: tuple[str, str]
    masked: bool
    arms: tuple[str, ...]
    passages: tuple[Passage, ...]


def read_source(text: str) -> Record:
    """A record out of its text or its JSON; `InputError` R05 for an empty text, R01 for a JSON that is not one study."""
    if not text.strip():
        raise refuse("R05", "the record is empty", "save the record as text, or as JSON of the v2 interface.", "record")
    record = _from_json(text) if text.lstrip("\ufeff \r\n\t").startswith("{") else _from_text(text.lstrip("\ufeff").replace("\r\n", "\n"))
    if sum(len(passage.text) for passage in record.passages) > LONGEST:
        raise refuse("R06", f"the record's text is longer than {LONGEST:,} characters", "save the protocol section of one study.", "record")
    return record


def _from_text(text: str) -> Record:
    lines = text.split("\n")
    labelled, masking = LABELLED_ID.search(text), MASKING.search(text)
    found = labelled[1] if labelled else next(iter(ID.findall(text)), "")
    arms = tuple(dict.fromkeys(_labels([line.strip() for line in lines if line.strip()])))
    passages = tuple(_passages(lines, arms))
    updated = UPDATED.search(text)
    masked = masking is not None and masking[1].upper() in MASKED
    return Record(found, _title(passages), updated[1] if updated else "", (_age(text, "low"), _age(text, "high")), masked, arms, passages)


def _age(text: str, end: str) -> str:
    found = AGES[end].search(text)
    return " ".join(found.groups()) if found else ""


def _labels(lines: list[str]) -> Iterator[str]:
    """The names of the arms: the line above a group type, or the rest of a line that begins with one."""
    for above, line in zip(["", *lines], lines, strict=False):
        if re.fullmatch(r"Group Type \w+", line) and above:
            yield above
        elif found := ARM_TYPE.fullmatch(line):
            yield found[1]


def _title(passages: tuple[Passage, ...]) -> str:
    return next((" ".join(one.text.split()) for one in passages if one.part == "title"), "")


def _passages(lines: list[str], labels: tuple[str, ...]) -> Iterator[Passage]:
    """Paragraphs between blank lines, headings and names of arms; the first line is the title where it looks like one."""
    part, arms, held, start = "description", (), [], 0  # type: str, tuple[str, ...], list[str], int
    title = _title_line(lines)
    for number, line in enumerate([*lines, ""], 1):
        said = line.strip()
        heading, rest = _heading(said)
        arm = next((label for label in labels if said == label or (ARM_TYPE.fullmatch(said) and said.endswith(label))), "")
        if held and (not said or heading or arm):
            yield Passage("\n".join(held), part, start, arms=arms)
            held = []
        if heading or arm:
            part, arms, line = heading or part, (arm,) if arm else (), rest
        elif number == title:
            yield Passage(said, "title", number)
            line = ""
        if line.strip():
            start = start if held else number
            held.append(line)


def _title_line(lines: list[str]) -> int:
    """The number of the first line with words, where these are at least five and no sentence; 0 otherwise."""
    number, line = next(((n, one.strip()) for n, one in enumerate(lines, 1) if one.strip()), (0, ""))
    return number if len(line.split()) > 4 and line[-1] not in ".:" and not _heading(line)[0] else 0


def _heading(line: str) -> tuple[str, str]:
    """The part that a heading opens, and what stands behind its colon on the same line; empty where it is none."""
    name, colon, rest = line.partition(":")
    found = HEADING.fullmatch(name.strip()) if colon or len(line) < 40 else None
    return (found.lastgroup or "", rest) if found else ("", "")


def _from_json(text: str) -> Record:
    try:
        data: Any = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise refuse("R01", f"the JSON cannot be read ({str(error)[:80]})", "save the study again, whole.", "record") from None
    studies = data.get("studies", [data])
    if not isinstance(studies, list) or len(studies) != 1:
        raise refuse("R05", "the JSON does not hold exactly one study", "save one study by its number.", "record")
    section = _at(studies[0], "protocolSection")
    if not section:
        raise refuse("R05", 'the JSON has no "protocolSection"', "save the study from the v2 interface, or import its text.", "record")
    return _of_section(section)


def _at(data: Any, *path: str) -> Any:
    """What stands at a path of mappings; an empty mapping where it stops."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data or {}


def _text(data: Any, *path: str) -> str:
    found = _at(data, *path)
    return found if isinstance(found, str) else ""


def _rows(data: Any, *path: str) -> list[Any]:
    found = _at(data, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _of_section(section: Any) -> Record:
    known, eligible = _at(section, "identificationModule"), _at(section, "eligibilityModule")
    arms = tuple(_text(row, "label") for row in _rows(section, "armsInterventionsModule", "armGroups"))
    return Record(
        _text(known, "nctId"),
        " ".join((_text(known, "briefTitle") or _text(known, "officialTitle")).split()),
        _text(section, "statusModule", "lastUpdatePostDateStruct", "date"),
        (_text(eligible, "minimumAge"), _text(eligible, "maximumAge")),
        _text(section, "designModule", "designInfo", "maskingInfo", "masking") in MASKED,
        tuple(dict.fromkeys(filter(None, arms))),
        tuple(one for one in _of_modules(section, known, eligible) if one.text.strip()),
    )


def _of_modules(section: Any, known: Any, eligible: Any) -> Iterator[Passage]:
    """The passages of a JSON record in the order in which a page of the registry prints them."""
    described, treated = "descriptionModule", "armsInterventionsModule"
    for key in ("briefTitle", "officialTitle"):
        yield Passage(_text(known, key), "title", path=f"identificationModule.{key}")
    yield from _paragraphs(_text(section, described, "briefSummary"), "summary", f"{described}.briefSummary")
    yield from _paragraphs(_text(section, described, "detailedDescription"), "description", f"{described}.detailedDescription")
    for n, row in enumerate(_rows(section, treated, "armGroups")):
        yield from _paragraphs(_text(row, "description"), "arm", f"{treated}.armGroups[{n}].description", (_text(row, "label"),))
    for n, row in enumerate(_rows(section, treated, "interventions")):
        listed = row.get("armGroupLabels")
        arms = tuple(label for label in listed if isinstance(label, str)) if isinstance(listed, list) else ()
        yield Passage(_text(row, "name"), "name", path=f"{treated}.interventions[{n}].name", arms=arms)
        yield from _paragraphs(_text(row, "description"), "intervention", f"{treated}.interventions[{n}].description", arms)
    yield from _paragraphs(_text(eligible, "eligibilityCriteria"), "eligibility", "eligibilityModule.eligibilityCriteria")


def _paragraphs(text: str, part: str, path: str, arms: tuple[str, ...] = ()) -> Iterator[Passage]:
    yield from (Passage(one.strip("\n"), part, path=path, arms=arms) for one in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")))
