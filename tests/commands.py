"""What a user types for the seed protocol, and what a command answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

SAA1 = ("--choose", "stratum=SAA-I", "--choose", "cy.dose=600 mg/m2/day")
SAA2 = ("--choose", "stratum=SAA-II", "--choose", "cy.dose=600 mg/m2/day", "--choose", "flu_in_saa2=yes")
WHEN = ("--day0", "2026-12-09", "--zone", "Asia/Shanghai", "--time", "hsc=14:00")
BODY = ("--weight", "70 kg", "--height", "170 cm", "--age", "34 y", "--sex", "F")
WELL = (*BODY, "--creatinine", "0.7 mg/dL", "--weighed", "2026-12-01")
ATG = ("--set", "atg.dose=2.5 mg/kg/day", "--set", "atg.product=thymoglobulin", "--by", "AB", "--reason", "confirmed by the author")


@dataclass
class Said:
    """What a command answered: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def errors(self) -> list[dict[str, str]]:
        return self.json["errors"]

    def rows(self, order: str) -> list[dict]:
        return [row for row in self.json["administrations"] if row["order"] == order]

    def finding(self, key: str) -> dict:
        return next(found for found in self.json["findings"] if found["id"] == key)

    @property
    def open(self) -> set[str]:
        return {found["id"] for found in self.json["findings"] if found["level"] in ("block", "query") and not found.get("answer")}
