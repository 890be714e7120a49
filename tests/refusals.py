"""What every refusal must be: one of a command in its form, one of a reader by its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from commands import Said

from dosing.errors import InputError


def refusal(said: Said, code: int) -> list[dict[str, str]]:
    """The faults of a refusal, once its form is proved: exit code, one JSON document, four keys, and talk on stderr."""
    assert said.code == code, said.out[:300] + said.err[:300]
    assert set(said.json) == {"errors"} and said.errors
    for fault in said.errors:
        assert set(fault) == {"code", "where", "what", "do"} and fault["code"] and fault["what"] and fault["do"]
        assert "invalid input" not in " ".join(fault.values()).lower()
        assert fault["do"] in said.err and fault["what"] in said.err
    return said.errors


def code_of(reader: Callable[[str], Any], text: Any) -> str:
    """The code by which a reader of `dosing.forms` refuses a text."""
    with pytest.raises(InputError) as refused:
        reader(text)
    return refused.value.code
