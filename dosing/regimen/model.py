"""The base of everything a regimen, drug, site or policy file may say.

Every scalar of a file arrives as text; the field types decide what it means. Nothing has a silent default that could
change a dose: a key that matters is asked for, an unknown key is refused.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import BaseModel, ConfigDict

MADE = ("sha256", "path", "superseded-by", "changed-since")  # what a model holds of its file, and no file may write


class Model(BaseModel):
    """Base of all models: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, alias_generator=lambda name: name.replace("_", "-"),
                              populate_by_name=False, arbitrary_types_allowed=True, ignored_types=(cached_property,))
