"""The page about real files holds what the command prints; and the figures that are known."""

from __future__ import annotations

from pathlib import Path

import real_files

PAGE = Path(__file__).parents[2] / "docs" / "real-files.md"


def test_the_table_of_the_page_is_what_the_command_prints() -> None:
    printed = list(real_files.lines())
    page = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    assert page == printed


def test_grand_bend_is_read_as_it_is_known_to_be() -> None:
    path = real_files.DATA / "edfi_grandbend"
    (found, *_) = [
        item.found
        for item in real_files.inspect_files([path], source="x").files
        if item.found and item.found.entries
    ]
    said = " ".join(found.warnings)
    assert "733 of 960 students have none" in said
    assert "67 of 1,917 events have no EventDuration" in said
