"""BSA, weights and kidney function against printed values, and the promises of their registry."""

from __future__ import annotations

import csv
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.errors import InputError
from dosing.metrics import COLUMNS, FORMULAS, adjusted, covers, formula, lookup, measure

SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "formula-vectors.csv"
NAMES = [  # fmt: skip
    "bsa.mosteller", "bsa.dubois", "bsa.haycock", "bsa.gehan-george", "bsa.boyd", "bsa.fujimoto", "bsa.takahira",
    "bsa.shuter-aslani", "bsa.schlich", "bsa.livingston-lee", "bsa.hu", "bsa.hu-by-sex", "bsa.costeff", "bsa.current",
    "bsa.china-child", "weight.bmi", "ideal.devine", "ideal.devine-floor", "ideal.robinson", "ideal.miller", "ideal.busulfan-label", "adjusted25.devine", "adjusted40.devine", "adjusted50.devine",
    "adjusted25.busulfan-label", "lower.devine", "lower.busulfan-label", "lean.boer", "lean.james",
    "lean.janmahasatian", "ideal.hamwi", "ideal.china-105", "ideal.bmi22", "lean.hume", "lean.peters", "child.traub",
    "child.braillon", "renal.cockcroft-gault", "renal.ckd-epi-2021", "renal.schwartz", "renal.deindexed",
    "neutrophil.class",
]
SHELF_NAMES = {
    "bsa_mosteller": "bsa.mosteller",
    "bsa_dubois": "bsa.dubois",
    "bsa_haycock": "bsa.haycock",
    "bsa_gehan_george": "bsa.gehan-george",
    "bsa_boyd_height_weight": "bsa.boyd",
    "bsa_fujimoto": "bsa.fujimoto",
    "bsa_takahira": "bsa.takahira",
    "bsa_shuter_aslani": "bsa.shuter-aslani",
    "bsa_schlich_male": "bsa.schlich",
    "bsa_schlich_female": "bsa.schlich",
    "bsa_livingston_lee": "bsa.livingston-lee",
    "bmi": "weight.bmi",
    "ibw_devine_linear": "ideal.devine",
    "ibw_robinson": "ideal.robinson",
    "ibw_miller": "ideal.miller",
    "ibw_busulfan_label": "ideal.busulfan-label",
    "adjbw_25": "adjusted25.devine",
    "adjbw_40": "adjusted40.devine",
    "adjbw_50": "adjusted50.devine",
    "adjbw_25_busulfan_label": "adjusted25.busulfan-label",
    "lbw_boer": "lean.boer",
    "lbw_james": "lean.james",
    "lbw_janmahasatian": "lean.janmahasatian",
    "crcl_cockcroft_gault": "renal.cockcroft-gault",
    "egfr_ckdepi_2021_cr": "renal.ckd-epi-2021",
    "egfr_bedside_schwartz": "renal.schwartz",
    "egfr_deindexed": "renal.deindexed",
}
COLUMN_OF = {
    "H_cm": "height",
    "W_kg": "weight",
    "age_y": "age",
    "scr_mg_dl": "creatinine",
    "egfr": "egfr",
    "bsa_m2": "bsa",
}
PERSON = {
    "weight": 70.3,
    "height": 171.7,
    "age": 34.2,
    "male": False,
    "creatinine": 0.93,
    "egfr": 87.1,
    "bsa": 1.83,
    "neutrophils": 0.35,
}
BSA = [name for name in FORMULAS if name.startswith("bsa.")]
weights, heights = st.floats(2.5, 250), st.floats(45, 230)


def agrees(name: str, columns: dict, expected: object) -> bool:
    """Whether the result is the expected text, or its number to 6 significant digits."""
    result = FORMULAS[name](**columns)
    return result == expected if isinstance(expected, str) else f"{result:.6g}" == f"{expected:.6g}"


def shelf_columns(row: dict[str, str]) -> dict[str, object]:
    given = dict(pair.split("=") for pair in row["inputs"].split(";"))
    sex = given.get("sex") or {"bsa_schlich_male": "M", "bsa_schlich_female": "F"}.get(row["formula"])
    columns = {COLUMN_OF[key]: float(value) for key, value in given.items() if key in COLUMN_OF}
    return columns | ({"male": sex == "M"} if sex else {})


def test_the_names_are_the_promised_ones_in_order():
    assert list(FORMULAS) == NAMES


@pytest.mark.parametrize("name", FORMULAS)
def test_each_formula_reproduces_its_own_vectors(name):
    assert all(agrees(name, columns, expected) for columns, expected in FORMULAS[name].vectors)


@pytest.mark.parametrize("name", FORMULAS)
def test_needs_are_known_columns(name):
    assert set(FORMULAS[name].needs) <= set(COLUMNS)


@pytest.mark.skipif(not SHELF.exists(), reason="the reference shelf is not beside this repository")
def test_each_vector_of_the_shelf():
    rows = [row for row in csv.DictReader(SHELF.read_text(encoding="utf-8").splitlines()) if row["formula"] in SHELF_NAMES]
    refused = [row for row in rows if "must warn" in row["citation"]]
    assert {SHELF_NAMES[row["formula"]] for row in rows} == set(SHELF_NAMES.values())
    for row in rows:
        name, columns = SHELF_NAMES[row["formula"]], shelf_columns(row)
        if row in refused:
            assert np.isnan(FORMULAS[name](**columns))
        else:
            assert agrees(name, columns, float(row["output"])), row
    assert [row["formula"] for row in refused] == ["lbw_james"]


@pytest.mark.parametrize(
    ("name", "columns", "digits", "printed"),
    [
        pytest.param("bsa.dubois", {"weight": 80, "height": 180}, 3, 1.996, id="W34"),
        pytest.param("bsa.mosteller", {"weight": 80, "height": 180}, 3, 2.000, id="W35"),
        pytest.param("bsa.boyd", {"weight": 80, "height": 180}, 3, 2.007, id="W38"),
        pytest.param("ideal.devine", {"height": 180, "male": True}, 1, 75.0, id="W43"),
        pytest.param("ideal.devine", {"height": 150, "male": True}, 1, 47.8, id="W44"),
        pytest.param("ideal.devine", {"height": 160, "male": True}, 6, 56.881890, id="W46"),
        pytest.param("adjusted40.devine", {"weight": 80, "height": 180, "male": True}, 1, 77.0, id="W48"),
        pytest.param("ideal.busulfan-label", {"height": 180, "male": True}, 2, 75.48, id="W54"),
        pytest.param("ideal.devine", {"height": 180, "male": True}, 2, 74.99, id="W54-devine"),
    ],
)
def test_worked_examples_of_others(name, columns, digits, printed):
    assert round(float(FORMULAS[name](**columns)), digits) == printed


def test_w50_adjusted_from_a_given_ideal():
    assert adjusted(50, 40, 0.4) == 44.0


@given(weights, heights)
def test_four_times_the_weight_or_the_height_doubles_mosteller(weight, height):
    mosteller = FORMULAS["bsa.mosteller"].function
    once = mosteller(weight, height)
    assert mosteller(4 * weight, height) == 2 * once
    assert mosteller(weight, 4 * height) == 2 * once


@pytest.mark.parametrize("name", BSA)
@given(weights, heights, st.floats(1.001, 2), st.booleans())
def test_surface_grows_with_weight_and_never_falls_with_height(name, weight, height, factor, male):
    surface = partial(FORMULAS[name], male=male)
    assert surface(weight=weight * factor, height=height) > surface(weight=weight, height=height)
    assert surface(weight=weight, height=height * factor) >= surface(weight=weight, height=height)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name.startswith(("adjusted", "lower"))])
@given(weights, st.floats(110, 230), st.booleans())
def test_a_derived_weight_lies_between_ideal_and_actual(name, weight, height, male):
    result = FORMULAS[name](weight=weight, height=height, male=male)
    ideal = FORMULAS["ideal." + name.split(".")[1]](height=height, male=male)
    assert min(weight, ideal) <= result <= weight


def test_where_actual_is_not_above_ideal_actual_is_given():
    assert FORMULAS["adjusted40.devine"](weight=50, height=180, male=True) == 50


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_one_person_has_the_bits_of_a_row_of_many(name, seed):
    each, draw = FORMULAS[name], np.random.default_rng(seed)
    many = {need: draw.uniform(0.5, 1.5, 37) * PERSON[need] for need in each.needs}
    many |= {"male": draw.random(37) < 0.5}
    column = each(**many)
    for row in (0, 5, 36):
        alone = each(**{need: many[need][row] for need in each.needs})
        plain = each(**{need: many[need][row].item() for need in each.needs})
        strided = each(**{need: np.repeat(many[need], 3)[::3] for need in each.needs})
        assert np.ndim(alone) == 0 and np.ndim(plain) == 0
        assert alone.tobytes() == plain.tobytes() == column[row].tobytes() == strided[row].tobytes()


def test_james_gives_nothing_past_its_peak_and_says_so():
    james = FORMULAS["lean.james"]
    for male, limit in ((False, 37), (True, 43)):
        columns = {"height": 160, "age": 40, "male": male}
        below, above = ((limit + shift) * 1.6 * 1.6 for shift in (-0.01, 0.6))
        assert np.isfinite(james(weight=below, **columns)) and covers(james, {"weight": below, **columns})
        assert np.isnan(james(weight=above, **columns)) and not covers(james, {"weight": above, **columns})


def test_a_straight_line_gives_no_weight_at_or_below_zero():
    assert np.isnan(FORMULAS["ideal.devine"](height=90, male=False))
    assert np.isnan(FORMULAS["adjusted40.devine"](weight=13, height=90, male=False))
    assert np.isnan(FORMULAS["lower.busulfan-label"](weight=13, height=90, male=False))


@pytest.mark.parametrize("name", [name for name in FORMULAS if "male" in FORMULAS[name].needs])
def test_an_unknown_sex_is_never_taken_for_either(name):
    assert np.isnan(FORMULAS[name](**PERSON | {"male": None}))
    assert np.isnan(FORMULAS[name](**PERSON | {"male": 2.0}))


def test_livingston_lee_changes_its_constants_below_ten_kilograms():
    ten, less = FORMULAS["bsa.livingston-lee"].function([10.0, np.nextafter(10.0, 0)])
    assert ten == pytest.approx(0.1173 * 10**0.6466) and less == pytest.approx(0.1037 * 10**0.6724)


def test_neutrophil_classes_at_their_edges():
    counts = [0.0, 0.1999, 0.2, 0.5, 0.5001, np.nan]
    classes = FORMULAS["neutrophil.class"](neutrophils=counts)
    assert list(classes) == ["vSAA", "vSAA", "SAA", "SAA", "nSAA", ""]


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("renal.ckd-epi-2021", {"age": 18}, {"age": 17.9}),
        ("renal.schwartz", {"age": 18}, {"age": 18.1}),
        ("renal.schwartz", {"age": 1}, {"age": 0.9}),
        ("renal.cockcroft-gault", {"age": 18}, {"age": 17}),
        ("bsa.schlich", {"age": 18}, {"age": 17}),
        ("ideal.devine", {"height": 152.4}, {"height": 152.3}),
        ("adjusted25.devine", {"age": 30}, {"age": np.nan}),
    ],
)
def test_who_is_covered(name, inside, outside):
    assert covers(FORMULAS[name], PERSON | inside) and not covers(FORMULAS[name], PERSON | outside)


def test_coverage_is_answered_row_by_row():
    assert FORMULAS["renal.schwartz"].applies(age=np.array([0.5, 7, 40])).tolist() == [False, True, False]


def test_measured_rows_are_text_rounded_half_away_from_zero():
    rows = {row["name"]: row for row in measure(weight=70, height=170, age=34, male=False, creatinine=0.9)}
    mosteller = rows["bsa.mosteller"]
    assert mosteller["value"] == "1.82" and mosteller["unrounded"] == "1.818118686" and mosteller["applies"] is True
    assert list(mosteller) == ["name", "value", "unrounded", "unit", "formula", "cite", "population", "applies"]
    assert rows["ideal.devine"]["value"] == "61.4" and rows["renal.cockcroft-gault"]["value"] == "97"
    assert rows["renal.schwartz"]["applies"] is False and "renal.deindexed" not in rows
    assert "neutrophil.class" not in rows


@pytest.mark.parametrize(
    ("weight", "height", "value", "unrounded"),
    [(80, 180, "2.00", "2.00000"), (73.0812, 161.3, "1.81", None), (3.8025 * 36, 100, "1.95", "1.95000")],
)
def test_printed_digits(weight, height, value, unrounded):
    (row,) = measure(["bsa.mosteller"], weight=weight, height=height)
    assert row["value"] == value and unrounded in (None, row["unrounded"])


def test_a_half_is_a_half_also_where_a_float_falls_short_of_it():
    (row,) = measure(["renal.deindexed"], egfr=1.73 * 0.145, bsa=100)
    assert (row["value"], row["unrounded"]) == ("15", "14.5000")


def test_what_gives_no_number_is_null():
    (james,) = measure(["lean.james"], weight=150, height=160, male=False, age=40)
    assert (james["value"], james["unrounded"], james["applies"]) == (None, None, False)
    (unknown,) = measure(["neutrophil.class"], neutrophils=np.nan)
    assert unknown["value"] is None


def test_a_class_is_printed_as_it_is():
    (row,) = measure(["neutrophil.class"], neutrophils=0.35)
    assert (row["value"], row["unrounded"], row["unit"], row["applies"]) == ("SAA", None, "", True)


def test_coverage_is_null_when_the_age_is_missing():
    (row,) = measure(["ideal.miller"], height=170, male=True, age=None)
    assert row["value"] == "66.0" and row["applies"] is None


def test_an_unknown_formula_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match="bsa.haycock") as refused:
        lookup("bsa.haycok")
    assert refused.value.code == "P08"
    with pytest.raises(InputError) as refused:
        measure(["ideal.broca"], height=170)
    assert refused.value.code == "P09"


@pytest.mark.parametrize("missing", ["text", "cite", "population", "vectors"])
def test_a_formula_without_its_papers_is_refused(missing):
    papers = {"text": "weight", "cite": "A source", "population": "all", "vectors": [({"weight": 1}, 1)]}
    with pytest.raises(TypeError, match="test.papers"):
        formula("test.papers", unit="kg", **{key: value for key, value in papers.items() if key != missing})(
            lambda weight: weight
        )
    assert "test.papers" not in FORMULAS


@pytest.mark.parametrize(
    ("name", "function"), [("test.mass", lambda mass: mass), ("weight.bmi", lambda weight, height: weight)]
)
def test_an_unknown_parameter_or_a_second_definition_is_refused(name, function):
    with pytest.raises(TypeError, match=name):
        formula(name, unit="kg", text="x", cite="A source", population="all", vectors=[({}, 1)])(function)


def test_the_import_is_light():
    probe = (
        "import sys, dosing.metrics; "
        "print(sorted({'pint', 'pydantic', 'arrow', 'yaml', 'pyarrow', 'click'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert run.stdout.strip() == "[]", run.stderr
