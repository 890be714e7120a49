"""Questions asked of a calculated course; a block holds its line, a query must be answered, a note informs."""

from __future__ import annotations  # noqa: I001  findings stand in the order of these imports

from dosing.checks import doses, kidneys, adjusting, weighing, sources, patient, timing, gaps, intervals, practical  # noqa: F401  each registers its checks
from dosing.checks.case import CHECKS, Case, Hit, check, course_check, per_course
from dosing.checks.questions import hits

__all__ = ["CHECKS", "Case", "Hit", "check", "course_check", "hits", "per_course"]
