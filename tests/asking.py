"""Requests made from the rows of `expectations`: the right path, body and headers for a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expectations import ABSENT, OBJECTS, Row, key
from service_world import World


def parameters(world: World, route: str, row: Row) -> Mapping[str, Mapping[str, str]]:
    """For each case the path's parameters."""
    if row.prepare is not None:
        return row.prepare(world)
    names = [part.strip("{}") for part in route.split("/") if part.startswith("{")]
    known = {name: OBJECTS[name](world) for name in names}
    return {
        case: {name: values.get(case, ABSENT) for name, values in known.items()}
        for case in row.cases
    }


def made(value: Any, world: World, case: str) -> Any:
    """A body or headers, which a row may give as a function."""
    return value(world, case) if callable(value) else value


def ask(world: World, route: str, row: Row, case: str, values: Mapping[str, str], who: str | None):
    """The answer to somebody in a browser; None is anonymous."""
    method, path = route.split(" ")
    client = world.browser() if who is None else world.as_(who)
    return client.request(
        method,
        path.format(**values),
        json=made(row.json, world, case),
        headers={"Idempotency-Key": key()} | dict(made(row.headers, world, case)),
    )
