"""Ed-Fi interchange files (XML): the files of one folder are read together.

A student of `Student.xml` has no school there, a contact's name stands apart from whose contact it
is, and an incident apart from who took part; so no file says enough alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files.edfi_contents import Contents, contents_of
from earlywarning.io.school_files.edfi_found import understood
from earlywarning.io.school_files.edfi_records import ELEMENTS, Fields, of_element
from earlywarning.io.school_files.edfi_tables import PARTS, table
from earlywarning.io.school_files.interface import Bundle, FlatTable, Found
from earlywarning.io.school_files.xml_records import records, root

NAMESPACE = "http://ed-fi.org/"
INTERCHANGES = (
    "Student", "Contact", "Parent", "StudentParent", "EducationOrganization",
    "EducationOrgCalendar", "StudentEnrollment", "StudentAttendance", "StudentDiscipline",
    "StudentGrade", "StudentGradebook",
)  # fmt: skip
"""What is read of them; of all others nothing is imported."""


def interchange(file: FileKind) -> tuple[str, str] | None:
    """Which interchange a file is, and of which version; None if it is none of Ed-Fi."""
    if file.kind != "xml":
        return None
    found = root(file)
    if found is None or not found.namespace.startswith(NAMESPACE):
        return None
    if not found.name.startswith("Interchange"):
        return None
    return found.name.removeprefix("Interchange"), found.namespace.removeprefix(NAMESPACE)


class EdfiXml:
    """Reads the interchange files of a folder; see `docs/school-files.md`."""

    name = "edfi_xml"
    kinds: tuple[Kind, ...] = ("xml",)
    is_bundle = True
    parts: Mapping[str, tuple[str, ...]] = PARTS

    def sniff(self, bundle: Bundle) -> Found | None:
        """What the interchange files hold together; None if nothing of it is imported."""
        files = self.files_of(bundle)
        if not files:
            return None
        versions = {found[1] for file in files if (found := interchange(file))}
        return understood(
            _contents(files), self.name, f"Ed-Fi {' and '.join(sorted(versions))} XML"
        )

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The interchange files of which something is imported."""
        return tuple(
            file
            for file in bundle.files
            if (found := interchange(file)) and found[0] in INTERCHANGES
        )

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """One part of all the files."""
        files = self.files_of(bundle)
        if not files:
            raise DataError(
                f"{bundle.name}: holds no Ed-Fi interchange file; expected the namespace "
                f"{NAMESPACE}… and one of Interchange{', Interchange'.join(INTERCHANGES)}"
            )
        contents = _contents(files)
        return table(contents, partial(_stream, files, contents), part, options)


@lru_cache(maxsize=1)
def _contents(files: tuple[FileKind, ...]) -> Contents:
    """One look through the files; the same files, by their hash, are looked through once."""
    return contents_of(partial(_stream, files, None))


def _stream(
    files: tuple[FileKind, ...], contents: Contents | None, kinds: Collection[str]
) -> Iterator[tuple[str, int, str, Fields]]:
    for file in files:
        name = file.path.name
        if contents is not None and not any((kind, name) in contents.counts for kind in kinds):
            continue
        for line, element in records(file):
            kind = ELEMENTS.get(element.tag)
            if kind is not None and (not kinds or kind.name in kinds):
                yield name, line, kind.name, of_element(element, kind)
