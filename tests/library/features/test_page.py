"""The page for people lists every feature, and none that does not exist."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from earlywarning.features.build import FEATURES

PAGE = Path(__file__).parents[3] / "docs" / "features.md"


def expected() -> str:
    """The tables as they should stand in the page."""
    parts = []
    for domain, features in groupby(FEATURES, key=lambda feature: feature.domain):
        rows = [f"| `{f.name}` | {f.description} |" for f in features]
        parts.append("\n".join([f"### {domain}", "", "| feature | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def test_page_lists_every_feature():
    text = PAGE.read_text(encoding="utf-8")
    assert text.split("## Every feature\n\n", 1)[1] == expected(), (
        "docs/features.md is not up to date: put this under '## Every feature':\n" + expected()
    )
