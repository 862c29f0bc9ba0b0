"""What a browser says of itself, as people know it: Chrome on Android."""

from __future__ import annotations

from dataclasses import dataclass

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("UCBrowser", "UC Browser"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Version/", "Safari"),
)
"""Part of a user agent, and the browser's name: the first that fits, many claim to be others."""

SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "Chromebook"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Device:
    """A browser and where it runs; None for what was not understood."""

    browser: str | None
    system: str | None


def device(agent: str) -> Device:
    """What a user agent means, which may be cut short."""
    return Device(
        next((name for part, name in BROWSERS if part in agent), None),
        next((name for part, name in SYSTEMS if part in agent), None),
    )
