"""What the later quarters say, for the register, MLflow and people: figures, tables, one page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from earlywarning.district import District
from earlywarning.io import figures, report_page
from earlywarning.io.register import audit
from earlywarning.io.register.db import Register
from earlywarning.risk import judging
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.judging import Judgement
from earlywarning.risk.report import plain
from earlywarning.risk.results import TrainingResult
from earlywarning.risk.spec import OutcomeSpec


def judge(
    results: Mapping[str, TrainingResult],
    dataset: Dataset,
    register: Register,
    *,
    specs: Mapping[str, OutcomeSpec],
    capacity_share: float,
    seed: int,
) -> dict[str, Judgement | None]:
    """Judge each outcome's later quarters; who the students are is read now, after training."""
    attributes = audit.attributes(register, dataset.ids)
    return {
        outcome: judging.judge(
            result,
            dataset.ids,
            attributes,
            spec=specs[outcome],
            capacity_share=capacity_share,
            seed=seed,
        )
        for outcome, result in results.items()
    }


def told(judgement: Judgement | None) -> dict[str, Any]:
    """The report's keys `evaluation`, `groups`, `gates`; null where nothing was judged."""
    if judgement is None:
        return {"evaluation": None, "groups": None, "gates": {}}
    return plain(judgement.as_report())


def texts(
    result: TrainingResult,
    judgement: Judgement | None,
    report: Mapping[str, Any],
    district: District,
    as_of: date,
) -> dict[str, str]:
    """Files for the outcome's run: the page, its figures, a line a class, and every capacity."""
    drawn: dict[str, str] = {}
    made: dict[str, str] = {}
    classes: list[dict[Any, Any]] = []
    if judgement is not None:
        drawn = drawings(result, judgement, district.language)
        classes = [dict(row) for row in judgement.classes.to_dict("records")]
        made = {f"figures/{name}.svg": svg for name, svg in drawn.items()}
        made["classes.csv"] = judgement.classes.to_csv(index=False, float_format="%.6g")
        for quarter in judgement.quarters:
            made[f"every_capacity-{quarter}.csv"] = every_capacity(judgement, quarter)
    page = report_page.render(
        report,
        classes=classes,
        drawings=drawn,
        language=district.language,
        district=district.name,
        as_of=as_of,
    )
    return {"report.html": page, **made}


def drawings(result: TrainingResult, judgement: Judgement, language: str) -> dict[str, str]:
    """The page's figures, in the district's language."""
    words = report_page.words(language)
    names = {name: words[f"candidate_{name}"] for name in judgement.measured.found}
    curves = {
        name: figures.Curve(names[name], judgement.measured.found_share(name))
        for name in judgement.measured.found
    }
    out = {
        "found": figures.found_with_intervals(
            curves,
            judgement.shares,
            own=judgement.own,
            shaded={judgement.candidate, "rule"},
            labels=(words["axis_listed"], words["axis_found"], words["chance"]),
        ),
        "calibration": figures.calibration_of(
            judgement.held.curve, labels=(words["axis_risk"], words["axis_observed"])
        ),
    }
    shown = [
        (f"{words['attribute_' + group.attribute]}: {words.get(group.value, group.value)}",
         group.figures["found_share"])
        for group in judgement.audit.groups
        if not group.too_small and group.attribute in ("sex", "grade_level", "school")
    ]  # fmt: skip
    if shown:
        out["groups"] = figures.by_group(
            shown[: figures.MOST_GROUPS], label=words["axis_group_found"]
        )
    return out


def every_capacity(judgement: Judgement, quarter: str) -> str:
    """A CSV with a line a candidate and capacity of one quarter, figures with their intervals."""
    capacities, measured = judgement.quarters[quarter]
    head = "candidate,capacity,found_share,low,high,precision,precision_low,precision_high"
    lines = [head]
    for name in measured.found:
        found, precision = measured.found_share(name), measured.precision(name)
        table = np.column_stack(
            (found.value, found.low, found.high, precision.value, precision.low, precision.high)
        )
        for capacity, row in zip(capacities, table, strict=True):
            lines.append(f"{name},{capacity}," + ",".join(f"{value:.6f}" for value in row))
    return "\n".join(lines) + "\n"


def write(page: str, folder: Path, outcome: str, as_of: date) -> Path:
    """Keep the page in the installation; the same outcome and day again replaces it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{outcome}-{as_of.isoformat()}.html"
    new = path.with_suffix(".new")
    new.write_text(page, encoding="utf-8")
    new.replace(path)
    return path
