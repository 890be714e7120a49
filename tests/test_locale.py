"""Languages: bilingual Chinese with ISO dates, both spellings of English, the same doses in all, and no missing glyph.

Fonts are read with fontTools and pages with pypdf, which know nothing of this package.
"""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
import yaml
from schedules import Words

from dosing import Patient, plan
from dosing.errors import UsageError
from dosing.render import chinese, pdf, to_bytes, to_text_of, wording
from dosing.render.pages import PAGES
from dosing.render.sheet import sheet
from dosing.schedule import Schedule

ROOT = Path(__file__).parents[1]
FONTS = ROOT / "dosing" / "render" / "fonts"
ALL = ",".join(PAGES)
# the hundred most frequent surnames are all common signs; these given names hold signs of the second level and signs outside of GB2312
NAMES = ("王芳", "李娜", "张伟", "欧阳淼", "司马懿", "陈玥", "刘喆", "林堃", "黄鑫", "周睿", "吴昊", "徐婷婷", "孙祎", "马赟", "诸葛瑾", "蔡昱", "曹煜晗")
LATIN = ("Zoë Müller", "Łukasz Żak", "Nguyễn Hoà", "Søren Åström", "Иван Петров", "Γιώργος")
UNTRANSLATED = {"aldesleukin", "ciltacabtagene-autoleucel", "lifileucel", "mesenchymal-stromal-cells-autologous", "natural-killer-cells", "remestemcel-l", "tisagenlecleucel", "total-lymphoid-irradiation"}
MIXED = {"draft", "not_entered", "not_given", "none", "page", "of"}  # part of other texts, or said by `chinese.STATES`


@cache
def made(locale: str, name: str = "EXAMPLE, Test") -> Schedule:
    patient = Patient(weight="62.5 kg", weighed="2027-01-08", height="168 cm", age="31 y", sex="M", creatinine="0.9 mg/dL", name=name, id="000-TEST-001", born="1995-11-02")
    choose = {"stratum": "SAA-II", "flu_in_saa2": "yes", "cy.dose": "600 mg/m2/day"}
    return plan("nct07299123", patient, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00", "bu": "06:00"}, choose=choose, locale=locale)


def shown(schedule: Schedule, pages: str = ALL) -> str:
    return " ".join(" ".join(Words.of(to_bytes(schedule, "html", pages).decode())).replace("\u00a0", " ").split())


def reader(schedule: Schedule, pages: str = "grid") -> Any:
    pytest.importorskip("typst", reason="the PDF needs dosing[print]")
    return pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(schedule, "pdf", pages)))


def glyphs(file: str) -> set[str]:
    """Every sign a font draws."""
    return set(map(chr, pytest.importorskip("fontTools.ttLib").TTFont(FONTS / file).getBestCmap()))


# Chinese


def test_chinese_stands_beside_english_in_every_part() -> None:
    text = shown(made("zh"))
    both = ("给药计划 Dose schedule", "不得发放 NOT RELEASABLE", "草案 DRAFT REGIMEN", "姓名 Name", "白消安 busulfan", "环磷酰胺 cyclophosphamide", "暂停 HOLD", "静脉 intravenous", "移植 TRANSPLANT",
            "计算记录 Calculation record", "配制清单 Preparation list", "核对 Checks", "通过 PASS", "申请单，不是产品标签 REQUEST SLIP", "未录入 not entered", "第二人独立核对 Independent")  # fmt: skip
    assert [told for told in both if told not in text] == []
    assert '<html lang="zh">' in to_text_of(made("zh"), "html")


def test_dates_are_iso_with_the_weekday() -> None:
    text = shown(made("zh"))
    assert "2027-01-15 周五" in text and "1995-11-02" in text and "2027-01-08" in text
    assert re.findall(rf"\b\d\d (?:{'|'.join(wording.MONTHS)})\b", text) == []
    assert chinese.bilingual(sheet(made("zh"))).columns[-1].mark == "周五 移植 TRANSPLANT"


def test_every_word_of_the_sheet_has_its_chinese() -> None:
    assert set(wording.WORDS) - set(chinese.WORDS) == MIXED
    assert set(chinese.WORDS) <= set(wording.WORDS)
    assert all(re.search("[\u4e00-\u9fff]", text) for words in (chinese.WORDS, chinese.LABELS, chinese.MARKS, chinese.STATES, chinese.ROUTES) for text in words.values())
    assert set(chinese.ROUTES) == set(wording.ROUTES.values())


def test_drugs_without_a_chinese_name_are_known() -> None:
    drugs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "regimens" / "drugs").glob("*.yaml")]
    assert {drug["id"] for drug in drugs if "zh" not in drug["names"]} <= UNTRANSLATED


# Doses do not depend on the language


def test_the_same_doses_in_every_language() -> None:
    rows = [[(row.order, row.day, row.number, str(row.amount), row.start, row.held) for row in made(locale)] for locale in ("en-GB", "en-US", "zh")]
    assert rows[0] == rows[1] == rows[2]
    counts = [sorted(re.findall(r"[\d,.]+ mg\b", shown(made(locale), "grid"))) for locale in ("en-GB", "en-US", "zh")]
    assert counts[0] == counts[1] == counts[2] and len(counts[0]) > 20


def test_units_and_spelling_follow_the_locale() -> None:
    british, american, both = (shown(made(locale), "grid,record") for locale in ("en-GB", "en-US", "zh"))
    assert "5 micrograms/kg/day" in british and "5 mcg/kg/day" in american and "5 micrograms/kg/day" in both
    assert "haematopoietic stem cells" in british and "hematopoietic stem cells" in american and "haematopoietic" not in american
    assert not any(re.search("[µμ]g", text) for text in (british, american, both))


# Glyphs


def test_the_table_of_drawable_signs_is_what_the_fonts_draw() -> None:
    words, names = glyphs("NotoSansCJKsc-Regular.otf"), glyphs("NotoSansCJKscNames-Regular.otf")
    han = set(pdf.HAN.read_text(encoding="utf-8").strip())
    assert han == words | names and words == glyphs("NotoSansCJKsc-Bold.otf") and not words & names
    covered = {chr(code) for first, last in pdf.COVERED for code in range(first, last + 1)}
    promised = {sign for sign in covered if sign.isprintable() or sign == "\u00a0"}
    assert promised <= glyphs("NotoSans-Regular.ttf") & glyphs("NotoSans-Bold.ttf")


def test_every_sign_of_gb2312_prints_and_the_fonts_stay_small() -> None:
    """6,763 characters by Python's own codec; the whole of the fonts is a part of every wheel."""
    signs = {bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312", "ignore") for row in range(16, 88) for cell in range(1, 95)} - {""}
    assert len(signs) == 6763 and signs <= set(pdf.HAN.read_text(encoding="utf-8"))
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 2_000_000 and (FONTS / "OFL-CJK.txt").exists()


def test_our_own_words_and_drug_names_are_bold_too() -> None:
    names = [yaml.safe_load(path.read_text(encoding="utf-8"))["names"].get("zh", "") for path in (ROOT / "regimens" / "drugs").glob("*.yaml")]
    texts = [*names, *chinese.WORDS.values(), *chinese.LABELS.values(), *chinese.WEEKDAYS, *chinese.MARKS.values(), *chinese.STATES.values(), *chinese.ROUTES.values()]
    wanted = {sign for text in texts for sign in text if ord(sign) > 0x2E80}
    assert wanted - glyphs("NotoSansCJKsc-Bold.otf") == set()


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["，".join(NAMES), "; ".join(LATIN)], ids=["chinese", "other"])
def test_a_name_prints_as_it_is_written(name: str) -> None:
    """Read back from the page, in fonts of our own that have a glyph for each sign."""
    document = reader(made("zh", name))
    text = normalize("NFC", re.sub(r"[\s\u200b]", "", document.pages[0].extract_text()))
    assert [one for one in re.split("，|; ", name) if one.replace(" ", "") not in text] == []
    fonts = {str(font.get_object()["/BaseFont"]).partition("+")[2] for page in document.pages for font in page["/Resources"]["/Font"].values()}
    assert all(font.startswith("NotoSans") for font in fonts)


@pytest.mark.parametrize("sign", ["𠮷", "ก", "한", "😀"])
def test_a_missing_sign_is_named_and_never_a_box(sign: str) -> None:
    pytest.importorskip("typst", reason="the PDF needs dosing[print]")
    with pytest.raises(UsageError, match=rf"U\+{ord(sign):04X}.*\.html"):
        to_bytes(made("zh", f"王{sign}"), "pdf")
    assert sign in to_text_of(made("zh", f"王{sign}"), "html")
