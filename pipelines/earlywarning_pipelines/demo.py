"""The main job from end to end, on an invented school: simulate, import, train, publish, show."""

from __future__ import annotations

import random
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from earlywarning.errors import Conflict
from earlywarning.io.engine import EngineName
from earlywarning.io.mapping import load_mapping
from earlywarning.io.register import audit_log, lists, plans, tokens
from earlywarning_pipelines import (
    demo_people,
    demo_visits,
    ingest,
    list_rows,
    model_words,
    printing,
    publish,
    simulate,
    train,
)
from earlywarning_pipelines.home import open_home

MARKER = ".earlywarning-demo"
QUARTER_START = date(2026, 10, 1)
QUARTER = "2026-27-Q2"
FIRST_ROWS = 6

Echo = Callable[[str], None]


def run(
    folder: Path,
    *,
    students: int,
    seed: int,
    at: datetime,
    echo: Echo,
    program: str = "earlywarning",
    engine: EngineName = "polars",
) -> None:
    """Do it all in a folder of its own, made anew.

    Parameters
    ----------
    program : str
        How the reader calls this program; stands in the printed commands.
    engine : {"polars", "duckdb", "spark"}
        Computes the features.

    Raises
    ------
    Conflict
        If the folder holds something that is no demo.
    """
    _empty(folder)
    home = open_home(folder, engine=engine)
    files = folder / "school-files"
    with _step(echo, f"1/4 simulating a school of about {students} students over three years"):
        simulated = simulate.run(
            students=students, years=3, seed=seed, out=files, until=QUARTER_START
        )
        shutil.copy(files / "district.toml", home.settings.district_file)
    echo(printing.simulation_summary(simulated))
    with _step(echo, "2/4 importing its files"):
        imported = ingest.run(
            files=[files / "delivery"],
            mapping=load_mapping(files / "delivery" / "mapping.toml"),
            store=home.store,
            register=home.register,
            district=home.district,
            delivered_on=QUARTER_START,
            finished_at=at,
            refused_path=folder / "refused.csv",
            id_source=_ids(seed),
        )
    echo(printing.import_summary(imported))
    with _step(echo, "3/4 training on what was known before each quarter"):
        trained = train.run(
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
            district=home.district,
            as_of=QUARTER_START,
            trained_at=at,
            seed=seed,
            reports_folder=home.settings.reports_dir,
        )
    echo(model_words.training_summary(trained))
    with _step(echo, f"4/4 publishing the list for {QUARTER}"):
        made = publish.publish(
            quarter=QUARTER,
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
            district=home.district,
            seed=seed,
            by="demo",
            at=at,
        )
    _show(home.register, made, echo)
    with _step(echo, "planning its visits, week by week"):
        plans.make(
            home.register, made[0].visit_list_id,
            quarter=home.district.calendar.quarter(QUARTER), rules=home.district.plan,
            by="demo", actor=audit_log.JOB, at=at, today=QUARTER_START, id_source=_ids(seed + 1),
        )  # fmt: skip
    with _step(echo, "writing down last year's visits and this quarter's first ones"):
        before = demo_visits.past_year(home.register, home.store, until=QUARTER_START, seed=seed)
        now = demo_visits.this_quarter(
            home.register, made[0], start=QUARTER_START, today=at.date(), seed=seed
        )
    echo(f"  {before} visits of last year, {now} of this quarter")
    users = demo_people.make(home.register, school_id=made[0].school_id, at=at)
    token = tokens.create(
        home.register,
        role="coordinator",
        label="demo coordinator",
        at=at,
        expires_days=30,
        school_id=made[0].school_id,
    )
    command = f"{program} --home {shlex.quote(str(folder))}"
    echo(_how_to_see(command, made[0], token.secret, users=users))


def _show(register, made: list[lists.ListRow], echo: Echo) -> None:
    first = made[0]
    indonesian = list_rows.rows(register, first.visit_list_id, language="id", first=FIRST_ROWS)
    english = list_rows.rows(register, first.visit_list_id, language="en", first=FIRST_ROWS)
    echo(f"\nDaftar kunjungan {first.quarter} · visit list (first {len(english)} families)\n")
    for here, there in zip(indonesian, english, strict=True):
        echo(f"{here.position:>3}  {here.class_names}  {here.students}   ({here.lead})")
        echo(f"     {here.band} / {there.band} · {here.track} / {there.track}")
        for one, other in zip(here.reasons, there.reasons, strict=True):
            echo(f"       - {one}\n         {other}")
    echo("\nUrutan ini saran; Anda yang memutuskan. / This order is a suggestion; you decide.")


def _how_to_see(command: str, made: lists.ListRow, secret: str, *, users: int) -> str:
    return (
        f"\nThe whole list:  {command} show {made.visit_list_id}\n"
        "It is frozen. To make it again and compare every byte:\n"
        f"  {command} rebuild {made.visit_list_id}\n\n"
        f"Its plan, week by week:  {command} plan {QUARTER} --show\n\n"
        "To see it in a browser, open it in another terminal:\n"
        f"  {command} serve\n"
        f"It prints an address for each of {users} invented users: coordinator, teacher, principal "
        "and so on.\nPrograms ask with a token that is valid for 30 days:\n"
        f'  curl -H "Authorization: Bearer {secret}" \\\n'
        f"    http://127.0.0.1:8000/api/v1/visit_lists/{made.visit_list_id}/items"
    )


@contextmanager
def _step(echo: Echo, what: str) -> Iterator[None]:
    echo(f"\n{what} …")
    start = time.perf_counter()
    yield
    echo(f"  done in {time.perf_counter() - start:.0f} s")


def _ids(seed: int) -> Callable[[], str]:
    """Ids of the demo are the same each time, so that its list is too."""
    source = random.Random(seed)  # noqa: S311 - invented people only
    return lambda: f"{source.getrandbits(128):032x}"


def _empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not (folder / MARKER).exists():
            raise Conflict(f"{folder}: holds something else; name another folder with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("made by `earlywarning demo`; removed by the next one\n")
