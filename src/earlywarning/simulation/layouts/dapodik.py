"""Dapodik's student list (`daftar_pd`): title rows, two rows of headings, 66 columns.

Columns that no school list should leave the school with (identity numbers, income, bank, weight)
are filled with plainly invented values, as the real list has them: a reader must not take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl

from earlywarning.simulation.layouts.canonical import Frames, current_year
from earlywarning.simulation.layouts.workbooks import save

PARENT = ("Nama", "Tahun Lahir", "Jenjang Pendidikan", "Pekerjaan", "Penghasilan", "NIK")
GROUPS = {24: "Data Ayah", 30: "Data Ibu", 36: "Data Wali"}
"""Place of a group's first heading, from 0."""

HEADINGS = (
    "No", "Nama", "NIPD", "JK", "NISN", "Tempat Lahir", "Tanggal Lahir", "NIK", "Agama", "Alamat",
    "RT", "RW", "Dusun", "Kelurahan", "Kecamatan", "Kode Pos", "Jenis Tinggal",
    "Alat Transportasi", "Telepon", "HP", "E-Mail", "SKHUN", "Penerima KPS", "No. KPS",
    *PARENT, *PARENT, *PARENT,
    "Rombel Saat Ini", "No Peserta Ujian Nasional", "No Seri Ijazah", "Penerima KIP", "Nomor KIP",
    "Nama di KIP", "Nomor KKS", "No Registrasi Akta Lahir", "Bank", "Nomor Rekening Bank",
    "Rekening Atas Nama", "Layak PIP (usulan dari sekolah)", "Alasan Layak PIP",
    "Kebutuhan Khusus", "Sekolah Asal", "Anak ke-berapa", "Lintang", "Bujur", "No KK",
    "Berat Badan", "Tinggi Badan", "Lingkar Kepala", "Jml. Saudara\nKandung",
    "Jarak Rumah\nke Sekolah (KM)",
)  # fmt: skip
FAMILY_CARD = "9999"
"""First digits of the invented family-card numbers; no region has that code."""

WORK = {"abroad": "Tenaga Kerja Indonesia", "deceased": "Sudah Meninggal"}


def carry(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    """This year's classes, students and parents."""
    kept = current_year(tables, until)
    return {
        name: kept[name] for name in ("school", "class_group", "student", "enrollment", "guardian")
    }


def write(tables: Mapping[str, pl.DataFrame], folder: Path, *, made_on: date) -> None:
    """`daftar_pd-….xlsx` in `folder`.

    Parameters
    ----------
    made_on : date
        Of the download, which stands in the title.
    """
    folder.mkdir(parents=True, exist_ok=True)
    school = tables["school"].row(0, named=True)
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None  # noqa: S101
    page.title = "Daftar Peserta Didik"
    page.append(["Daftar Peserta Didik"])
    page.append([school["name"]])
    page.append([f"NPSN : {school['school_id']}"])
    page.append([f"Tanggal Unduh: {made_on.isoformat()} 08:00:00"])
    page.append([GROUPS.get(place) for place in range(len(HEADINGS))])
    for place in range(len(HEADINGS)):
        column = place + 1
        if place in GROUPS:
            page.merge_cells(
                start_row=5, start_column=column, end_row=5, end_column=column + len(PARENT) - 1
            )
    page.append(list(HEADINGS))
    for number, row in enumerate(_rows(tables), 1):
        page.append([number, *row[1:]])
    save(book, folder / f"daftar_pd-{school['school_id']}-{made_on}.xlsx")


def _rows(tables: Mapping[str, pl.DataFrame]) -> list[list[object]]:
    parents: dict[tuple[str, str], dict[str, object]] = {
        (row["student"], row["relation"]): row for row in tables["guardian"].to_dicts()
    }
    people = (
        tables["student"]
        .join(tables["enrollment"].select("student", "class_name"), on="student")
        .sort("class_name", "full_name", "student")
    )
    made = []
    for person in people.to_dicts():
        row: list[object] = [None] * len(HEADINGS)

        def put(heading: str, value: object, after: int = 0, row: list[object] = row) -> None:
            row[HEADINGS.index(heading, after)] = value

        household = "".join(letter for letter in person["household"] if letter.isdigit())
        put("Nama", person["full_name"].upper())
        put("NIPD", person["student"])
        put("JK", "L" if person["sex"] == "M" else "P")
        put("NISN", person["national_id"])
        put("Tanggal Lahir", person["birth_date"].isoformat())
        put("NIK", FAMILY_CARD + household.zfill(12)[::-1])
        put("Agama", "Lainnya")
        put("Kelurahan", person["village"])
        put("Rombel Saat Ini", person["class_name"])
        put("Penghasilan", "Rp. 500,000 - Rp. 999,999", 24)
        put("Berat Badan", 40)
        put("No KK", FAMILY_CARD + household.zfill(12))
        for relation, place in (("father", 24), ("mother", 30)):
            parent = parents.get((person["student"], relation))
            if parent:
                put("Nama", parent["full_name"], place)
                put("Pekerjaan", WORK.get(str(parent["vital"]), "Petani"), place)
                put("NIK", FAMILY_CARD + household.zfill(12)[::-1], place)
                if row[HEADINGS.index("HP")] is None:
                    put("HP", parent["phone"])
        made.append(row)
    return made
