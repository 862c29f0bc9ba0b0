"""The panel's columns, in words, and which of them are outcomes or known before."""

from __future__ import annotations

OUTCOMES = ("absence_rate", "chronic", "incidents", "mark")
"""What a study can ask about; the first is primary unless it says otherwise."""

BETTER = {"absence_rate": -1, "chronic": -1, "incidents": -1, "mark": 1}
"""Sign of an effect that helps."""

FORMAT = 2
"""Of a result; an older one is made again, not read."""

LEAST_CELL = 10
"""Children, below which a group is not shown."""

BASELINE = (
    "absence_before", "absence_earlier", "incidents_before", "visited_before", "siblings",
)  # fmt: skip
"""Columns known before the list, for adjustment; the first is the outcome's own history."""

BEFORE = {
    "absence_rate": "absence_before", "chronic": "absence_before", "incidents": "incidents_before",
    "mark": "mark_before",
}  # fmt: skip
"""The same measure before the list."""

MAY_BE_EMPTY = ("excluded", "channel", "exit_reason", "block")
"""Columns of text that can be empty from top to bottom."""

COLUMNS: dict[str, str] = {
    "student_id": "random id of the student",
    "household_id": "who is visited together: one id a family",
    "homeroom": "lead teacher who ranks and visits the family; the cluster",
    "class_id": "class of the student when the list was made",
    "school_id": "school",
    "quarter": "quarter of the list and of the outcome",
    "t": "number of the quarter, 0 for the first with a list",
    "list_sha256": "hash of the frozen list that the row comes from",
    "model_version": "which models, or rules, made the scores",
    "list_day": "day of the list, days since 1970-01-01: the outcome is counted from it",
    "s": "priority of the family when the list was frozen",
    "rank": "rank of the family among the lead teacher's, 1 first",
    "cut": "N-th highest priority among the lead teacher's other families, N the places",
    "x": "s minus cut: the running variable",
    "block": "lottery block; empty where no lot was drawn",
    "p_assign": "chance of a place by lot",
    "won": "whether the lot gave a place",
    "listed": "whether the family had a place on the list, on any track",
    "track": "concern, preventive, another track, or none",
    "excluded": "why a family was not ranked; empty if it was",
    "wave": "number of the quarter in which the homeroom starts to visit; empty without roll-out",
    "stratum": "within which the order of the roll-out was drawn",
    "shadow": "whether the list was only made to compare: the homeroom did not visit yet",
    "visited": "1 if a visit to the family was made from the list's day to the quarter's end",
    "attempted": "1 if a visit was made or tried",
    "channel": "how the family was asked first after the list: whatsapp, telephone or letter",
    "override": "visited without a place on the list",
    "visit_day": "day of the first visit; empty without one",
    "enrolled_days": "days with a mark, from the list's day to the quarter's end",
    "absent_days": "days absent, any reason",
    "unexplained_days": "days absent without a reason; a visit lowers them by itself",
    "absence_rate": "absent_days / enrolled_days; empty where too few days are recorded",
    "chronic": "1 if absence_rate reaches the district's threshold",
    "incidents": "offences recorded, attendance-related ones apart",
    "mark": "mean mark, per cent of the scale",
    "left": "whether the student left the school in the quarter",
    "exit_reason": "why",
    "absence_before": "absence rate of the quarter before",
    "absence_earlier": "absence rate two quarters before",
    "incidents_before": "offences in the quarter before",
    "mark_before": "mean mark of the quarter before",
    "visited_before": "1 if the family was visited in the quarter before",
    "siblings": "other children of the family on the same list",
}
"""Every column of the panel and what it holds; the data dictionary of an export."""
