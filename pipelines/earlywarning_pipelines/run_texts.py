"""What a run in MLflow shows of how candidates were chosen: figures, and every strength tried."""

from __future__ import annotations

from earlywarning.io import figures
from earlywarning.risk.results import TrainingResult


def of(result: TrainingResult, capacity_share: float) -> dict[str, str]:
    """Files for the outcome's run, by name."""
    return {**_figures(result, capacity_share), **_searched(result)}


def _figures(result: TrainingResult, capacity_share: float) -> dict[str, str]:
    """All candidates on the newest test quarter; the page draws all test quarters together."""
    texts = {}
    for quarter in result.plan.test[-1:] if result.splits else ():
        splits = [one for one in result.splits if one.label == quarter]
        texts[f"figures/found-{quarter}.svg"] = figures.found_at_capacity(
            {one.candidate: one.ranking for one in splits}, capacity_share=capacity_share
        )
        texts[f"figures/calibration-{quarter}.svg"] = figures.calibration(
            {one.candidate: one.reliability for one in splits}
        )
    return texts


def _searched(result: TrainingResult) -> dict[str, str]:
    """A CSV for each candidate with strengths to choose: every one tried, with its log loss."""
    texts = {}
    for name, tried in result.searched.items():
        columns = list(dict.fromkeys(key for one in tried for key in one.strengths))
        lines = [",".join([*columns, "log_loss", "chosen"])]
        for one in tried:
            strengths = [f"{one.strengths[key]:g}" for key in columns]
            lines.append(",".join([*strengths, f"{one.loss:.6f}", str(int(one.chosen))]))
        texts[f"search-{name}.csv"] = "\n".join(lines) + "\n"
    return texts
