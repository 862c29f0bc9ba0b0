"""What a feature is: a named column with a type, a domain and words for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Domain = Literal["attendance", "behaviour", "grades", "visits", "enrollment", "completeness"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of X.

    Attributes
    ----------
    name : str
        Says unit and window: `absence_rate_30d`.
    type : {"int32", "float64"}
    domain : str
    description : str
        For people: what is counted, over which days.
    changeable : bool
        Whether a family or a school can change it now; only such things are given as reasons.
    """

    name: str
    type: Literal["int32", "float64"]
    domain: Domain
    description: str
    changeable: bool = True


def count(name: str, domain: Domain, description: str, *, changeable: bool = True) -> Feature:
    """A whole number; empty where nothing was recorded."""
    return Feature(name, "int32", domain, description, changeable)


def measure(name: str, domain: Domain, description: str, *, changeable: bool = True) -> Feature:
    """A number with a fraction; empty where nothing was recorded."""
    return Feature(name, "float64", domain, description, changeable)
