"""Every reader of school files, and how one is found by its name."""

from __future__ import annotations

from earlywarning.errors import ConfigError
from earlywarning.io.school_files.dapodik_roster import DapodikRoster
from earlywarning.io.school_files.edfi_json import EdfiJson
from earlywarning.io.school_files.edfi_rest import EdfiRest
from earlywarning.io.school_files.edfi_xml import EdfiXml
from earlywarning.io.school_files.erapor_ledger import EraporLedger
from earlywarning.io.school_files.interface import Reader
from earlywarning.io.school_files.monthly_sheet import MonthlySheet
from earlywarning.io.school_files.oneroster import OneRoster
from earlywarning.io.school_files.plain_table import PlainTable
from earlywarning.io.school_files.sis_dump import SisDump

READERS: tuple[Reader, ...] = (
    DapodikRoster(),
    EraporLedger(),
    EdfiXml(),
    EdfiJson(),
    EdfiRest(),
    OneRoster(),
    MonthlySheet(),
    SisDump(),
    PlainTable(),
)
"""In the order in which they look at a file: the most particular first."""


def reader(name: str) -> Reader:
    """The reader of a layout.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    found = {reader.name: reader for reader in READERS}
    if name not in found:
        raise ConfigError(f"layout is {name!r}; allowed: {', '.join(found)}")
    return found[name]
