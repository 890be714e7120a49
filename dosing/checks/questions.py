"""Which of the files' questions hang on a fact of the patient, and which are told together with a measured time."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from dosing import forms
from dosing.checks import case as _case
from dosing.checks.case import Case, Hit, Mask, per_course
from dosing.checks.kidneys import kidneys
from dosing.errors import InputError
from dosing.regimen.rules import PATIENT
from dosing.regimen.schema import When
from dosing.rounding import Column

NAMES = {"crcl": "clearance", "bmi": "body mass index", "bsa": "body surface"}
TIMED = ("timing.gap", "timing.cover")


class Questions(NamedTuple):
    """The questions of one course that need another look, by their ids."""

    conditional: dict[str, When]  # with a condition on the patient
    timed: frozenset[str]  # about a gap or a cover that a drug's rule measures


@per_course
def _questions(case: Case) -> Questions | None:
    """None for most courses, which end here."""
    queries = case.settled.queries
    conditional = {query.id: query.when for query in queries if query.when and any(c.name in PATIENT for c in (*query.when.all, *query.when.any))}
    timed = frozenset(query.id for query in queries if query.code in TIMED)
    return Questions(conditional, timed) if conditional or timed else None


def hits(case: Case) -> list[Hit]:
    """Everything the checks found, in the order of the checks; a question about one kind of patient is asked for those only."""
    found, questions = _case.hits(case), _questions(case)
    if questions is None:
        return found
    if questions.conditional:
        found = [made for hit in found if (made := _asked(case, hit, questions.conditional.get(hit.id)))]
    return _together(found, questions.timed) if questions.timed else found


def _asked(case: Case, hit: Hit, when: When | None) -> Hit | None:
    """A question for the rows that it speaks of; a fact that is not known does not silence it, and is asked for."""
    if when is None:
        return hit
    met = {condition: _met(case, condition) for condition in (*when.all, *when.any)}
    mask = reduce(np.logical_and, (known for one in when.all if (known := met[one]) is not None), np.ones(1, bool))
    either = [known for one in when.any if (known := met[one]) is not None]
    if when.any and len(either) == len(when.any):
        mask = mask & reduce(np.logical_or, either)
    if not mask.any():
        return None
    unknown = dict.fromkeys(NAMES.get(one.name, one.name) for one, known in met.items() if known is None)
    asks = hit.level == "query" and unknown and isinstance(hit.message, str)
    return hit._replace(mask=mask if len(mask) > 1 else None, message=f"{hit.message} Not known here: {', '.join(unknown)}; enter it." if asks else hit.message)


def _met(case: Case, condition: forms.Condition) -> Mask | None:
    """The rows that meet a condition, by a choice or a fact; None where the fact is not known."""
    if condition.name not in PATIENT:
        chosen = case.settled.choices.get(condition.name)
        return np.array([(chosen == condition.value) == (condition.operator == "==")])
    fact = _fact(case, condition)
    return None if fact is None else np.asarray(condition.met(fact))


def _fact(case: Case, condition: forms.Condition) -> Column | None:
    """A fact as a question looks at it: a clearance on every weight that may be meant, a child's per 1.73 m2."""
    if condition.name == "crcl":
        found = kidneys(case)
        return None if found is None else found.lowest if condition.operator.startswith("<") else found.judged
    try:
        return case.body.fact(condition.name, "a question")
    except InputError:
        return None


def _together(found: list[Hit], timed: frozenset[str]) -> list[Hit]:
    """A file's question about a gap or a cover, and what a drug's rule measured of it, as one finding: the question."""
    questions = {hit.id: hit for hit in found if hit.id in timed and hit.code in TIMED and isinstance(hit.message, str)}
    for hit in found:
        for key, question in questions.items():
            if hit is not question and _measures(hit, question):
                questions[key] = question._replace(message=f"{question.message} {hit.message}")
    told = {hit.id for hit in found if any(hit.id != key and _measures(hit, one) for key, one in questions.items())}
    return [questions.get(hit.id, hit) for hit in found if hit.id not in told]


def _measures(hit: Hit, question: Hit) -> bool:
    """Whether a finding says of a time what a question asks; a gap that no source allows stays a query of its own."""
    if not isinstance(hit.message, str):
        return False
    if question.code == "timing.cover":
        return hit.code == "timing.cover"
    return hit.code == "timing.gap-missed" and hit.level == "note" and hit.order == question.order
