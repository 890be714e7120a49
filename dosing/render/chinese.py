"""Chinese beside English: the fixed words of the sheet, weekdays, labels, states and routes for the locale zh.

The translations are ours, a proposal for a reader at the site; what a check or a source says stays in its own words.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dosing.render.page import Column, Day, Entry, Fact, Row, Sheet

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
WORDS = {
    "title": "给药计划", "not_releasable": "不得发放", "grid": "按日剂量", "drug": "药物与医嘱", "total": "疗程总量",
    "release": "药房发放", "queries": "待解决问题", "no_queries": "无待解决问题", "answer": "答复", "signatures": "签名",
    "unnamed": "姓名与住院号未填写，填写后签名。",
    "role": "职责", "name": "姓名", "signature": "签名", "when": "日期和时间", "entries": "按时间顺序给药", "record": "计算记录",
    "body": "体格与检验", "checks": "核对", "choices": "选择、更改与答复", "not_scheduled": "方案提及但未安排",
    "silent": "来源未说明", "sources": "来源", "order_notes": "医嘱备注", "day": "日", "date": "日期", "start": "开始", "stop": "结束",
    "dose": "次", "amount": "剂量", "route": "途径", "duration": "时长", "given": "实际给药", "protocol_dose": "方案剂量",
    "working": "计算过程", "calculated": "计算值", "rounded": "每次剂量", "doses": "次数", "issued": "与上一版的差异",
    "timeline": "时间轴", "check": "第二人独立核对", "labels": "标签", "preparation": "配制清单",
    "code": "文件码", "same_time": "同一时间", "no_label": "无标签", "begun": "开始", "ended": "结束", "checked": "双人核对",
    "contents": "目录", "no_dose": "无剂量", "hold": "暂停", "release_note": "配制人和核对人每日签名", "by": "答复人", "on": "日期",
    "query_note": "答复将产生新一版，此处不填写。", "rule": "取整", "change": "变化", "replaced": "收回被替换版的所有副本。",
    "legend": "HOLD 暂停：不得配制。– 无剂量。If all given：至今各次均给药时的累计剂量。09:00 后：计划开始时间，两人签名。",
    "prep_doses": "次数", "prep_product": "产品、支数或袋数", "prep_volume": "药液体积", "prep_fluid": "稀释液、终体积", "prep_concentration": "浓度",
    "prep_rate": "输注速度", "prep_keep": "稳定性、避光、滤器、管路", "no_preparation": "无需配制。", "fluid_line": "稀释液、体积、管路",
    "unblinded": "已揭盲，仅限药房", "superseded": "已作废", "what_changed": "变更内容", "nothing_changed": "剂量无变化。",
    "timeline_legend": "长条：计划开始至结束。粗线：计划开始，时长未给出。斜线：HOLD 暂停，不得配制。方框：同时进行。",
    "no_clock": "未设时刻，为相对日程。", "check_note": "请根据来源和以上信息独立逐行计算，不看给药计划，然后比较。本页无计算结果。",
    "yes": "是", "no": "否", "measure": "指标与公式", "value": "计算值", "size_used": "所用体格值", "first_last": "首末日期",
    "agrees": "与给药计划一致", "facts": "医嘱", "slip": "申请单，不是产品标签", "no_labels": "无标签。",
    "warning": "本表不是处方，须经药师核对并签名。", "issue": "第{issue}版", "replaces": "替换第{replaces}版", "copy": "副本，非正式版",
    "last_issue": "最新版为第{issue}版", "never_issued": "尚无正式版", "subject": "受试者编号", "missed": "漏用", "no_stop": "无结束时间",
}  # fmt: skip
LABELS = {
    "Name": "姓名", "Hospital number": "住院号", "Born": "出生日期", "Age": "年龄", "Sex": "性别", "Allergies": "过敏史",
    "Regimen": "方案", "Weight": "体重", "Height": "身高", "Body surface": "体表面积", "Creatinine": "肌酐", "Day 0": "第0天",
}  # fmt: skip
MARKS = {"weekend": "周末 weekend", "TRANSPLANT": "移植 TRANSPLANT"}
STATES = {"PASS": "通过", "NOTE": "提示", "QUERY": "待答复", "HOLD, line held": "暂停，该行不得配制", "HOLD": "暂停", "not entered": "未录入", "work it out": "请计算", "not given": "未给出", "missed": "漏用", "no stop time": "无结束时间",
          "DRAFT REGIMEN": "草案", "Prescriber": "处方医师", "Pharmacist 1, calculated": "药师一，计算", "Pharmacist 2, checked": "药师二，核对"}  # fmt: skip
ROUTES = {"intravenous": "静脉", "by mouth": "口服", "subcutaneous": "皮下", "intramuscular": "肌内", "intrathecal": "鞘内"}


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
    """The sheet with the fixed words of its frame in both languages; any other language stays as it is."""
    if sheet.language != "zh":
        return sheet
    return replace(
        sheet, identity=_facts(sheet.identity), basis=_facts(sheet.basis), columns=tuple(map(_column, sheet.columns)), status=_status(sheet.status),
        checks=_facts(sheet.checks), rows=tuple(map(_row, sheet.rows)), questions=tuple(replace(asked, state=_beside(asked.state)) for asked in sheet.questions),
        signatures=tuple(map(_beside, sheet.signatures)), entries=tuple(map(_entry, sheet.entries)), days=tuple(map(_day, sheet.days)),
    )  # fmt: skip


def _beside(text: str) -> str:
    """A fixed word with the Chinese before it; any other text as it is."""
    return f"{STATES[text]} {text}" if text in STATES else text


def _status(text: str) -> str:
    return ", ".join(map(_beside, text.split(", ")))


def _facts(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(Fact(f"{LABELS[fact.label]} {fact.label}" if fact.label in LABELS else _beside(fact.label), _beside(fact.text)) for fact in facts)


def _column(column: Column) -> Column:
    """The weekday stands beside the mark, so that a narrow column never parts it."""
    when, _, weekday = column.date.partition(" ")
    return replace(column, short=when, mark=" ".join(filter(None, (weekday, MARKS.get(column.mark, column.mark)))))


def _row(row: Row) -> Row:
    return replace(row, cells=tuple(replace(cell, amount=_beside(cell.amount)) for cell in row.cells), total=_beside(row.total))


def _entry(entry: Entry) -> Entry:
    return replace(entry, amount=_beside(entry.amount), route=f"{ROUTES[entry.route]} {entry.route}" if entry.route in ROUTES else entry.route, stop=_beside(entry.stop))


def _day(day: Day) -> Day:
    return replace(day, mark=MARKS.get(day.mark, day.mark), lines=tuple(replace(line, entry=_entry(line.entry)) for line in day.lines))
