"""Three versions of one outcome's model in a register: one serves, one served before, one waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from earlywarning.io.register import model_versions
from earlywarning.io.register.db import Register
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.model_versions import NewModel
from earlywarning_api.pages import models


def interval(value: float, half: float = 0.05) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def report(served: str = "logistic") -> dict[str, Any]:
    """What training keeps, as small as can be; a figure of it can be read off a page."""
    return {
        "why": "beats_rule", "served": served, "rows": 1200,
        "quarters": {"test": ["2025-26-Q4", "2026-27-Q1"]},
        "gate": {"passed": True},
        "gates": {"calibration": {"passed": True}, "groups": {"passed": None}},
        "evaluation": {
            "candidates": {
                "rule": {"found_share": interval(0.28), "gain_over_rule": interval(0.0, 0.0)},
                "logistic": {"found_share": interval(0.4), "gain_over_rule": interval(0.12)},
                "last_value": {"found_share": interval(0.26), "gain_over_rule": interval(-0.02)},
            },
            "calibration": {
                "curve": [{"risk": 0.05, "observed": 0.04, "students": 60},
                          {"risk": 0.4, "observed": 0.44, "students": 40}],
                "within_capacity": {"risk": 0.35, "observed": interval(0.36)},
            },
        },
        "groups": {
            "alone": ["school"],
            "groups": [
                {"attribute": "school", "value": "SCH1", "students": 100, "trouble": 20},
                {"attribute": "sex", "value": "F", "students": 60, "trouble": 12,
                 "too_small": False, "figures": {"found_share": interval(0.41)}},
                {"attribute": "sex", "value": "M", "students": 8, "trouble": 1,
                 "too_small": True},
            ],
        },
        "mlflow_model": "contoh-attendance", "mlflow_version": "7",
    }  # fmt: skip


def add(register: Register, at: datetime) -> None:
    """Put them in; the snapshot `0…0` must be there."""
    by = Decision("earlywarning train", next(iter(models.PROGRAM_SAYS)), at)
    for number in (1, 2, 3):
        new = NewModel(
            f"{number}" * 32, "attendance", "logistic", f"run{number}", "file:///nowhere",
            "a" * 64, b"s" * 64, b"k" * 32, "0" * 64, at, report(),
        )  # fmt: skip
        serves = {"attendance": by} if number < 3 else {}
        model_versions.add(register, [new], trained=by, promoted=serves)
