"""Small checks of a settings file: each error names the key, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlywarning.errors import ConfigError


def section(data: Mapping[str, Any], key: str, where: str | None = None) -> Mapping[str, Any]:
    """A table of the file; empty if it is not there."""
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"[{where or key}] must be a table, found {value!r}")
    return value


def only(data: Mapping[str, Any], where: str, allowed: set[str]) -> None:
    """Refuse a key that does not exist, by name."""
    unknown = sorted(set(data) - allowed)
    if unknown:
        place = f"[{where}] " if where else ""
        raise ConfigError(
            f"{place}unknown key {unknown[0]!r}; allowed: {', '.join(sorted(allowed))}"
        )


def one_of(value: object, where: str, allowed: tuple[str, ...]) -> str:
    """A word of a closed list."""
    if value not in allowed:
        raise ConfigError(f"{where} is {value!r}; allowed: {', '.join(allowed)}")
    return str(value)


def number(value: object, where: str, low: float, high: float, *, whole: bool = False) -> Any:
    """A number within its limits."""
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{where} is {value!r}; allowed: {kind} from {low:g} to {high:g}")
    return value if whole else float(value)
