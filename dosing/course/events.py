"""The entries of a course's ledger: what can happen, as strict records of texts and whole numbers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from dosing.errors import DosingError, Fault, InputError
from dosing.patient import read_label
from dosing.regimen.fields import read_prose


def _clean(reader: Any, empty: bool) -> Any:
    def read(text: Any) -> Any:
        if not isinstance(text, str):
            raise PydanticCustomError("R01", "{what}", {"what": "a text expected", "do": "write a text."})
        if not text.strip() and empty:
            return ""
        try:
            return reader(text)
        except DosingError as error:
            fault = error.faults[0]
            raise PydanticCustomError(fault.code, "{what}", {"what": fault.what, "do": fault.do}) from None

    return BeforeValidator(read)


def _name(text: str) -> str:
    return read_label(read_prose(text))


Who = Annotated[str, _clean(_name, True)]
Told = Annotated[str, _clean(read_prose, True)]
Count = Annotated[int, Field(ge=1, le=9999, strict=True)]


class Record(BaseModel):
    """Base of all records: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(Record):
    """What every entry says: when (a moment with offset, or empty where no time was given), who, second person, why."""

    at: str = ""
    by: Who = ""
    second: Who = ""
    why: Told = ""


class Start(Entry):
    """The plan's inputs, as `plan` takes them, and the files they were read with."""

    what: Literal["start"] = "start"
    regimen: str
    blocks: tuple[str, ...] = ()
    files: dict[str, str] = {}  # id of a regimen or drug file: sha256
    patient: dict[str, str] = {}
    day0: str
    zone: str
    times: dict[str, str] = {}
    choose: dict[str, str] = {}
    bsa: str = ""
    weight_rule: tuple[str, ...] = ()
    rounding: str = ""
    set: tuple[dict[str, str], ...] = ()
    answers: tuple[dict[str, str], ...] = ()
    locale: str = ""
    two: tuple[str, ...] = ()  # kinds of entry for which the site asks a second person
    subject: Who = ""


class Planned(Record):
    """A dose as it was planned when it was given: the fact that no later replanning touches."""

    start: str
    day: int
    calculated: tuple[str, str] | None = None
    amount: tuple[str, str] | None = None
    held: bool = False
    minutes: int | None = None
    work: dict[str, str] | None = None


class Give(Entry):
    """A dose that was given: actual start (`at`), stop and amount, beside what was planned."""

    what: Literal["give"] = "give"
    order: str
    dose: Count
    stop: str = ""
    amount: tuple[str, str] | None = None
    partial: bool = False
    extra: bool = False  # given, and never planned
    kit: Who = ""
    planned: Planned
    outcome: str = ""
    asks: bool = False  # practice differs about the doses left, and nobody has chosen yet


class Miss(Entry):
    """A dose that was not given and will not be given in its place."""

    what: Literal["miss"] = "miss"
    order: str
    dose: Count
    planned: Planned
    outcome: str = ""
    asks: bool = False


class Correct(Entry):
    """A further entry about a recorded dose; the record it corrects stays and is shown beside it."""

    what: Literal["correct"] = "correct"
    order: str
    dose: Count
    start: str = ""
    stop: str = ""
    amount: tuple[str, str] | None = None
    missed: bool = False
    asks: bool = False


class Weigh(Entry):
    """A new weight and whether it counts as real or as fluid."""

    what: Literal["weigh"] = "weigh"
    weight: str
    outcome: str = ""
    asks: bool = False


class Level(Entry):
    """A measured level of one dose and its target, and which correction was chosen."""

    what: Literal["level"] = "level"
    order: str
    of: Annotated[int, Field(ge=0, le=9999, strict=True)] = 0  # the dose it was measured after; 0 where none of this order was given
    measured: str
    target: str
    stated: str = ""  # the dose a person states after it, where no outcome is calculated
    outcome: str = ""
    dose: str = ""  # the dose that the chosen outcome sets, as it will be read
    corrects: bool = False  # takes the place of the level entered before of the same dose
    further: bool = False  # one more measurement of a dose that has a level
    asks: bool = False


class Withdraw(Entry):
    """A level taken back: what followed from it no longer holds for the doses left."""

    what: Literal["withdraw"] = "withdraw"
    order: str
    of: Annotated[int, Field(ge=0, le=9999, strict=True)] = 0


class Move(Entry):
    """A new day 0 or new hours of events, and what becomes of the drugs already begun."""

    what: Literal["move-day0"] = "move-day0"
    day0: str
    times: dict[str, str] = {}
    outcome: str = ""
    asks: bool = False  # a choice taken back, to be made anew; no file holds it


class Set(Entry):
    """A change of one order, of a choice, or of a fact of the patient, from now on."""

    what: Literal["set"] = "set"
    key: str
    value: str


class Stop(Entry):
    """The doses of an order that are left are not given."""

    what: Literal["stop"] = "stop"
    order: str


class Answer(Entry):
    """A person's answer to a query."""

    what: Literal["answer"] = "answer"
    query: str
    answer: Told
    asked: str = ""  # short hash of the question's text: another text is another question
    dose: str = ""  # the dose that an outcome chosen after a level sets


class Release(Entry):
    """One administration released for preparation, as it stood: start and amount."""

    what: Literal["release"] = "release"
    order: str
    dose: Count
    start: str
    amount: tuple[str, str] | None = None


class Recall(Entry):
    """A release taken back."""

    what: Literal["recall"] = "recall"
    order: str
    dose: Count


class Issue(Entry):
    """A print: its number, the issue it replaces (0 for none), and the sha256 of its schedule."""

    what: Literal["issue"] = "issue"
    issue: Count
    replaces: Annotated[int, Field(ge=0, strict=True)]
    sha256: str
    files: tuple[str, ...] = ()


class Account(Entry):
    """Accountability of a trial product: kits or units received, prepared, wasted, returned; or the correction of an entry of it."""

    what: Literal["account"] = "account"
    order: str
    action: Literal["received", "prepared", "wasted", "returned"]
    count: Annotated[int, Field(ge=0, le=10**6, strict=True)]
    kit: Who = ""
    corrects: Annotated[int, Field(ge=0, strict=True)] = 0  # the number of the entry whose place it takes


Event = Start | Give | Miss | Correct | Weigh | Level | Withdraw | Move | Set | Stop | Answer | Release | Recall | Issue | Account
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="what")])


def read_event(data: Any, where: str) -> Event:
    """An entry from plain JSON values; `InputError` with every fault at once."""
    try:
        return _EVENT.validate_python(data)
    except ValidationError as error:
        raise InputError(*(_fault(item, where) for item in error.errors(include_url=False))) from None


def _fault(item: Any, where: str) -> Fault:
    place, context = ".".join(str(part) for part in item["loc"][1:]), item.get("ctx", {})
    code = item["type"] if context.get("do") else "R11"
    return Fault(code, context.get("what", item["msg"]), context.get("do", "write it in the form the course file states."), f"{where}: {place}" if place else where)


def make(kind: type[Any], **values: Any) -> Any:
    """An entry made by the program or a caller; `InputError` for a text that no record may hold."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise InputError(*(_fault({**item, "loc": ("", *item["loc"])}, str(kind.model_fields["what"].default)) for item in error.errors(include_url=False))) from None
