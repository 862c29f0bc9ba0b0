"""Counts for Prometheus, on a port of their own, on loopback, off unless asked for.

Labels are routes, methods and statuses: never a user, a child or a path.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from earlywarning.errors import ConfigError

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """What one process has answered since it started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answered = Counter(
            "earlywarning_requests", "Requests answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "earlywarning_request_seconds", "Time until an answer began.", ("method", "route"),
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._kinds: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer.

        Parameters
        ----------
        route : str
            The template, such as `/students/{student_id}`; empty if there was none.
        """
        kind = (method, route, status)
        counted = self._kinds.get(kind)
        if counted is None:  # looking labels up costs more than counting
            known = method if method in METHODS else "other"
            counted = (
                self._answered.labels(known, route, str(status)),
                self._seconds.labels(known, route),
            )
            if known == method:
                self._kinds[kind] = counted
        counted[0].inc()
        counted[1].observe(seconds)

    @contextmanager
    def served(self, port: int | None) -> Iterator[None]:
        """Offer the counts on loopback while the block runs; nowhere without a port.

        Raises
        ------
        ConfigError
            If the port is taken.
        """
        if port is None:
            yield
            return
        try:
            server, thread = start_http_server(port, addr="127.0.0.1", registry=self.registry)
        except OSError as error:
            raise ConfigError(
                f"metrics: port {port} of 127.0.0.1 cannot be used: {error.strerror}; "
                "choose another --metrics-port"
            ) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
