"""`models/<outcome>/spec.toml`: what a model may look at, which candidates there are, how one is
chosen. Read once, checked against the features that exist.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from earlywarning.errors import ConfigError
from earlywarning.records.tables import OUTCOMES

CANDIDATES = ("rule", "last_value", "logistic", "boosted")
"""Simplest first: the order in which equals are preferred."""

BOOSTED_MIN_POSITIVES = 60
"""Below this, trees learn a small school's few by heart; a simpler candidate does better."""

MAX_GROUP_GAP = 0.20
MAX_CALIBRATION_ERROR = 0.05
"""What holds for a spec that says nothing of gates."""

CALIBRATE_BY = ("grade_level", "school")
"""Groups whose risks may be calibrated apart."""

NEVER_BY = {"sex", "religion", "income", "occupation", "address", "ethnicity"}

COMPARISONS = ("at_least", "above", "at_most", "below")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a rule; an empty value never fulfils it.

    Attributes
    ----------
    feature : str
    comparison : {"at_least", "above", "at_most", "below"}
    value : float
    """

    feature: str
    comparison: Literal["at_least", "above", "at_most", "below"]
    value: float


@dataclass(frozen=True, slots=True)
class Level:
    """A step of the rule: fulfilled by any of its conditions.

    Attributes
    ----------
    name : str
    preset : float
        Risk until there is history to calibrate it, 0 to 1.
    conditions : tuple of Condition
    """

    name: str
    preset: float
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule: levels from most to least concern; the first one fulfilled counts.

    Attributes
    ----------
    levels : tuple of Level
    otherwise : float
        Preset risk of a student who fulfils none.
    no_data : float
        Preset risk of a student without any record in `evidence`.
    evidence : tuple of str
        Features of which at least one is filled for a student with records.
    """

    levels: tuple[Level, ...]
    otherwise: float
    no_data: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoostedSetting:
    """One point of the search grid of the boosted trees; see XGBoost's own parameters."""

    depth: int
    learning_rate: float
    min_child_weight: float
    column_share: float = 0.7
    row_share: float = 0.8
    l2: float = 5.0


@dataclass(frozen=True, slots=True)
class OutcomeSpec:
    """All choices about one outcome's models.

    Attributes
    ----------
    outcome : str
    features : tuple of str
        What the learned candidates may look at, in this order.
    increasing, decreasing : tuple of str
        Features of which more may only raise, or only lower, the risk of the boosted trees.
    rule : RuleSpec
    last_value : str
        The feature whose value alone ranks the candidate `last_value`.
    last_value_direction : int
        1 if more of it means more risk, -1 if less does.
    candidates : tuple of str
    logistic_strengths : tuple of float
        Inverse strengths of the L2 penalty to choose from.
    boosted_settings : tuple of BoostedSetting
    boosted_rounds : int
        Most trees.
    standard_errors : float
        How far from the best a simpler candidate may be to be taken.
    min_gain : float
        Share of trouble by which a model must beat the rule; more than this.
    min_positives : int
        Students in trouble, and students not, that learned candidates need.
    max_group_gap : float
        Largest difference between two groups' shares of trouble found, 0 to 1, where chance does
        not explain it.
    max_calibration_error : float
        Largest calibration error, 0 to 1, where chance does not explain it.
    calibrate_by : str
        `grade_level` or `school`: whose learned risks are calibrated apart; empty for one
        calibration of all.
    text : str
        The file, to be logged as it was.
    """

    outcome: str
    features: tuple[str, ...]
    increasing: tuple[str, ...]
    decreasing: tuple[str, ...]
    rule: RuleSpec
    last_value: str
    last_value_direction: int
    candidates: tuple[str, ...]
    logistic_strengths: tuple[float, ...]
    boosted_settings: tuple[BoostedSetting, ...]
    boosted_rounds: int
    standard_errors: float
    min_gain: float
    min_positives: int
    max_group_gap: float
    max_calibration_error: float
    text: str
    calibrate_by: str = ""
    boosted_min_positives: int = BOOSTED_MIN_POSITIVES

    @property
    def sha256(self) -> str:
        """Hash of the file's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def models_folder() -> Path:
    """Where the specs and cards lie: beside the library in a wheel, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_models"
    return installed if installed.is_dir() else package.parents[1] / "models"


def load(
    outcome: str, folder: Path | None = None, *, known_features: Collection[str] | None = None
) -> OutcomeSpec:
    """Read and check one outcome's spec.

    Parameters
    ----------
    outcome : str
        One of `records.tables.OUTCOMES`.
    folder : Path, optional
        Folder that holds one folder an outcome; default `models_folder()`.
    known_features : collection of str, optional
        Names that may be used; default the features that `features.build` makes.

    Raises
    ------
    ConfigError
        Names the file, the key, what was found and what is allowed.
    """
    if outcome not in OUTCOMES:
        raise ConfigError(f"there is no outcome {outcome!r}; allowed: {', '.join(OUTCOMES)}")
    path = (folder or models_folder()) / outcome / "spec.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); reinstall earlywarning") from error
    if known_features is None:
        from earlywarning.features.build import FEATURES

        known_features = [feature.name for feature in FEATURES]
    return parse(text, where=str(path), known_features=known_features)


def parse(text: str, *, where: str, known_features: Collection[str]) -> OutcomeSpec:
    """Check the text of a `spec.toml`; see `load`."""
    try:
        data = tomllib.loads(text)
        return _spec(data, text, frozenset(known_features))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: is not valid TOML: {error}") from error
    except KeyError as error:
        raise ConfigError(f"{where}: the key {error} is missing") from error
    except (TypeError, AttributeError) as error:
        raise ConfigError(f"{where}: a value has the wrong form: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _spec(data: Mapping[str, Any], text: str, known: frozenset[str]) -> OutcomeSpec:
    outcome = data["outcome"]
    if outcome not in OUTCOMES:
        raise ConfigError(f"outcome is {outcome!r}; allowed: {', '.join(OUTCOMES)}")

    def names(values: list[str], key: str) -> tuple[str, ...]:
        unknown = sorted(set(values) - known)
        if unknown:
            near = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"{key}: there is no feature {unknown[0]!r}; allowed: {near}")
        if len(set(values)) != len(values):
            raise ConfigError(f"{key}: names a feature twice")
        return tuple(values)

    features = names(data["features"]["use"], "features.use")
    increasing = names(data["features"]["increasing"], "features.increasing")
    decreasing = names(data["features"]["decreasing"], "features.decreasing")
    stray = (set(increasing) | set(decreasing)) - set(features)
    if stray or set(increasing) & set(decreasing):
        raise ConfigError(
            "features: increasing and decreasing must be apart and within use; "
            f"found {sorted(stray or set(increasing) & set(decreasing))}"
        )
    candidates = tuple(data["candidates"])
    if "rule" not in candidates or [c for c in CANDIDATES if c in candidates] != list(candidates):
        raise ConfigError(
            f"candidates is {list(candidates)}; allowed: rule and any of "
            f"{', '.join(CANDIDATES[1:])}, in this order"
        )
    last = data["last_value"]
    boosted = data["boosted"]
    selection = data["selection"]
    gates = data.get("gates", {})
    return OutcomeSpec(
        outcome=outcome,
        features=features,
        increasing=increasing,
        decreasing=decreasing,
        rule=_rule(data["rule"], names),
        last_value=names([last["feature"]], "last_value.feature")[0],
        last_value_direction=_one_of(last["direction"], "last_value.direction", (1, -1)),
        candidates=candidates,
        logistic_strengths=tuple(
            _number(c, "logistic.strengths", 1e-6, 1e6) for c in data["logistic"]["strengths"]
        ),
        boosted_settings=tuple(_setting(item) for item in boosted["grid"]),
        boosted_rounds=int(_number(boosted["rounds"], "boosted.rounds", 1, 5000)),
        standard_errors=_number(selection["standard_errors"], "selection.standard_errors", 0, 5),
        min_gain=_number(selection["min_gain"], "selection.min_gain", 0, 1),
        min_positives=int(_number(selection["min_positives"], "selection.min_positives", 1, 1e6)),
        max_group_gap=_number(
            gates.get("max_group_gap", MAX_GROUP_GAP), "gates.max_group_gap", 0, 1
        ),
        max_calibration_error=_number(
            gates.get("max_calibration_error", MAX_CALIBRATION_ERROR),
            "gates.max_calibration_error",
            0,
            1,
        ),
        text=text,
        calibrate_by=_calibrate_by(data.get("groups", {})),
        boosted_min_positives=int(
            _number(
                boosted.get("min_positives", BOOSTED_MIN_POSITIVES), "boosted.min_positives", 1, 1e6
            )
        ),
    )


def _rule(data: Mapping[str, Any], names: Any) -> RuleSpec:
    levels = []
    for item in data["level"]:
        conditions = []
        for condition in item["any"]:
            (comparison,) = set(condition) - {"feature"}
            _one_of(comparison, "rule.level.any", COMPARISONS)
            feature = names([condition["feature"]], "rule.level.any")[0]
            conditions.append(
                Condition(feature, comparison, float(condition[comparison]))  # type: ignore[arg-type]
            )
        preset = _number(item["preset"], f"rule level {item['name']!r} preset", 0, 1)
        levels.append(Level(str(item["name"]), preset, tuple(conditions)))
    otherwise = _number(data["otherwise"], "rule.otherwise", 0, 1)
    order = [level.preset for level in levels] + [otherwise]
    if sorted(order, reverse=True) != order:
        raise ConfigError(f"rule: presets must fall from level to level; found {order}")
    return RuleSpec(
        levels=tuple(levels),
        otherwise=otherwise,
        no_data=_number(data["no_data"], "rule.no_data", 0, 1),
        evidence=names(data["evidence"], "rule.evidence"),
    )


def _calibrate_by(groups: Mapping[str, Any]) -> str:
    """What `[groups]` says, if it is lawful."""
    stray = sorted(set(groups) - {"calibrate_by"})
    if stray:
        raise ConfigError(f"groups: there is no key {stray[0]!r}; allowed: calibrate_by")
    by = groups.get("calibrate_by", "")
    if by in NEVER_BY:
        raise ConfigError(
            f"groups.calibrate_by is {by!r}: a child's place on the list would then depend on "
            f"{by}, which the law protects; two children with the same records must have the same "
            f"priority. Figures by sex are shown in every report. Allowed: "
            f"{', '.join(CALIBRATE_BY)}, or no such line"
        )
    if by and by not in CALIBRATE_BY:
        raise ConfigError(
            f"groups.calibrate_by is {by!r}; allowed: {', '.join(CALIBRATE_BY)}, or no such line"
        )
    return str(by)


def _setting(item: Mapping[str, Any]) -> BoostedSetting:
    return BoostedSetting(
        depth=int(_number(item["depth"], "boosted.grid depth", 1, 10)),
        learning_rate=_number(item["learning_rate"], "boosted.grid learning_rate", 1e-4, 1),
        min_child_weight=_number(item["min_child_weight"], "boosted.grid min_child_weight", 0, 1e6),
        column_share=_number(item.get("column_share", 0.7), "boosted.grid column_share", 0.05, 1),
        row_share=_number(item.get("row_share", 0.8), "boosted.grid row_share", 0.05, 1),
        l2=_number(item.get("l2", 5.0), "boosted.grid l2", 0, 1e6),
    )


def _number(value: object, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"{where} is {value!r}; allowed: a number from {low:g} to {high:g}")
    return float(value)


def _one_of(value: Any, where: str, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ConfigError(f"{where} is {value!r}; allowed: {', '.join(map(str, allowed))}")
    return value
