"""Ed-Fi files of which nothing is imported: health, interventions, lists of descriptors, deletions.

They are known, so a folder that holds them is no puzzle; what is in them is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlywarning.errors import ConfigError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files.edfi_json import is_answer
from earlywarning.io.school_files.edfi_xml import interchange
from earlywarning.io.school_files.interface import Bundle, FlatTable, Found


class EdfiRest:
    """Recognises the rest; has no part."""

    name = "edfi_rest"
    kinds: tuple[Kind, ...] = ("xml", "json")
    is_bundle = False
    parts: Mapping[str, tuple[str, ...]] = {}

    def sniff(self, bundle: Bundle) -> Found | None:
        """A finding without entries, for Ed-Fi files that the other readers leave over."""
        found = interchange(bundle.file)
        if found:
            return Found(self.name, f"Ed-Fi {found[1]} XML, {found[0]}: nothing is imported", ())
        if bundle.file.kind == "json" and is_answer(bundle.file):
            return Found(self.name, "Ed-Fi API answer (JSON): nothing is imported", ())
        return None

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The one file."""
        return bundle.files

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """There is nothing to open."""
        raise ConfigError(f"layout {self.name}: nothing of {bundle.name} is imported")
