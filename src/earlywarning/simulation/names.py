"""Invented people's names: common parts put together at random. Nobody here exists."""

from __future__ import annotations

import numpy as np

GIRLS = [
    "Aisyah",
    "Amelia",
    "Anisa",
    "Ayu",
    "Bunga",
    "Cahya",
    "Citra",
    "Dewi",
    "Dian",
    "Dinda",
    "Eka",
    "Endang",
    "Fitri",
    "Gita",
    "Hana",
    "Indah",
    "Intan",
    "Kartika",
    "Kirana",
    "Laras",
    "Lestari",
    "Lilis",
    "Maya",
    "Mega",
    "Mutiara",
    "Nabila",
    "Nadia",
    "Nia",
    "Nur",
    "Putri",
    "Rahma",
    "Ratih",
    "Ratna",
    "Rina",
    "Salma",
    "Sari",
    "Sekar",
    "Siti",
    "Sri",
    "Suparmi",
    "Tiara",
    "Tri",
    "Utami",
    "Wulan",
    "Yuni",
    "Zahra",
]
BOYS = [
    "Adi",
    "Agus",
    "Ahmad",
    "Aji",
    "Andi",
    "Arif",
    "Bagas",
    "Bagus",
    "Bambang",
    "Bayu",
    "Bima",
    "Budi",
    "Cahyo",
    "Danang",
    "Dani",
    "Dimas",
    "Dwi",
    "Eko",
    "Fajar",
    "Farhan",
    "Galih",
    "Gilang",
    "Hadi",
    "Hendra",
    "Imam",
    "Indra",
    "Irfan",
    "Joko",
    "Krisna",
    "Lukman",
    "Muhammad",
    "Nanda",
    "Nugroho",
    "Putra",
    "Rafi",
    "Rama",
    "Rendra",
    "Rizky",
    "Slamet",
    "Suryo",
    "Teguh",
    "Tono",
    "Umar",
    "Wahyu",
    "Yoga",
    "Yusuf",
]
SECOND = [
    "Abdullah",
    "Adiputra",
    "Anggraini",
    "Astuti",
    "Basuki",
    "Cahyani",
    "Darmawan",
    "Febrianti",
    "Firmansyah",
    "Gunawan",
    "Hakim",
    "Handayani",
    "Hidayat",
    "Iskandar",
    "Kurniawan",
    "Kusuma",
    "Lesmana",
    "Maharani",
    "Maulana",
    "Ma'ruf",
    "Nasution",
    "Ningsih",
    "Nurhaliza",
    "Nur'aini",
    "Oktaviani",
    "Permata",
    "Prasetyo",
    "Pratama",
    "Purnomo",
    "Puspita",
    "Rahayu",
    "Rahmawati",
    "Ramadhani",
    "Saputra",
    "Setiawan",
    "Siregar",
    "Subekti",
    "Sulistyo",
    "Susanti",
    "Syahputra",
    "Wibowo",
    "Widodo",
    "Wijaya",
    "Wulandari",
    "Yulianti",
    "Zulkarnain",
]
MONONYM_SHARE = 0.08


def names(sexes: np.ndarray, rng: np.random.Generator) -> list[str]:
    """One name each; about one in twelve has a single word.

    Parameters
    ----------
    sexes : array of str, shape (n,)
        `F` or `M`.
    rng : numpy.random.Generator

    Returns
    -------
    list of str, length n
    """
    first = rng.integers(0, 1 << 30, len(sexes))
    second = rng.integers(0, len(SECOND), len(sexes))
    alone = rng.random(len(sexes)) < MONONYM_SHARE
    made = []
    for sex, one, two, single in zip(sexes, first, second, alone, strict=True):
        pool = GIRLS if sex == "F" else BOYS
        given = pool[one % len(pool)]
        made.append(given if single else f"{given} {SECOND[two]}")
    return made
