"""The protocol as a CDISC USDM v4 study definition: interventions, activities, and a timeline anchored at day 0.

Classes, keys and code lists follow the public examples of https://github.com/cdisc-org/DDF-RA (`Documents/Examples`).
USDM's Administration has one dose as a plain quantity, so a dose per kg or per m2 stands in a unit such as mg/kg, and
one that is held, a range or not given stands in words with its question. What a study has and a regimen has not
(sponsor, rationale, objectives, eligibility, phase) is left empty or says that it is not stated; nothing is made up.
Choices are notes and their effects are conditions; the options of a choice that blinds are the arms, as this is an
export of the protocol and of no patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from dosing import forms
from dosing.exchange.protocol import Lost, Part, Protocol
from dosing.exchange.usdm_codes import DAILY, HOURLY, INTERVENTIONS, ONCE, ROUTES, UNITS, WEEKLY, Json, Objects, none_of
from dosing.exchange.usdm_timeline import timeline
from dosing.regimen.schema import Choice
from dosing.render.fhir import written

UNSTATED = "Not stated: a regimen holds orders and their sources, not the rationale of a study."


def write(protocol: Protocol) -> tuple[bytes, list[Lost]]:
    """The study definition as UTF-8 JSON with exact decimals, and what USDM cannot carry."""
    made, lost = Objects(protocol.regimen.sha256[:12]), list(_lost(protocol))
    study = {
        "id": protocol.uuid("study"), "name": protocol.regimen.id, "description": protocol.regimen.title, "label": protocol.name,
        "versions": [_version(protocol, made, lost)], "documentedBy": [], "instanceType": "Study",
    }  # fmt: skip
    return (written({"study": study, "usdmVersion": "4.0.0", "systemName": "dosing", "systemVersion": "1"}) + "\n").encode(), lost


def _version(protocol: Protocol, made: Objects, lost: list[Lost]) -> Json:
    r = protocol.regimen
    identifiers, organizations = _identifiers(protocol, made)
    return made.make(
        "StudyVersion", "1", versionIdentifier=r.version, rationale=UNSTATED, studyIdentifiers=identifiers, organizations=organizations,
        titles=[made.make("StudyTitle", text=r.title, type=made.code(("C207616", "Official Study Title")))],
        studyDesigns=[_design(protocol, made, lost)], studyInterventions=[_intervention(part, made) for part in protocol.parts],
        conditions=[_condition(part, made) for part in protocol.parts if part.order.when], notes=[made.note(text) for text in _notes(protocol)],
        **none_of("documentVersionIds", "dateValues", "amendments", "businessTherapeuticAreas", "referenceIdentifiers", "eligibilityCriterionItems",
                  "narrativeContentItems", "abbreviations", "roles", "administrableProducts", "medicalDevices", "productOrganizationRoles",
                  "biomedicalConcepts", "bcCategories", "bcSurrogates", "dictionaries"),
    )  # fmt: skip


def _identifiers(protocol: Protocol, made: Objects) -> tuple[list[Json], list[Json]]:
    """The regimen's id in its library, and the registry numbers among its sources."""
    registered = [source.id for source in protocol.regimen.sources.values() if source.id.startswith("NCT")]
    named = [(protocol.name, "library")] + [(number, "registry") for number in dict.fromkeys(registered)]
    names = {"library": "Regimen library", "registry": "ClinicalTrials.gov"}
    organizations = [
        made.make("Organization", key, name=names[key], label=names[key], type=made.code(("C93453", "Study Registry")),
                  identifierScheme="name", identifier=names[key], legalAddress=None, managedSites=[])
        for key in dict.fromkeys(key for _, key in named)
    ]  # fmt: skip
    return [made.make("StudyIdentifier", text=text, scopeId=f"Organization_{key}") for text, key in named], organizations


def _notes(protocol: Protocol) -> Iterator[str]:
    """What the study says as a whole: status, day 0, choices, open questions, drugs without a dose, sources."""
    r = protocol.regimen
    yield f"{protocol.name}, {r.status} in its library, SHA-256 {r.sha256}. Doses as the sources print them; no amount is calculated."
    yield f"Day 0: {r.day0}."
    yield from (f"Chosen for this export: {name} = {value}." for name, value in protocol.chosen.items())
    yield from (_choice(name, choice) for name, choice in r.choices.items())
    yield from (f"{question.label}: {question.text}" for question in protocol.questions)
    yield from (f"NOT SCHEDULED {one.drug}: {one.reason} ({_phrases(one.cite)})." for one in r.not_scheduled)
    if r.silent:
        yield f"The sources are silent on {', '.join(r.silent)}."
    for key, source in r.sources.items():
        yield f"Source {key}: {', '.join(filter(None, (source.title, source.id, source.address)))} (read {source.read}, wording {source.wording})."


def _choice(name: str, choice: Choice) -> str:
    closed = {option: f" (closed: {why})" for option, why in choice.closed.items()}
    options = "; ".join(f"{option} = {told}{closed.get(option, '')}" for option, told in choice.options.items())
    default = f"Default {choice.default}." if choice.default else "No default."
    return f"Choice {name}: {choice.ask} {options}. {default} {_phrases(choice.cite)}".strip()


def _phrases(cite: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f'{key}: "{phrase}"' for key, phrases in cite.items() for phrase in phrases)


def _design(protocol: Protocol, made: Objects, lost: list[Lost]) -> Json:
    """One epoch and one element, as a regimen has no parts of its own; one arm, or those of a choice that blinds."""
    r, arms = protocol.regimen, list(_arms(protocol, made))
    interventions = [f"StudyIntervention_{part.id}" for part in protocol.parts]
    epoch = made.named("StudyEpoch", "course", ("course", "Course", r.day0), type=made.code(("C101526", "Treatment Epoch")), previousId=None, nextId=None, notes=[])
    element = made.named("StudyElement", "course", ("course", "Course", "All orders of the protocol"), transitionStartRule=None, transitionEndRule=None,
                         studyInterventionIds=interventions, notes=[])  # fmt: skip
    return made.named(
        "InterventionalStudyDesign", "1", (r.id, r.title, r.title), studyType=made.code(("C98388", "Interventional Study")), studyPhase=None,
        activities=_activities(protocol, made), arms=arms, epochs=[epoch], elements=[element], rationale=UNSTATED, studyInterventionIds=interventions,
        studyCells=[made.make("StudyCell", armId=arm["id"], epochId=epoch["id"], elementIds=[element["id"]]) for arm in arms],
        population=_population(protocol, made), scheduleTimelines=[timeline(protocol, made, epoch["id"], lost)], blindingSchema=None,
        model=made.code(("C82639", "Parallel Study") if len(arms) > 1 else ("C82640", "Single Group Study")),
        **none_of("therapeuticAreas", "characteristics", "encounters", "estimands", "indications", "objectives", "biospecimenRetentions", "documentVersionIds",
                  "eligibilityCriteria", "analysisPopulations", "notes", "subTypes", "intentTypes"),
    )  # fmt: skip


def _arms(protocol: Protocol, made: Objects) -> Iterator[Json]:
    """The options of a choice that blinds, else one arm for everybody."""
    blinding = [choice for choice in protocol.regimen.choices.values() if choice.blinds]
    named = {option: told for choice in blinding for option, told in choice.options.items() if option != "blinded"}
    for name, told in (named or {"all": "Everybody on the protocol"}).items():
        yield made.named(
            "StudyArm", name, (name, told, told), type=made.code(("C15538", "Protocol Treatment Arm")), dataOriginDescription="Data collected from subjects",
            dataOriginType=made.code(("C188866", "Data Generated Within Study")), populationIds=[], notes=[],
        )  # fmt: skip


def _population(protocol: Protocol, made: Objects) -> Json:
    ages, words = protocol.regimen.ages, ("patients", "Patients", f"Patients on {protocol.regimen.title}")
    planned = ages and made.make("Range", minValue=made.quantity(ages.low, "y"), maxValue=made.quantity(ages.high, "y"), isApproximate=False)
    return made.named("StudyDesignPopulation", "1", words, includesHealthySubjects=False, plannedEnrollmentNumber=None, plannedCompletionNumber=None,
                      plannedAge=planned or None, **none_of("plannedSex", "criterionIds", "notes", "cohorts"))  # fmt: skip


def _activities(protocol: Protocol, made: Objects) -> list[Json]:
    """One activity an order, in the order of the file, each with the procedure that gives its intervention."""
    ids = [None, *(f"Activity_{part.id}" for part in protocol.parts), None]
    return [_activity(part, made, ids[n], ids[n + 2]) for n, part in enumerate(protocol.parts)]


def _activity(part: Part, made: Objects, before: str | None, after: str | None) -> Json:
    procedure = made.named("Procedure", part.id, (part.id, part.name, part.words), procedureType="administration", code=made.own(part.drug.id, part.name),
                           studyInterventionId=f"StudyIntervention_{part.id}", notes=[])  # fmt: skip
    notes = [f"Printed: {_phrases(part.order.cite)}", *(f"{one.label}: {one.text}" for one in part.questions), *filter(None, [part.order.note])]
    return made.named(
        "Activity", part.id, (part.id, part.name, _told(part)), previousId=before, nextId=after, definedProcedures=[procedure], timelineId=None,
        notes=[made.note(text) for text in notes], **none_of("childIds", "biomedicalConceptIds", "bcCategoryIds", "bcSurrogateIds"),
    )  # fmt: skip


def _told(part: Part) -> str:
    return f"{part.asked}: {part.words}" if part.asked else part.words


def _intervention(part: Part, made: Objects) -> Json:
    return made.named(
        "StudyIntervention", part.id, (part.id, part.name, _told(part)), role=made.code(("C41161", "Experimental Intervention")),
        type=made.code(INTERVENTIONS[part.drug.kind]), minimumResponseDuration=None, codes=[made.own(part.drug.id, part.name)],
        administrations=[_administration(part, made)], notes=[],
    )  # fmt: skip


def _administration(part: Part, made: Objects) -> Json:
    """The one administration of an order; no dose quantity while it is held, a range or not given."""
    amount, term, route = part.amount, _frequency(part), ROUTES.get(part.order.route or "")
    frequency = made.code(term) if term else made.own(part.days, part.days)
    return made.named(
        "Administration", part.id, (part.id, part.row["dose"], _told(part)), duration=_duration(part, made),
        dose=made.quantity(amount.low, amount.unit, amount.per) if amount else None, route=made.alias(made.code(route)) if route else None,
        frequency=made.alias(frequency), administrableProductId=None, medicalDeviceId=None,
        notes=[made.note(f"{one.label}: {one.text}") for one in part.questions],
    )  # fmt: skip


def _duration(part: Part, made: Objects) -> Json:
    over = part.order.over
    text, why = (f"over {forms.say_duration(over)}", "") if over else ("not stated", "The source prints no duration of one administration.")
    return made.make("Duration", text=text, quantity=made.quantity(Decimal(over), "min") if over else None, durationWillVary=not over, reasonDurationWillVary=why)


def _frequency(part: Part) -> tuple[str, str] | None:
    """The CDISC term of an order's rhythm; None where there is none."""
    if part.every:
        return HOURLY.get(int(part.every[0])) if part.every[0] == part.every[1] else None
    if part.count == 1:
        return ONCE
    steps = {one.step for one in part.stretches}
    if steps == {7} and len(part.clock) < 2:
        return WEEKLY
    by_day = isinstance(part.order.dose, forms.Dose) and part.order.dose.time == "day" and not part.stretches
    return DAILY.get(max(1, len(part.clock))) if by_day or (steps == {1} and len(part.stretches) == 1) else None


def _condition(part: Part, made: Objects) -> Json:
    words = (part.id, f"When {part.id} is given", part.row["when"])
    return made.named("Condition", part.id, words, text=part.row["when"], dictionaryId=None, appliesToIds=[f"Activity_{part.id}"], **none_of("notes", "contextIds"))


def _lost(protocol: Protocol) -> Iterator[Lost]:
    """What USDM has no place for as data, and stands in its notes and descriptions."""
    for name, choice in protocol.regimen.choices.items():
        arms = "its options are the arms, and it is told in a note"
        yield Lost(f"choice {name}", arms if choice.blinds else "USDM asks no choice: it is told in a note, its effects are conditions in words")
    absent = "sponsor, roles, dates, phase, objectives, endpoints, eligibility, sex, administrable products and rationale"
    yield Lost("study", f"{absent} are not in a regimen: left empty or said not to be stated")
    based = [part.id for part in protocol.parts if part.amount and part.amount.per]
    if based:
        yield Lost(f"doses of {', '.join(based)}", "USDM multiplies nothing: per kg and per m2 stand in the unit")
    yield from (lost for part in protocol.parts for lost in _lost_order(part))


def _lost_order(part: Part) -> Iterator[Lost]:
    order, where, amount = part.order, f"order {part.id}", part.amount
    if not amount and isinstance(order.dose, forms.Dose):
        told = f"the dose {part.row['dose']} is {'held' if part.held else 'not one exact value'} and stands in words only"
        yield Lost(where, f"{told}, with {part.asked}" if part.asked else told)
    if amount and "/".join(filter(None, (amount.unit, amount.per))) not in UNITS:
        yield Lost(where, "CDISC has no unit for its dose: the unit is a UCUM code")
    if not _frequency(part):
        yield Lost(where, "no CDISC term says its rhythm: the days stand as its frequency in words, and in the timeline")
    beside = {**part.row["limits"], "gaps to other drugs": part.gaps, "course total": order.total, "until": order.until, "product": order.product}
    beside["dosing weight"] = order.weight != "unspecified"
    if named := [name for name, value in beside.items() if value]:
        yield Lost(where, f"{', '.join(named)}: in words only")
