"""The notice that an issue is superseded: one page that says what is no longer valid, what replaces it, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from json import dumps
from typing import Any

from dosing.errors import Fault, UsageError
from dosing.render import issued, wording
from dosing.render.page import Fact
from dosing.render.pages import paper as sort_of_paper
from dosing.schedule import Schedule

FORMATS = (".md", ".pdf", ".txt")


@dataclass(frozen=True, slots=True)
class Notice:
    """The texts of one notice: what it is about, who the patient is, what to do, and one fact a change."""

    language: str
    banner: str
    status: str
    text: str
    facts: tuple[Fact, ...]
    heading: str
    changes: tuple[Fact, ...]
    footer: str
    words: dict[str, str]
    paper: str = "a4"


def of_issue(schedule: Schedule, superseded: int | None = None, changed: Iterable[Mapping[str, Any]] | None = None) -> Notice:
    """The notice about an issue that `schedule`, the newest one, replaces; by default the one before it.

    `changed` are the records of what differs between the two. Raises `UsageError` where there is no such issue.
    """
    from dosing.render.sheet import basis, document, footer, identity, status

    old = schedule.replaces if superseded is None else superseded
    if not 0 < old < schedule.issue:
        raise UsageError(Fault("R05", f"issue {old} is not superseded by issue {schedule.issue}", "name an earlier issue.", "notice"))
    told = replace(schedule, replaces=old, changed=schedule.changed if changed is None else tuple(map(dict, changed)))
    since = f" from {issued.moments(schedule.printed_at, schedule.locale)}" if schedule.printed_at else ""
    words = wording.words(schedule.locale)
    return Notice(
        schedule.locale, f"{words['superseded']}: issue {old} is no longer valid", status(schedule),
        f"Issue {schedule.issue} replaces it{since}. Take every copy of issue {old} away.", (*identity(schedule), *basis(schedule)),
        words["what_changed"], issued.changes(told), footer(told, document(schedule)), words,
    )  # fmt: skip


def of_lines(lines: Iterable[str], before: str, after: str, locale: str = "en-GB") -> Notice:
    """The notice about a saved schedule or regimen that another replaces, from the lines of their difference."""
    words = wording.words(locale)
    facts = (Fact("Superseded", wording.plain(before, locale)), Fact("Replaced by", wording.plain(after, locale)))
    told = tuple(_split(wording.plain(line, locale)) for line in lines)
    text = f"Take every copy of {before} away."
    return Notice(locale, f"{words['superseded']}: {before} is no longer valid", "", text, facts, words["what_changed"], told, wording.WORDS["warning"], words)


def _split(line: str) -> Fact:
    """`fludarabine: dose 55 → 52 mg` as what it is about and what changed."""
    about, colon, rest = line.partition(": ")
    return Fact(about, rest) if colon else Fact("", line)


def written(notice: Notice, extension: str, paper: str = "a4") -> bytes:
    """A notice as bytes of `.pdf`, `.txt` or `.md`; `UsageError` for another format."""
    kind = "." + extension.lower().removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(Fault("format", f'a notice cannot be written as "{extension}"', f"end the file with one of {', '.join(FORMATS)}.", "notice"))
    if kind == ".pdf":
        return _pdf(replace(notice, paper=sort_of_paper(paper)))
    lines = _text(notice) if kind == ".txt" else _markdown(notice)
    return ("\n".join(lines) + "\n").encode()


def _pdf(notice: Notice) -> bytes:
    from dosing.render.pdf import HERE, drawable, typeset

    texts = dumps(asdict(notice), ensure_ascii=False)
    drawable(texts)
    return typeset(HERE / "notice.typ", {"notice": texts})


def _text(notice: Notice) -> Iterator[str]:
    from dosing.render.text import WIDTH, paragraphs

    yield from ("#" * WIDTH, f"#{notice.banner:^{WIDTH - 2}}#", "#" * WIDTH)
    yield from (notice.status, "") if notice.status else ("",)
    yield from _plain(paragraphs(notice.text))
    yield ""
    yield from _plain(line for fact in notice.facts for line in paragraphs(f"{fact.label}: {fact.text}", "    "))
    yield from ("", notice.heading, "-" * len(notice.heading))
    told = [": ".join(filter(None, (fact.label, fact.text))) for fact in notice.changes] or [notice.words["nothing_changed"]]
    yield from _plain(line for text in told for line in paragraphs(f"* {text}", "    "))
    yield from ("", "-" * WIDTH, *_plain(paragraphs(notice.footer)))


def _plain(lines: Iterable[str]) -> Iterator[str]:
    return (line.replace(wording.NBSP, " ") for line in lines)


def _markdown(notice: Notice) -> Iterator[str]:
    from dosing.render.markdown import safe

    yield f"# {safe(notice.banner)}"
    yield from ("", f"**{safe(notice.status)}**") if notice.status else ()
    yield from ("", safe(notice.text), "", *(f"- {safe(fact.label)}: **{safe(fact.text)}**" for fact in notice.facts))
    yield from ("", f"## {safe(notice.heading)}", "")
    yield from (f"- {f'**{safe(fact.label)}** ' if fact.label else ''}{safe(fact.text)}" for fact in notice.changes)
    yield from () if notice.changes else (safe(notice.words["nothing_changed"]),)
    yield from ("", "---", "", safe(notice.footer))
