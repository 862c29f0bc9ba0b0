"""What a study asks and how it will be judged, written down before outcomes exist.

A TOML file, checked, hashed by its content. A report follows it and nothing else: questions that
were not asked before are not answered as findings.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from earlywarning.calendar import SchoolCalendar
from earlywarning.errors import ConfigError
from earlywarning.impact.columns import OUTCOMES
from earlywarning.impact.limits import LIMITS

LOTTERY, DISCONTINUITY, LISTING, ROLL_OUT = "lottery", "discontinuity", "listing", "rollout"
DESIGNS = (LOTTERY, DISCONTINUITY, LISTING, ROLL_OUT)
SUBGROUPS = ("absence_before", "s")
"""What effects may be split by, at the median: only columns known before the list."""


@dataclass(frozen=True, slots=True)
class Study:
    """A study's design.

    Attributes
    ----------
    name, question : str
    first_quarter, last_quarter : str
        Quarter codes; outcomes of these quarters are counted.
    primary : tuple of str
        Outcomes among `OUTCOMES`; their p values are adjusted together.
    secondary : tuple of str
    worthwhile : float
        Smallest effect on the first primary outcome that would be worth the visits, in its units
        (0.02 is 2 days in 100).
    designs : tuple of str
        Among `DESIGNS`, the first is the one that decides.
    subgroups : tuple of str
        Among `SUBGROUPS`; no others will be shown.
    seed : int
        Of everything drawn in the analysis and in a roll-out.
    roll_out : mapping of lead to str or None
        First visiting quarter of each homeroom; empty without a roll-out.
    limits : mapping of name to number or None
        What each rule is held against: `limits.LIMITS` when the design was written.
    """

    name: str
    question: str
    first_quarter: str
    last_quarter: str
    primary: tuple[str, ...] = ("absence_rate",)
    secondary: tuple[str, ...] = ()
    worthwhile: float = 0.02
    designs: tuple[str, ...] = (LOTTERY, DISCONTINUITY, LISTING)
    subgroups: tuple[str, ...] = ()
    seed: int = 1
    roll_out: Mapping[str, str | None] | None = None
    limits: Mapping[str, float] | None = None

    @property
    def sha256(self) -> str:
        """Hash of the content: the same design, the same hash, however the file is laid out."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """The design as JSON bytes, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()


def parse(text: str, *, calendar: SchoolCalendar, where: str = "study.toml") -> Study:
    """Check a design.

    Raises
    ------
    ConfigError
        Names the key, what was found and what is allowed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: is not valid TOML: {error}") from error
    try:
        return of_values(data, calendar=calendar)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def of_values(data: Mapping[str, Any], *, calendar: SchoolCalendar | None = None) -> Study:
    """A design from its values, checked; see `parse`."""
    known = set(Study.__dataclass_fields__)
    unknown = sorted(set(data) - known)
    if unknown:
        raise ConfigError(f"unknown key {unknown[0]!r}; allowed: {', '.join(sorted(known))}")
    for key in ("name", "question", "first_quarter", "last_quarter"):
        if not isinstance(data.get(key), str) or not data[key].strip():
            raise ConfigError(f"{key} is {data.get(key)!r}; it must be said, as text")
    values: dict[str, Any] = dict(data)
    for key, allowed, least in (
        ("primary", OUTCOMES, 1), ("secondary", OUTCOMES, 0), ("designs", DESIGNS, 1),
        ("subgroups", SUBGROUPS, 0),
    ):  # fmt: skip
        if key in values:
            values[key] = _chosen(values[key], key, allowed, least)
    worthwhile = values.get("worthwhile", 0.02)
    if isinstance(worthwhile, bool) or not isinstance(worthwhile, int | float) or worthwhile <= 0:
        raise ConfigError(
            f"worthwhile is {worthwhile!r}; allowed: a number above 0, such as 0.02 for two days "
            "in a hundred"
        )
    seed = values.get("seed", 1)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed is {seed!r}; allowed: a whole number of 0 or more")
    roll_out = values.get("roll_out")
    if roll_out is not None:
        if not isinstance(roll_out, Mapping):
            raise ConfigError("roll_out must be a table of homeroom = quarter")
        values["roll_out"] = {str(key): value or None for key, value in roll_out.items()}
    values["limits"] = _limits(values.get("limits"), known=calendar is None)
    values["worthwhile"] = float(worthwhile)
    made = Study(**values)
    if ROLL_OUT in made.designs and not made.roll_out:
        raise ConfigError(
            "designs has rollout, but there is no roll_out; `earlywarning impact design "
            "--roll-out` draws one"
        )
    if calendar is not None:
        first = calendar.quarter(made.first_quarter)
        last = calendar.quarter(made.last_quarter)
        if last.start < first.start:
            raise ConfigError(
                f"last_quarter {made.last_quarter} lies before first_quarter {made.first_quarter}"
            )
    return made


def _limits(value: object, *, known: bool) -> Mapping[str, float] | None:
    """The limits of a design; a new one can have no others than this program judges by."""
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError("limits must be a table of rule = number")
    if known:
        return None if value is None else dict(value)
    for name in sorted({*LIMITS, *(value or {})} if value is not None else ()):
        if (value or {}).get(name) != LIMITS.get(name):
            raise ConfigError(
                f"limits.{name} is {(value or {}).get(name)!r}; this program judges by "
                f"{LIMITS.get(name)!r}: the table says what it does, leave it as it was written"
            )
    return dict(LIMITS)


def _chosen(value: object, key: str, allowed: Sequence[str], least: int) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) < least:
        raise ConfigError(f"{key} is {value!r}; allowed: a list of {', '.join(allowed)}")
    for one in value:
        if one not in allowed:
            raise ConfigError(f"{key} has {one!r}; allowed: {', '.join(allowed)}")
    return tuple(dict.fromkeys(str(one) for one in value))


def draw_order(
    leads: Mapping[str, Sequence[str]], quarters: Sequence[str], *, seed: int
) -> dict[str, str | None]:
    """Draw in which quarter each homeroom starts to visit, within schools.

    In every school the homerooms are spread evenly over the quarters and one part that starts after
    the study, so that somebody remains to compare with until its end.

    Parameters
    ----------
    leads : mapping of school_id to leads
    quarters : sequence of str
        Quarter codes of the study, in order.
    seed : int

    Returns
    -------
    dict of lead to quarter code or None
    """
    import numpy as np  # the service reads studies, and draws nothing

    rng = np.random.default_rng(seed)
    parts: list[str | None] = [*quarters, None]
    order: dict[str, str | None] = {}
    for school in sorted(leads):
        some = sorted(leads[school])
        turn = rng.permutation(len(parts))
        for place, index in enumerate(rng.permutation(len(some))):
            order[some[index]] = parts[turn[place % len(parts)]]
    return dict(sorted(order.items()))


def text_of(study: Study, *, notes: Sequence[str] = ()) -> str:
    """A design as TOML with comments, for a person to edit."""

    def quoted(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    def row(values: Sequence[str]) -> str:
        return "[" + ", ".join(quoted(one) for one in values) + "]"

    lines = [
        "# What this study asks, written down before outcomes are known. Edit, then register it:",
        "#   earlywarning impact design --register study.toml",
        *(f"# {note}" for note in notes),
        "",
        f"name = {quoted(study.name)}",
        f"question = {quoted(study.question)}",
        f"first_quarter = {quoted(study.first_quarter)}",
        f"last_quarter = {quoted(study.last_quarter)}",
        f"# Outcomes that decide; allowed: {', '.join(OUTCOMES)}.",
        f"primary = {row(study.primary)}",
        f"secondary = {row(study.secondary)}",
        "# Smallest effect worth the visits: 0.02 is two days in a hundred.",
        f"worthwhile = {study.worthwhile:g}",
        f"# The first one decides; allowed: {', '.join(DESIGNS)}.",
        f"designs = {row(study.designs)}",
        f"# No other subgroup will be shown; allowed: {', '.join(SUBGROUPS)}.",
        f"subgroups = {row(study.subgroups)}",
        f"seed = {study.seed}",
    ]
    lines += ["", "# What each rule is held against; kept under the design's hash.", "[limits]"]
    lines += [f"{name} = {limit:g}" for name, limit in LIMITS.items()]
    if study.roll_out:
        lines += ["", "# First visiting quarter of each homeroom, drawn by lot; empty: afterwards.",
                  "[roll_out]"]  # fmt: skip
        lines += [f"{quoted(lead)} = {quoted(start or '')}" for lead, start in
                  study.roll_out.items()]  # fmt: skip
    return "\n".join(lines) + "\n"
