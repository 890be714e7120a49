"""Every vector of the shelf and every KEY row of its worked examples: where it is proved, or why it is not.

`VECTORS` proves by engine, forms or metrics what `test_metrics` and `test_preparation_figures` do not; `ELSEWHERE` names
the tests that prove the rest; `LEFT_OUT` says why nothing here computes a row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_adjustments import BU, FLU25, SIGNED, exact, found, planned
from test_metrics import SHELF_NAMES
from test_preparation_figures import VECTORS as PREPARED

from dosing import forms
from dosing.engine.adjust import band_ratio
from dosing.engine.timeline import arrow_at, local
from dosing.metrics import FORMULAS
from dosing.metrics.exposure import convert, delivered, next_dose, remaining_dose
from dosing.patient import When
from dosing.regimen.library import library

SHELF = Path(__file__).parents[1].parent / "shared" / "reference"
CASES = Path(__file__).parent / "cases"
needs_shelf = pytest.mark.skipif(not SHELF.is_dir(), reason="the reference shelf is not beside this repository")
Said = dict[str, str]


def by(name: str, **fixed: float) -> Callable[[Said], Any]:
    """A formula of the registry for the shelf's own names of its inputs."""
    columns = {"H_cm": "height", "W_kg": "weight", "age_y": "age"}
    return lambda s: FORMULAS[name](**({columns[key]: float(text) for key, text in s.items() if key in columns} | ({"male": s["sex"] == "M"} if "sex" in s else {}) | fixed))


def fludarabine(table: str, crcl: str) -> str:
    """25 mg/m2 by a label's table at 2 m2 (absolute), or at 1.73 m2 (indexed), per m2; held reads as not given."""
    body = {"weight": "80 kg", "height": "180 cm", "age": "40 y"} if table == "fludara-label" else {"weight": "62.29 kg", "height": "172.97 cm"}
    crcl = crcl if table == "fludara-label" else str(Decimal(crcl) + Decimal("0.001"))
    schedule = planned(FLU25, {**body, "crcl": f"{crcl} mL/min"}, set={"one.adjust": table}, **SIGNED)
    return "DO_NOT_ADMINISTER" if found(schedule, "one.adjust").level == "block" else str(exact(schedule) / (2 if table == "fludara-label" else Decimal("1.73")))


def busulfan(s: Said, tmp: Path, **more: str) -> Decimal:
    site = (library().folders[0] / "site.yaml").read_text(encoding="utf-8").replace("weight-step: 0.1", "weight-step: 0.01")
    (tmp / "site.yaml").write_text(site, encoding="utf-8")  # the label rounds no weight; a hundredth holds its figures
    patient = {"weight": f"{s['W_kg']} kg", "height": f"{s.get('H_cm', '100')} cm", **({"sex": s["sex"]} if "sex" in s else {}), "age": "40 y" if "sex" in s else "6 y"}
    return exact(planned({**BU, **more}, patient, folder=tmp))


def elapsed(s: Said) -> str:
    zone, start = s["tz"], s["start"]
    when = When.of(start[:10], zone)
    begin = local(when, 0, int(start[11:13]) * 60 + int(start[14:16]), None, "x")
    return arrow_at(begin + 6 * 3600, zone).isoformat()


VECTORS: dict[str, Callable[..., Any]] = {
    "bsa_hu_1999_general": by("bsa.hu"), "bsa_hu_1999_male": by("bsa.hu-by-sex", male=1), "bsa_hu_1999_female": by("bsa.hu-by-sex", male=0),
    "bsa_costeff": by("bsa.costeff"), "bsa_current_1997": by("bsa.current"), "bsa_china_paediatric_linear": by("bsa.china-child"),
    "ibw_devine_floor": by("ideal.devine-floor"), "ibw_hamwi": by("ideal.hamwi"), "ibw_broca_china_105": by("ideal.china-105", male=1), "ibw_bmi22": by("ideal.bmi22"),
    "lbw_hume": by("lean.hume"), "lbm_peters_child": by("lean.peters"), "ibw_traub_simple_lt152cm": by("child.traub", male=0), "ibw_traub_tall_ge152cm": by("child.traub"),
    "ibw_braillon_2017": by("child.braillon"),
    "creatinine_umol_to_mgdl": lambda s: forms.read_creatinine(f"{s['scr_umol_l']} umol/L"),
    "carboplatin_calvert_cap125": lambda s: exact(planned({"drug": "carboplatin", "dose": f"{s['auc']} AUC"}, {"crcl": f"{s['gfr']} mL/min"})),
    "fludarabine_start_dose_fludara_label": lambda s: fludarabine("fludara-label", s["crcl_ml_min"]),
    "fludarabine_start_dose_older_us_label": lambda s: fludarabine("older-us-label", s["crcl_ml_min_1.73"]),
    "bu_auc_umolmin_to_mghl": lambda s: convert(s["auc_umol_l_min"], "umol*min/L", "mg*h/L", s["mw"]),
    "bu_auc_mghl_to_umolmin": lambda s: convert(s["auc_mg_h_l"], "mg*h/L", "umol*min/L", s["mw"]),
    "bu_css_from_auc": lambda s: convert(s["auc_umol_l_min"], "umol*min/L", "ng/mL", s["mw"], s["tau_min"]),
    "bu_cumulative_auc": lambda s: convert(s["auc_per_dose_umol_l_min"], "umol*min/L", "mg*h/L", s["mw"]) * int(s["doses"]),
    "bu_dose_adjust": lambda s: next_dose(s["dose_mg"], s["auc_measured"], s["auc_target"]),
    "bu_dose_remaining_for_cumulative": lambda s: remaining_dose(s["dose_mg"], s["auc1_mg_h_l"], s["cum_target_mg_h_l"], delivered(s["dose_mg"], s["dose_mg"], s["auc1_mg_h_l"]), int(s["doses_total"]) - int(s["doses_given"])),
    "bu_us_label_adult_dose": lambda s, tmp: busulfan(s, tmp, weight="us-busulfan-label"),
    "bu_us_label_adult_dose_obese": lambda s, tmp: busulfan(s, tmp, weight="us-busulfan-label"),
    "bu_ema_paediatric_q6h": lambda s, tmp: busulfan(s, tmp, adjust="eu-label"),
    "bu_fda_paediatric_q6h": lambda s, tmp: busulfan(s, tmp, adjust="us-label"),
    "bu_q24h_adult": lambda s: exact(planned({"drug": "busulfan", "dose": "3.2 mg/kg/day"}, {"weight": f"{s['W_kg']} kg"})),
    "log_band_ratio": lambda s: band_ratio(Decimal(s["p"])),
    "day_to_date_transplant": lambda s: plan_day(s["day0"], s["day"]),
    "inclusive_day_count": lambda s: len(forms.read_days(f"{s['first']} to {s['last']}")),
    "q6h_elapsed": elapsed,
}  # fmt: skip
LEFT_OUT = {
    "bsa_boyd_kg_form": "a rounded constant of the gram form, which is implemented; they agree to 0.02 %",
    "bsa_boyd_weight_only": "not verified at its source", "bsa_bnfc_table_lookup": "a printed table that a site would enter; not read",
    "bsa_stevenson_1937": "not verified", "bsa_zhao_1984": "not verified", "ibw_broca": "not verified", "ibw_peterson_2016": "coefficients seen in code only",
    "ibw_traub_kichen_exp": "not verified", "ibw_bmi50": "needs the CDC tables, which are not shipped", "ibw_mclaren": "needs the CDC tables, which are not shipped",
    "lms_zscore": "needs the CDC tables, which are not shipped", "crcl_ml_s_to_ml_min": "mL/s is refused with its cure; nothing is converted silently",
    "fludarabine_oral_band_label": "no oral product in the library; the label's table was read at four surfaces only",
    "day_to_date_cdisc": "CDISC study days are a print scheme; day 0 exists here", "inclusive_day_count_no_day0": "day 0 exists here",
    "q6h_wall_arrow_shift": "the defect that elapsed hours guard against", "log_band_limits": "what a band serves follows from the limit; see constructed bands",
}  # fmt: skip


def plan_day(day0: str, day: str) -> str:
    schedule = planned({"drug": "busulfan", "dose": "1 mg/kg/day", "days": day}, {"weight": "70 kg"}, day0=day0)
    return schedule.administrations[0].date.isoformat()


def rows() -> list[Any]:
    if not SHELF.is_dir():
        return []
    with (SHELF / "formula-vectors.csv").open(encoding="utf-8", newline="") as lines:
        return [pytest.param(row, id=f"{row['formula']}({row['inputs']})") for row in csv.DictReader(lines) if row["formula"] in VECTORS]


@pytest.mark.parametrize("row", rows())
def test_vector(row: Said, tmp_path: Path) -> None:
    said = dict(pair.split("=") for pair in row["inputs"].split(";"))
    made = VECTORS[row["formula"]]
    result = made(said, tmp_path) if made.__code__.co_argcount == 2 else made(said)
    if re.fullmatch(r"[\d.e+]+", row["output"]):
        assert f"{float(Fraction(str(result)) if isinstance(result, str) else result):.6g}" == f"{float(row['output']):.6g}"
    else:
        assert str(result) == row["output"]


@needs_shelf
def test_every_kind_of_vector_is_proved_or_left_out_for_a_reason() -> None:
    with (SHELF / "formula-vectors.csv").open(encoding="utf-8", newline="") as lines:
        kinds = [row["formula"] for row in csv.DictReader(lines)]
    proved = {*SHELF_NAMES, *VECTORS, *PREPARED}
    assert set(kinds) == proved | LEFT_OUT.keys() and not proved & LEFT_OUT.keys()
    assert (len(kinds), sum(kind in proved for kind in kinds)) == (183, 153)


ELSEWHERE = {  # KEY rows of the worked examples and where they are proved, besides `cases/*.yaml`
    "W02": "test_preparation", "W03": "test_preparation", "W33": "a tolerance of 3 mg between two printed columns, no rule", "W52": "test_published: pounds are refused",
    "W50": "test_published", "W53": "test_published", "W77": "test_second", "W84": "a formula without numbers", "W11": "NEG", "W78": "NEG", "W83": "NEG", "W32": "test_published: the conflict",
    "W47": "test_the_child_of_150_cm", "W60": "not in the list",
}


def test_the_child_of_150_cm() -> None:
    """W47: 1.65 × 150² / 1000 = 37.125, the rule of Traub for a child of 14 y below 152.4 cm."""
    assert float(FORMULAS["child.traub"](height=150, male=True)) == 37.125


@needs_shelf
def test_every_key_row_is_a_case_or_told_elsewhere() -> None:
    text = (SHELF / "worked-examples.md").read_text(encoding="utf-8")
    ids = set(re.findall(r"^\| (W\d\d)", text, re.M)) | {f"W{n}" for n in range(13, 32)}
    cases = " ".join((CASES / f"{name}.yaml").read_text(encoding="utf-8") for name in ("worked-examples", "worked-metrics", "calvert", "published-totals"))
    told = set(re.findall(r"W\d\d", cases)) | ELSEWHERE.keys() | {f"W{n}" for n in range(13, 32)}  # the bands: busulfan-eu-weight-bands
    assert ids <= told, sorted(ids - told)
    assert len(yaml.load((CASES / "busulfan-eu-weight-bands.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)["table"]) == 14  # noqa: S506
