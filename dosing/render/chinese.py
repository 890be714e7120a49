"""Chinese beside English: the fixed words of the sheet, weekdays and labels for the locale zh.

Only headings, labels and drug names have two languages; what a check or a source says stays in its own words.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dosing.render.page import Column, Fact, Sheet

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
WORDS = {
    "title": "给药计划", "not_releasable": "不得发放", "grid": "按日剂量", "drug": "药物与医嘱", "total": "疗程总量",
    "release": "药房发放", "queries": "待解决问题", "no_queries": "无待解决问题", "answer": "答复", "signatures": "签名",
    "role": "职责", "name": "姓名", "signature": "签名", "when": "日期和时间", "entries": "按时间顺序给药", "record": "计算记录",
    "body": "体格与检验", "checks": "核对", "choices": "选择、更改与答复", "not_scheduled": "方案提及但未安排",
    "silent": "来源未说明", "sources": "来源", "order_notes": "医嘱备注", "day": "日", "date": "日期", "start": "开始", "stop": "结束",
    "dose": "次", "amount": "剂量", "route": "途径", "duration": "时长", "given": "实际给药", "protocol_dose": "方案剂量",
    "working": "计算过程", "calculated": "计算值", "rounded": "每次剂量", "doses": "次数", "issued": "与上一版的差异",
    "timeline": "时间轴", "check": "第二人独立核对", "labels": "标签", "slips": "细胞制品申请单", "preparation": "配制清单",
    "code": "文件码", "same_time": "同一时间", "no_label": "无标签", "begun": "开始", "ended": "结束", "checked": "双人核对",
}  # fmt: skip
LABELS = {
    "Name": "姓名", "Hospital number": "住院号", "Born": "出生日期", "Age": "年龄", "Sex": "性别", "Allergies": "过敏史",
    "Regimen": "方案", "Weight": "体重", "Height": "身高", "Body surface": "体表面积", "Creatinine": "肌酐", "Day 0": "第0天",
}  # fmt: skip
MARKS = {"weekend": "周末 weekend", "TRANSPLANT": "移植 TRANSPLANT"}


def both(key: str, english: str) -> str:
    """A fixed text in Chinese and English; the English alone where there is no Chinese."""
    return f"{WORDS[key]} {english}" if key in WORDS else english


def day_date(value: date) -> str:
    """A calendar day as `2026-12-04 周五`."""
    return f"{value.isoformat()} {WEEKDAYS[value.weekday()]}"


def name(english: str, chinese: str | None) -> str:
    """A drug's name in both languages, the Chinese first."""
    return f"{chinese} {english}" if chinese else english


def bilingual(sheet: Sheet) -> Sheet:
    """The sheet with the labels and marks of its frame in both languages; any other language stays as it is."""
    if sheet.language != "zh":
        return sheet
    return replace(sheet, identity=_facts(sheet.identity), basis=_facts(sheet.basis), columns=tuple(map(_column, sheet.columns)))


def _facts(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(Fact(f"{LABELS[fact.label]} {fact.label}" if fact.label in LABELS else fact.label, fact.text) for fact in facts)


def _column(column: Column) -> Column:
    return replace(column, mark=MARKS.get(column.mark, column.mark))
