"""Errors that a user can act on. Each says where, what was found, what is allowed, what to do."""

from __future__ import annotations


class EarlyWarningError(Exception):
    """Base of every error that the project raises on purpose."""


class ConfigError(EarlyWarningError):
    """A setting, a `district.toml`, a mapping or a `spec.toml` says something that cannot be."""


class DataError(EarlyWarningError):
    """A file or a fact is not what it should be; nothing of it was saved."""


class ConfirmationNeeded(EarlyWarningError):
    """The step is possible but unusual; it goes on only when a person confirms it."""


class ArtifactError(EarlyWarningError):
    """A stored model or snapshot does not match its recorded hash and was not opened."""


class NotFound(EarlyWarningError):
    """The thing asked for does not exist, or not for this person."""


class Conflict(EarlyWarningError):
    """Somebody else, or an earlier run, already did this."""


class Busy(Conflict):
    """Another command holds what this one needs; it ends by itself, then try again."""


class NotSignedIn(EarlyWarningError):
    """Name, password, code or link do not let anybody in; which of them was wrong is not said."""


class TooManyTries(EarlyWarningError):
    """Too many attempts in a short time; it ends by itself.

    Parameters
    ----------
    seconds : int
        Until the next attempt is looked at.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts; try again in {seconds} seconds")
        self.seconds = seconds


class MissingExtra(EarlyWarningError):
    """An optional package is needed; the message names the extra to install."""
