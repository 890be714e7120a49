"""What the page says beside what the library says: labels of the fields, and options of the command line as their labels."""

from __future__ import annotations

import re

from dosing.errors import DosingError

FACTS = {
    "name": ("Name", ""), "id": ("Hospital number", ""), "age": ("Age", "31 y, or 18 mo"), "born": ("Born", "1992-03-01"), "sex": ("Sex", ""),
    "weight": ("Weight", "62.5 kg"), "weighed": ("Weighed on", "2027-01-08"), "last_weight": ("Weight before this one", "64 kg"), "height": ("Height", "168 cm"),
    "creatinine": ("Creatinine", "0.9 mg/dL, or 80 umol/L"), "crcl": ("Creatinine clearance", "90 mL/min"), "gfr": ("Measured GFR", "140 mL/min"),
    "allergies": ("Allergies", "none known"), "taking": ("Takes beside the orders", "itraconazole, levetiracetam, or none"),
    "prior": ("Given before", "thiotepa 300 mg/m2; busulfan unknown"), "neutrophils": ("Neutrophils", "0.35e9/L"),
}  # fmt: skip
"""Label and example of each fact of a patient; the order is that of the form."""
SEXES = {"F": "female", "M": "male"}
FORMS = {"dose": "600 mg/m2/day", "days": "-5..-2", "time": "14:00"}
NEEDS = {"needed": "required", "dated": "required with a day 0", "asked": "a check asks for it", "instead": "or this one", "may": ""}
OPTIONS = {
    "day0": "day 0", "zone": "time zone", "time": "an hour", "choose": "a choice", "bsa": "body surface formula", "with": "a block", "set": "a change of",
    "answer": "an answer", "by": "by", "reason": "reason", "second": "second person", "locale": "language of the sheet", "rounding": "rounding",
    "weight-rule": "weight rule", "printed-at": "print time", "pages": "pages", "paper": "paper", "last-weight": "weight before this one",
}  # fmt: skip
"""Options of the command line in the words of the page; those of the patient are the labels of the facts."""
LANGUAGES = {"en-GB": "English (UK): micrograms in full", "en-US": "English (US): mcg, Tall Man", "zh": "中文 and English"}
REFUSED = {1: "No schedule was made", 2: "The request is not complete", 3: "A file of the library is wrong", 4: "An input is missing or refused"}
"""The exit codes of the command line in words."""
KINDS = {
    "pdf": "to print and sign", "xlsx": "workbook", "csv": "table", "parquet": "table for programs", "ics": "calendar", "fhir.json": "FHIR resources", "json": "data",
    "html": "web page", "md": "Markdown", "txt": "plain text",
}  # fmt: skip

_CHOOSE = re.compile(r'add --choose [\w.-]+=(?:"([^"]*)"|([\w.|-]+))')
_TIME = re.compile(r"add --time [\w.-]+=HH:MM")
_ANSWER = re.compile(r'write --answer ID="text" --by NAME')
_SET = re.compile(r"--set ((?:[\w-]+|ORDER)\.[\w-]+(?:=…)?)")
_OPTION = re.compile(r"(?:\badd )?--([a-z][a-z0-9-]*)(?: yes or no)?")


def in_words(text: str) -> str:
    """A message without the options of the command line: `add --time hsc=HH:MM.` is `write the hour as HH:MM.`."""
    text = _CHOOSE.sub(lambda found: f"write {found[1] if found[1] != '…' else 'it'}" if found[1] else f"choose {found[2].replace('|', ' or ')}", text)
    text = _ANSWER.sub("write what was decided, and by whom", _TIME.sub("write the hour as HH:MM", text))
    return _OPTION.sub(_named, _SET.sub(r"a change of \1", text))


def _named(found: re.Match[str]) -> str:
    name = found[1]
    label = OPTIONS.get(name) or FACTS.get(name.replace("-", "_"), (name,))[0]
    return f"{'fill in ' if found[0].startswith('add') else ''}“{label}”"


def refused(error: DosingError) -> str:
    """What a refusal comes to, in a few words."""
    return REFUSED.get(error.exit_code, REFUSED[1])

