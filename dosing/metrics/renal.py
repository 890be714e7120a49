"""Kidney function (mL/min, or mL/min/1.73 m2 where indexed) and the class of a neutrophil count."""

from __future__ import annotations

from typing import Any

import numpy as np

from dosing.metrics.registry import adults, by_sex, formula
from dosing.rounding import Column, Mask


def _one_to_eighteen(age: Column, **_: Any) -> Mask:
    age = np.asarray(age, dtype=np.float64)
    return (age >= 1) & (age <= 18)


@formula(
    "renal.cockcroft-gault",
    unit="mL/min",
    text="(140 − age) × weight / (72 × creatinine), × 0.85 for women; with the weight given, no floor of creatinine",
    cite="Cockcroft DW, Gault MH, Nephron 1976;16:31-41",
    population="adults with a steady creatinine",
    vectors=[
        ({"age": 55, "weight": 95, "creatinine": 0.8, "male": False}, 119.162),
        ({"age": 40, "weight": 70, "creatinine": 1.1, "male": True}, 88.3838),
    ],
    applies=adults,
)
def cockcroft_gault(age: Column, weight: Column, creatinine: Column, male: Column) -> Column:
    """Creatinine clearance in mL/min, not indexed, by Cockcroft and Gault (1976)."""
    return (140 - age) * weight / (72 * creatinine) * by_sex(male, 1.0, 0.85)


@formula(
    "renal.ckd-epi-2021",
    unit="mL/min/1.73 m2",
    text="142 × min(creatinine/k, 1)^a × max(creatinine/k, 1)^−1.2 × 0.9938^age, × 1.012 for women; "
    "men k 0.9, a −0.302, women k 0.7, a −0.241",
    cite="Inker LA et al, N Engl J Med 2021;385:1737-1749",
    population="18 years and over",
    vectors=[
        ({"age": 40, "creatinine": 1.1, "male": True}, 87.0298),
        ({"age": 55, "creatinine": 0.6, "male": False}, 105.937),
    ],
    applies=adults,
)
def ckd_epi_2021(age: Column, creatinine: Column, male: Column) -> Column:
    """Indexed glomerular filtration in mL/min/1.73 m2 by CKD-EPI creatinine (2021)."""
    ratio = creatinine / by_sex(male, 0.9, 0.7)
    low = np.minimum(ratio, 1) ** by_sex(male, -0.302, -0.241)
    return 142 * low * np.maximum(ratio, 1) ** -1.2 * 0.9938**age * by_sex(male, 1.0, 1.012)


@formula(
    "renal.schwartz",
    unit="mL/min/1.73 m2",
    text="0.413 × height / creatinine",
    cite="Schwartz GJ et al, J Am Soc Nephrol 2009;20:629-637",
    population="1-18 years, enzymatic creatinine",
    vectors=[({"height": 115, "creatinine": 0.4}, 118.737), ({"height": 100, "creatinine": 0.5}, 82.6000)],
    applies=_one_to_eighteen,
)
def schwartz(height: Column, creatinine: Column) -> Column:
    """Indexed glomerular filtration in mL/min/1.73 m2 by the bedside Schwartz equation (2009)."""
    return 0.413 * height / creatinine


@formula(
    "renal.deindexed",
    unit="mL/min",
    text="eGFR × BSA / 1.73",
    cite="KDOQI advice, as quoted",
    population="anyone with an indexed estimate",
    vectors=[({"egfr": 86.9607, "bsa": 2.05480}, 103.287)],
)
def deindexed(egfr: Column, bsa: Column) -> Column:
    """Filtration in mL/min out of an indexed estimate and the BSA (m2) of the same person."""
    return egfr * bsa / 1.73


@formula(
    "neutrophil.class",
    unit="",
    text="nSAA above 0.5, SAA 0.2-0.5 (both ends), vSAA below 0.2 × 10⁹/L",
    cite='NCT01305694: "nSAA; PMN > 0.5", "SAA;PMN 0.2- 0.5", "vSAA; PMN< 0.2"',
    population="people with aplastic anaemia",
    vectors=[({"neutrophils": count}, name) for count, name in [(0.51, "nSAA"), (0.35, "SAA"), (0.19, "vSAA")]],
)
def neutrophil_class(neutrophils: Column) -> Column:
    """The severity of aplastic anaemia by neutrophils (1e9/L), as record NCT01305694 prints it; "" when unknown."""
    bands = [neutrophils > 0.5, neutrophils >= 0.2, neutrophils < 0.2]
    return np.select(bands, ["nSAA", "SAA", "vSAA"], default="")
