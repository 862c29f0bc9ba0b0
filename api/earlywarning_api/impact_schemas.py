"""What the API says of studies: whether visits helped, by which design, how sure."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from earlywarning_api.schemas import Moment


class StudySummary(BaseModel):
    """One registered study."""

    study_id: str
    name: str
    question: str
    first_quarter: str
    last_quarter: str
    designs: list[str]
    primary: list[str]
    worthwhile: float = Field(description="Smallest effect worth the visits, in outcome units.")
    registered_at: Moment
    design_sha256: str


class Studies(BaseModel):
    """Every registered study, oldest first."""

    studies: list[StudySummary]


class BiasedFigure(BaseModel):
    """What a misleading comparison would claim. Not an effect; never quote it."""

    what: str
    biased: bool
    biased_value: float | None
    biased_low: float | None
    biased_high: float | None
    n: int


class DesignResult(BaseModel):
    """One design on one outcome; counts of fewer than ten children are null."""

    design: str
    outcome: str
    role: str
    verdict: str = Field(
        description="helped, harmed, inconclusive, not_as_large, withheld or not_run."
    )
    reason: str | None = Field(description="Why it did not run, or `few`: under ten children.")
    held: str | None = Field(description="What failed rules leave to be said.")
    itt: dict[str, Any] | None = Field(description="Effect of a place on the list.")
    first_stage: dict[str, Any] | None = Field(description="How much a place moved visits.")
    interval: dict[str, float] | None
    effect: dict[str, Any] | None = Field(description="Effect of a visit, where it may be shown.")
    p: float | None
    p_adjusted: float | None
    exact_used: bool
    detectable_visit: float | None
    rules: list[dict[str, Any]]
    flow: list[dict[str, Any]]
    baseline: list[dict[str, Any]]


class StudyResult(StudySummary):
    """A study and its newest result; what is for researchers is null for other roles."""

    made_at: Moment
    said: list[str] = Field(description="What can be said, in words.")
    not_said: list[str] = Field(description="What cannot be said from it, in words.")
    data: dict[str, Any]
    results: list[DesignResult] | None
    naive: list[BiasedFigure] | None
    subgroups: list[dict[str, Any]] | None
    reach: list[dict[str, Any]] | None


class AnalysisRun(BaseModel):
    """An analysis of a study: how far, or how it ended."""

    run_id: str
    status: Literal["running", "finished", "refused", "failed"]
    made_at: Moment
    stage: Literal["lists", "panel", "estimates"] | None = Field(description="While it runs.")
    done: int
    total: int
    problem: str | None = Field(description="Why it was refused.")
