"""First start of an installation: a `district.toml` to edit, and an empty register."""

from __future__ import annotations

import json
from pathlib import Path

from earlywarning import district
from earlywarning.errors import Conflict
from earlywarning.io import signing
from earlywarning_pipelines.home import Home

TEMPLATE = """\
# What this school or district decides for itself. docs/district.md explains every line.

[district]
name = {name}
timezone = "Asia/Jakarta"
language = "id"

[calendar]
quarter_starts = ["07-01", "10-01", "01-01", "04-01"]   # the first one starts the school year
school_weekdays = [1, 2, 3, 4, 5, 6]                    # Monday is 1

[attendance]
namespace = "id"            # code list: id, uk2024, edfi5.2; own codes below
# [attendance.codes]
# "IZN" = "permitted"

[thresholds]
preset = "indonesia_smp"    # docs/district.md lists the presets
# first_warning_points = 100
# [school.20500001]         # a school that differs
# pass_mark = 70

[weights]                   # what one area of trouble counts in the priority
attendance = 1
behaviour = 1
grades = 1

[visits]
lottery = {lottery}
capacity = {capacity}       # households a teacher can visit a quarter, unless the staff list says
preventive_share = 0.4      # of it, kept for families who were not visited for longest

[import]
swing = 0.5                 # a table that grows or shrinks by more than half waits for a person
"""


def run(home: Home, *, name: str, lottery: bool | None, capacity: int) -> Path:
    """Write `district.toml`, create the register and the key that signs models.

    Raises
    ------
    Conflict
        If the folder already has a `district.toml`.
    ConfigError
        If a value is not allowed, or the lottery was not decided.
    """
    path = home.settings.district_file
    if path.exists():
        raise Conflict(f"{path}: is already there; edit it, or choose another --home")
    text = TEMPLATE.format(
        name=json.dumps(name, ensure_ascii=False),
        lottery="undecided" if lottery is None else json.dumps(lottery),
        capacity=capacity,
    )
    if lottery is None:
        text = text.replace("lottery = undecided\n", "")
    district.parse(text, where=str(path))
    # Readable by its owner alone: children's records will lie here.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    home.register.current_snapshot()
    signing.made(home.settings.model_key)
    return path
