"""The gate every written form passes first: length, hidden characters, foreign digits, look-alikes, and plain numbers.

Nothing is normalised on the way in: compatibility folding turns a superscript 5 behind a 10 into 105, so an odd
character is named and refused instead of replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from dosing.errors import InputError, refuse

MINUS_SIGNS = "\u2212\u2013"
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
MAX_DIGITS = 7

_BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc\ud800-\udfff\U000e0000-\U000e0fff]"
)
_ODD_BLANK = re.compile(f"[{_BLANKS}]")
# Sheets print a no-break space between number and unit, so text pasted from one must read back.
_NO_BREAK = r"(?<=\S)[\u00a0\u202f](?=\S)"
_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")
_GROUPED = re.compile(rf"(?<![A-Za-z\d.^])\d[\d.]*[ '’_`´{_BLANKS}]+\d|\d(?:[,，][\d]+){{2,}}|\d+[.,，]\d{{3}}[.,，]\d")
_COMMA = re.compile(r"(\d+)[,，](\d+)")
_FALSE_GROUP = re.compile(r"(?<![\d.])([1-9]\d{0,2})\.(\d\d0)(?![\d.])")
_LETTER_DIGIT = re.compile(r"(?<![A-Za-z])(?:[0-9.]+[OoI]|[0-9.]+[l|](?=[0-9.])|[OoIl|][0-9.])[0-9.OoIl|]*(?![A-Za-z])")
_LEADING_ZERO = re.compile(r"(?<![\d.eE^+-])0(\d+)")


@dataclass(frozen=True, slots=True)
class Codes:
    """The refusal codes one field uses for the faults that every text can have."""

    long: str = "D18"
    hidden: str = "D17"
    digit: str = "D04"
    alike: str = "D20"
    comma: str = "D01"
    group: str = "D02"
    point: str = "D03"

    @classmethod
    def all(cls, code: str) -> Codes:
        """One code for every fault of the text."""
        return cls(code, code, code, code, code, code, code)


def show(text: str, limit: int = 64) -> str:
    """The text as received, between quotation marks, with hidden characters named and a long text cut."""
    cut = text[:limit] + ("…" if len(text) > limit else "")
    return '"' + _HIDDEN.sub(_point, _ODD_BLANK.sub(_point, cut)) + '"'


def _point(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"


def named(character: str) -> str:
    """A character as its code point and Unicode name, for example `U+FF17 (fullwidth digit seven)`."""
    import unicodedata

    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def gate(text: str, codes: Codes, allowed: str = "", limit: int = 64) -> str:
    """The text without outer ASCII blanks, or a refusal: too long, hidden character, foreign digit, look-alike.

    `allowed` lists the characters outside ASCII that the field's own grammar reads or refuses itself.
    """
    if not isinstance(text, str):
        raise refuse("R01", f"{text!r} is not a text", "write it as a text in quotation marks.")
    text = text.strip(" ")
    if len(text) > limit:
        raise refuse(
            codes.long, f"the text is {len(text)} characters long", f"write at most {limit} characters, one fact."
        )
    if text.isascii() and text.isprintable():
        return text
    _refuse_hidden(text, codes)
    text = re.sub(_NO_BREAK, " ", text)
    _refuse_odd_blank(text, codes)
    for place, character in enumerate(text):
        if not character.isascii() and character not in allowed:
            raise _odd(text, place, codes)
    return text


def _refuse_hidden(text: str, codes: Codes) -> None:
    found = _HIDDEN.search(text)
    if found:
        behind = f"after {show(text[: found.start()])}" if found.start() else "at the start"
        raise refuse(
            codes.hidden, f"hidden character {named(found[0])} {behind}", "delete the text and type it again."
        )
    grouped = re.search(rf"\d[{_BLANKS}]+\d", text)
    if grouped:
        raise refuse(codes.group, f"{show(text)} has a blank inside the number", "write the number without blanks.")


def _refuse_odd_blank(text: str, codes: Codes) -> None:
    blank = _ODD_BLANK.search(text)
    if blank:
        raise refuse(
            codes.hidden, f"{show(text)} holds the blank {named(blank[0])}", "replace it with an ordinary blank."
        )


def _odd(text: str, place: int, codes: Codes) -> InputError:
    character = text[place]
    told = f"character {place + 1} of {show(text)} is {named(character)}"
    if character.isnumeric():
        return refuse(codes.digit, f"{told}, not one of the digits 0-9", "retype it with the plain digits 0-9.")
    return refuse(codes.alike, f"{told}, not a sign this form knows", "retype it with plain keyboard letters and signs.")


def check_number_form(text: str, codes: Codes) -> None:
    """Refuse any number in the text that has a comma, grouping, a naked point or letters for digits (D01-D04)."""
    _refuse_separators(text, codes)
    letters = _LETTER_DIGIT.search(text)
    if letters:
        raise refuse(
            codes.digit, f"{show(text)} has a letter among the digits of {show(letters[0])}", "use the digits 0-9."
        )
    _refuse_points(text, codes)


def _refuse_separators(text: str, codes: Codes) -> None:
    thousands = re.search(r"(?<![\d.,])([1-9]\d{0,2})[,，](\d{3})(?![\d.,])", text)
    if _GROUPED.search(text) or thousands:
        readings = _thousands(thousands[1], thousands[2]) if thousands else ()
        told = f"; it could mean {' or '.join(readings)}" if readings else ""
        cure = "write the digits together after checking the source, with a point only for decimals: 1000, 0.5."
        raise refuse(codes.group, f"{show(text)} has a mark or blank inside the number{told}", cure, readings=readings)
    comma = _COMMA.search(text)
    if comma:
        raise _comma(text, comma, codes)


def _thousands(whole: str, part: str) -> tuple[str, ...]:
    return whole + part, plain(Decimal(f"{whole}.{part}"))


def _comma(text: str, comma: re.Match[str], codes: Codes) -> InputError:
    whole, part = comma[1], comma[2]
    point, joined = f"{whole}.{part}", str(int(whole + part))
    return refuse(
        codes.comma,
        f"{show(text)} has a comma; it could mean {point} or {joined}",
        f"write it with a point ({text.replace(comma[0], point)}) after checking the source.",
        readings=(point, joined),
    )


def _refuse_points(text: str, codes: Codes) -> None:
    if re.search(r"(?:^|[^0-9.])\.\s?[0-9]", text) or re.match(r"\.(?![0-9])", text):
        raise refuse(
            codes.point,
            f"{show(text)} has a point without a digit in front, easily read as ten times more",
            "write the zero: 0.5, not .5.",
        )
    if re.search(r"\d\.(?![\d.])", text) or re.search(r"\d\.\d+\.(?!\.)", text) or "..." in text:
        raise refuse(codes.point, f"{show(text)} has a stray decimal point", "write 5 or 5.5, a digit on each side.")
    zero = _LEADING_ZERO.search(text)
    if zero:
        raise refuse(
            codes.point,
            f"{show(text)} has a number that starts with 0 without a point",
            "write the number again; a point may be lost.",
            readings=(zero[1].lstrip("0") or "0", f"0.{zero[1]}"),
        )
    group = _FALSE_GROUP.search(text)
    if group:
        raise refuse(
            codes.group,
            f"{show(text)} could mean {plain(Decimal(group[0]))} or {group[1]}{group[2]} (point as a thousands mark)",
            f"write {plain(Decimal(group[0]))} or {group[1]}{group[2]}.",
            readings=(plain(Decimal(group[0])), group[1] + group[2]),
        )


def names(given: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several as a tuple, so that a single text is never taken apart into letters."""
    return (given,) if isinstance(given, str) else tuple(given)


def is_plain(text: str) -> bool:
    """True for digits 0-9 with at most one point inside."""
    return bool(_PLAIN.match(text))


def plain(number: Decimal) -> str:
    """A number as plain digits: no exponent, no trailing zeros (`500000`, `0.6`)."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def significant(number: Decimal) -> int:
    """How many significant digits a number shows; zeros at either end do not count."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def printed(number: Decimal) -> str:
    """A number as plain digits; one that was worked out, with more digits than a person may write, in six."""
    return plain(number if significant(number) <= MAX_DIGITS else Decimal(f"{number:.6g}"))
