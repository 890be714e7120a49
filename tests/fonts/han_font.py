"""Cut the fonts for Chinese, and for signs that the Latin font lacks, out of a whole Noto Sans CJK.

    apt-get download fonts-noto-cjk && dpkg-deb -x fonts-noto-cjk_*.deb noto
    python tests/fonts/han_font.py noto/usr/share/fonts/opentype/noto

The words of the sheet and the drug names of the library come in regular and bold. Names of patients come in regular
only: all 6,763 characters of GB2312 and some that are frequent in given names beside them, a family of its own that the
template takes after the other. `han.txt` beside the fonts lists what they draw. Run it again after a new drug or word.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from dosing.render import chinese

ROOT = Path(__file__).parents[2]
FONTS = ROOT / "dosing" / "render" / "fonts"
SIGNS = "−→≈≤≥√，。：；（）、"
NAMES = "玥喆堃珺昇犇翀祐瑀珵珅瑢瑨璟煊祎赟旸晞玹珩琯琎韡鑫淼焱垚骉昉旻晟暄翾媄婳嫄璠璘璆珣"  # frequent in given names, most of them not in GB2312
FAMILY = "Noto Sans CJK SC Names"
SIMPLIFIED = 2  # the face of the collection with the forms of mainland China


def signs() -> str:
    """Every sign that the font must draw beside Latin, sorted."""
    drugs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "regimens" / "drugs").glob("*.yaml"))]
    words = (chinese.WORDS, chinese.LABELS, chinese.MARKS, chinese.STATES, chinese.ROUTES, dict(enumerate(chinese.WEEKDAYS)))
    texts = [drug.get("names", {}).get("zh", "") for drug in drugs] + [text for group in words for text in group.values()]
    return "".join(sorted({sign for sign in SIGNS + "".join(texts) if ord(sign) > 0x24F}))


def names(words: str) -> str:
    """Every character of GB2312, both levels, and of `NAMES`, besides the words."""
    pairs = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 88) for cell in range(1, 95))
    found = {pair.decode("gb2312", "ignore") for pair in pairs} | set(NAMES)
    return "".join(sorted(found - set(words) - {""}))


def cut(whole: Path, weight: str, wanted: str, file: str, family: str = "") -> None:
    """One weight of a subset font, the same bytes every time."""
    font = TTFont(whole / f"NotoSansCJK-{weight}.ttc", fontNumber=SIMPLIFIED, recalcTimestamp=False)
    options = Options(layout_features=[], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True, hinting=False, desubroutinize=True)
    subsetter = Subsetter(options)
    subsetter.populate(text=wanted)
    subsetter.subset(font)
    missing = {ord(sign) for sign in wanted} - set(font.getBestCmap())
    if missing:
        raise SystemExit(f"the font has no {', '.join(map(chr, sorted(missing)))}")
    if family:
        rename(font, family)
    font.save(FONTS / file)


def rename(font: TTFont, family: str) -> None:
    """Give a font a family of its own, so that both are found side by side."""
    told = {1: family, 3: f"{family};subset", 4: family, 6: f"{family.replace(' ', '')}-Regular"}
    for record in font["name"].names:
        record.string = told.get(record.nameID, record.toUnicode())
    font["CFF "].cff.fontNames = [told[6]]


if __name__ == "__main__":
    drawn = signs()
    for weight in ("Regular", "Bold"):
        cut(Path(sys.argv[1]), weight, drawn, f"NotoSansCJKsc-{weight}.otf")
    cut(Path(sys.argv[1]), "Regular", names(drawn), "NotoSansCJKscNames-Regular.otf", FAMILY)
    (FONTS / "han.txt").write_text(drawn + names(drawn) + "\n", encoding="utf-8")
