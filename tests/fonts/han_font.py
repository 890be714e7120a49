"""Cut the small font for Chinese words and for signs that the Latin font lacks out of a whole Noto Sans CJK.

    apt-get download fonts-noto-cjk && dpkg-deb -x fonts-noto-cjk_*.deb noto
    python tests/fonts/han_font.py noto/usr/share/fonts/opentype/noto

It draws the words of the sheet and the drug names of the library, and nothing else: a subset of all of GB2312 level 1
would weigh 1.7 MB. `han.txt` beside the fonts lists what they draw. Run it again after a new drug name or word.
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
SIMPLIFIED = 2  # the face of the collection with the forms of mainland China


def signs() -> str:
    """Every sign that the font must draw beside Latin, sorted."""
    drugs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "regimens" / "drugs").glob("*.yaml"))]
    words = (chinese.WORDS, chinese.LABELS, chinese.MARKS, dict(enumerate(chinese.WEEKDAYS)))
    texts = [drug.get("names", {}).get("zh", "") for drug in drugs] + [text for group in words for text in group.values()]
    return "".join(sorted({sign for sign in SIGNS + "".join(texts) if ord(sign) > 0x24F}))


def cut(whole: Path, weight: str, wanted: str) -> None:
    """One weight of the subset font, the same bytes every time."""
    font = TTFont(whole / f"NotoSansCJK-{weight}.ttc", fontNumber=SIMPLIFIED, recalcTimestamp=False)
    options = Options(layout_features=[], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True, hinting=False, desubroutinize=True)
    subsetter = Subsetter(options)
    subsetter.populate(text=wanted)
    subsetter.subset(font)
    missing = {ord(sign) for sign in wanted} - set(font.getBestCmap())
    if missing:
        raise SystemExit(f"the font has no {', '.join(map(chr, sorted(missing)))}")
    font.save(FONTS / f"NotoSansCJKsc-{weight}.otf")


if __name__ == "__main__":
    for weight in ("Regular", "Bold"):
        cut(Path(sys.argv[1]), weight, signs())
    (FONTS / "han.txt").write_text(signs() + "\n", encoding="utf-8")
