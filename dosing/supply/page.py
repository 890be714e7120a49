"""The supply sheet as text for a terminal, a file and Markdown: day by day, then the order list, then what is not in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from dosing.preparation.volumes import shown
from dosing.render.markdown import safe
from dosing.supply.result import Line, Pile
from dosing.supply.rows import bag_text, patient_rows
from dosing.supply.supplied import Supply

WIDTH, FIRST = 100, 10
WHAT = {"vials": "", "infusion": "infusions, not vials", "mouth": "by mouth, no vial"}
HEAD = ("Date", "Drug", "Product", "Doses", "Patients", "Amount", "Vials, each dose apart", "Left over", "Bags")
SHARED = ("Vials shared", "Left over")


def heading(supply: Supply) -> str:
    """`Supply 2026-12-04 to 2026-12-09: 3 patients, nct07299123@1 (draft)`."""
    start, end = supply.window
    named = (f"{one.id} ({one.status})" for one in supply.regimens)
    return f"Supply {start or '–'} to {end or '–'}: {', '.join((plural(supply.patients, 'patient'), *named))}"


def state(supply: Supply) -> str:
    """Whether the counts of these dates are final, why not, and what of the group lies outside them."""
    held = sum(one.doses for one in supply.not_counted if one.why == "held")
    parts = (
        (not supply.patients, "no dose lies in these dates"), (held, plural(held, "dose") + " held"), (len(supply.open), plural(len(supply.open), "query", "queries") + " open"),
        (sum(one.vials_unknown for one in supply.totals), "vials of {} not known"), (sum(one.bags_unknown for one in supply.totals), "bags of {} not known"),
        (rows := len({one.row for one in supply.refused}), plural(rows, "row") + " refused"),
        (len(supply.asks), plural(len(supply.asks), "fact") + " asked for"),
    )  # fmt: skip
    told = [text.format(plural(number, "dose")) for number, text in parts if number]
    verdict = f"NOT FINAL: {'; '.join(told)}." if told else "Final: nothing is held, open, asked for or unknown."
    return f"{verdict} {supply.outside}." if supply.outside else verdict


def plural(number: int, one: str, many: str = "") -> str:
    """`1 dose`, `2 doses`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def to_text(supply: Supply) -> str:
    """The sheet as plain text of at most 100 columns."""
    return "\n".join(_text(supply)) + "\n"


def _text(supply: Supply) -> Iterator[str]:
    yield from (*_wrapped(heading(supply)), *_wrapped(state(supply)))
    for day, lines in groupby(supply.days, key=lambda line: line.first):
        yield from ("", f"{day:%a} {day.day} {day:%b %Y}", *_block(lines, supply.share))
    if supply.totals:
        yield from ("", "IN ALL", *_block(supply.totals, supply.share))
    for title, told in _lists(supply):
        yield from ("", title.upper(), *(line for text in told for line in _wrapped(f"- {text}", "  ")))


def _block(lines: Iterable[Line], share: bool) -> Iterator[str]:
    for line in lines:
        named = f"{line.name} ({' + '.join(line.product)})" if line.product else line.name
        told = (f"  {named}:", plural(line.doses, "dose"), plural(line.patients, "patient"), str(line.amount or ""), _drawn(line), WHAT[line.how], _when(line))
        yield from _wrapped("  ".join(filter(None, told)), "      ")
        for label, text in _details(line, share):
            yield from _wrapped(f"      {label:<{FIRST}}{text}", " " * (6 + FIRST))


def _drawn(line: Line) -> str:
    """What is drawn up, where the marks of the syringes make it another amount."""
    return f"({line.drawn} drawn up)" if line.drawn and line.amount and not line.vials_unknown and line.drawn.decimal != line.amount.decimal else ""


def _when(line: Line) -> str:
    return "" if line.date else f"first needed {line.first}"


def _details(line: Line, share: bool) -> Iterator[tuple[str, str]]:
    if line.how != "vials":
        return
    yield "apart" if share else "vials", _pile(line.apart) if line.apart.vials else "not known: see what is asked for"
    if share and line.apart.vials:
        yield "shared", _pile(line.shared) if line.shared else "no: how long an opened vial keeps is not on file"
    for one in line.reconstitute:
        yield "dissolve", f"{one.count} × {one.product}: {one.text}" + (f" each, {shown(one.total, 'mL')} in all" if one.total else "")
    if line.bags or line.bags_unknown:
        unknown = [f"not known for {plural(line.bags_unknown, 'dose')}"] if line.bags_unknown else []
        yield "bags", "; ".join([*map(bag_text, line.bags), *unknown])
    if line.apart.vials and line.vials_unknown:
        yield "vials", f"not known for {plural(line.vials_unknown, 'more dose')}"


def _pile(pile: Pile) -> str:
    return ", ".join(f"{one.count:,} × {one.product} ({one.content})" for one in pile.vials) + f"; left over {pile.waste}"


def _lists(supply: Supply) -> Iterator[tuple[str, list[str]]]:
    """What is not in the counts and what they hang on, by heading."""
    named: tuple[tuple[str, list[str]], ...] = (
        ("Shared vials", [_rests(line) for line in supply.totals if line.keeps]),
        ("Not counted", [f"{one}. {one.effect[0].upper()}{one.effect[1:]}." for one in supply.not_counted]),
        ("Refused rows", [f"{one.where}: {one.code}, {one.do.rstrip('.')}; none of its doses is counted" for one in supply.refused]),
        ("Open", [f"{one.id} ({plural(one.patients, 'patient')}){f': {one.message}' if one.message else ''}" for one in supply.open]),
        ("Asked for", [one.message for one in supply.asks]),
        ("To look at", [f"{one.id} ({plural(one.doses, 'dose')}): {one.message}" for one in supply.checks]),
    )
    yield from ((title, told) for title, told in named if told)
    if supply.by_patient is not None:
        yield "By patient", [_patient(row) for row in patient_rows(supply)]


def _rests(line: Line) -> str:
    """`cyclophosphamide (powder-1-g): an opened vial serves the doses of a day for 144 h at 2 to 8 °C, by …`."""
    assert line.keeps
    return f"{line.name} ({' + '.join(line.product)}): an opened vial serves the doses of one day for {line.keeps}, by: {line.keeps.source}"


def _patient(row: dict[str, str]) -> str:
    """`A2 2026-12-01 busulfan: 4 × 37.8 mg (4 × concentrate)`."""
    dose = f"{row['amount']} {row['unit']}".strip() or "infusion"
    vials = f" ({row['vials']})" if row["vials"] else ""
    return f"{row['id']} {row['date']} {row['drug']}: {row['doses']} × {dose}{vials}"


def _wrapped(text: str, hang: str = "") -> list[str]:
    return wrap(text.replace("\u00a0", " "), WIDTH, subsequent_indent=hang, break_on_hyphens=False, drop_whitespace=True)


def to_markdown(supply: Supply) -> str:
    """The sheet as GitHub-flavoured Markdown: a table of days, one of totals, then the lists."""
    head = (*HEAD[:8], *(SHARED if supply.share else ()), HEAD[8])
    parts = [f"# {safe(heading(supply))}", f"**{safe(state(supply))}**"]
    for title, lines, first in (("Days", supply.days, "Date"), ("In all", supply.totals, "First needed")):
        parts += [f"## {title}", _table((first, *head[1:]), [_cells(line, supply.share) for line in lines], safe)]
    parts += [f"## {title}\n\n" + "\n".join(f"- {safe(text)}" for text in told) for title, told in _lists(supply)]
    return "\n\n".join(parts) + "\n"


def _cells(line: Line, share: bool) -> list[str]:
    shared = (_vials(line.needed), str(line.needed.waste or "")) if share else ()
    unknown = [f"not known for {plural(line.bags_unknown, 'dose')}"] if line.bags_unknown else []
    vials = _vials(line.apart) or WHAT[line.how] or "not known"
    return [line.first.isoformat(), line.name, " + ".join(line.product), str(line.doses), str(line.patients), str(line.amount or ""), vials, str(line.apart.waste or ""),
            *shared, "; ".join([*map(bag_text, line.bags), *unknown])]  # fmt: skip


def _vials(pile: Pile) -> str:
    return ", ".join(f"{one.count:,} × {one.product}" for one in pile.vials)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], clean: Callable[[str], str]) -> str:
    lines = [head, ["---"] * len(head), *([clean(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
