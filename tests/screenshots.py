"""Pictures of the pages for the documents: `python tests/screenshots.py [--home FOLDER]`.

They are taken of a copy of the demo, in the second week of its quarter, with a few visits made.
Fonts come from the machine; on Debian `fonts-roboto-unhinted` and `fonts-noto-core` look right.
"""

from __future__ import annotations

import argparse
import io
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import select

from browser import Site, chromium, site
from earlywarning import district
from earlywarning.impact import analysis
from earlywarning.impact.limits import LIMITS
from earlywarning.impact.study import Study
from earlywarning.io.register import (
    evidence,
    list_views,
    lists,
    plan_views,
    plans,
    sessions,
    visits,
)
from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import Student
from earlywarning.io.register.visits import VisitContent
from earlywarning.simulation.trial import LifeWorld, Plan, run
from earlywarning_api.app import create_app
from earlywarning_pipelines import demo
from service_world import World

NOW = datetime(2026, 10, 14, 3, 0)  # noqa: DTZ001 - the register keeps UTC without zone
TODAY = date(2026, 10, 14)
OUT = Path(__file__).parents[1] / "docs" / "screenshots"
COLOURS = 200
SHEET = (794, 1123)
"""A4 at 96 pixels an inch."""

Look = tuple[str, int, int, str]
PHONE: Look = ("phone", 360, 760, "light")
DESK: Look = ("desk", 1280, 860, "light")
DARK: Look = ("dark", 1280, 860, "dark")


@dataclass(frozen=True)
class Shot:
    """One page, by the name of its picture."""

    name: str
    role: str | None
    path: str
    looks: Sequence[Look] = (PHONE, DESK)
    language: str = "id"
    paper: bool = False


def shots(places: dict[str, str]) -> list[Shot]:
    """What is shown, in the order of the documents."""
    list_ = places["list"]
    return [
        Shot("sign-in", None, "/sign-in", (PHONE,)),
        Shot("quarter", "coordinator", "/quarter", (PHONE, DESK)),
        Shot("list", "coordinator", list_, (PHONE, DESK, DARK)),
        Shot("list-en", "coordinator", list_, (DESK,), "en"),
        Shot("list-paper", "coordinator", f"{list_}/print", paper=True),
        Shot("student", "coordinator", places["student"], (PHONE, DESK, DARK)),
        Shot("visit", "coordinator", places["visit"], (PHONE,)),
        Shot("priority", "coordinator", places["priority"], (PHONE,)),
        Shot("plan", "coordinator", f"{list_}/plan", (PHONE, DESK)),
        Shot("letter-paper", "coordinator", places["letter"], paper=True),
        Shot("form-paper", "coordinator", places["form"], paper=True),
        Shot("summary-paper", "principal", f"{list_}/summary", paper=True),
        Shot("notice-paper", "coordinator", places["notice"], paper=True),
        Shot("drafts", "coordinator", "/drafts", (PHONE,)),
        Shot("models", "data_staff", "/models", (DESK,), "en"),
        Shot("model", "data_staff", "/models/attendance/1", (DESK,), "en"),
        Shot("data", "data_staff", "/data", (DESK,)),
        Shot("impact", "principal", places["study"], (PHONE, DESK)),
        Shot("impact-research", "researcher", f"{places['study']}#researchers", (DESK,), "en"),
    ]


def main() -> int:
    """Take every picture; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--home", type=Path, help="A demo that was made; else one is made now.")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", help="Pictures whose name begins with this.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = asked.home
        if home is None:
            home = Path(folder) / "earlywarning-demo"
            demo.run(home, students=600, seed=1, at=NOW, echo=print)
        with (  # what was written last may stand beside the file still
            closing(sqlite3.connect(home / "register.db")) as demo_register,
            closing(sqlite3.connect(Path(folder) / "register.db")) as copied,
        ):
            demo_register.backup(copied)
        chosen = district.load(home / "district.toml")
        with open_register(f"sqlite:///{folder}/register.db") as register, chromium() as browser:
            app = create_app(register, clock=lambda: NOW, home=Path(folder),
                             timezone=chosen.timezone, requests_per_minute=0)  # fmt: skip
            places = lived(register, chosen)
            world = World(register, app, None, {}, {})  # type: ignore[arg-type]
            with site(world, browser) as served:
                for shot in shots(places):
                    if not shot.name.startswith(asked.only or ""):
                        continue
                    taken(served, shot, asked.out)
    return 0


def lived(register: Register, chosen: district.District) -> dict[str, str]:
    """Make two weeks of a school's work; where the pages of it are."""
    row = next(one for one in lists.everything(register) if one.status == "published")
    everybody = select(Student.student_id)
    with register.session() as session:
        items = list_views.items(session, everybody, row.visit_list_id, limit=40)
    outcomes = ("done", "done", "no_one_home", "done")
    for place, item in enumerate(items[1:24:2]):
        status = outcomes[place % len(outcomes)]
        content = VisitContent(status, date(2026, 10, 5 + place % 8), item_id=item.item_id,
                               met=("mother",) if status == "done" else (),
                               causes=("health",) if status == "done" else ())  # fmt: skip
        visits.put(register, uuid.uuid5(uuid.NAMESPACE_OID, item.item_id).hex, content,
                   visible=everybody, actor="terminal", at=NOW, today=TODAY)  # fmt: skip
    quarter = chosen.calendar.quarter(row.quarter)
    plans.make(register, row.visit_list_id, quarter=quarter, rules=chosen.plan, by="Bu Ratna",
               actor="terminal", at=NOW, today=TODAY)  # fmt: skip
    with register.session() as session:
        found = plan_views.plan_of(session, everybody, row.visit_list_id)
    assert found is not None
    planned = f"/planned/{found.visits[0].planned_visit_id}"
    list_ = f"/lists/{row.visit_list_id}"
    richest = max(items, key=lambda one: sum(len(child.reasons) for child in one.students))
    return {
        "list": list_,
        "student": f"/students/{richest.students[0].student_id}",
        "visit": f"/visits/new?item={items[0].item_id}",
        "priority": f"{list_}/items/{items[0].item_id}/priority",
        "letter": f"{planned}/letter",
        "form": f"{planned}/form",
        "notice": f"{planned}/notice",
        "study": f"/impact/{studied(register, chosen)}",
    }


def studied(register: Register, chosen: district.District) -> str:
    """A registered study with the result of an invented district whose visits help."""
    study = Study("Kunjungan rumah 2026/2027", "Apakah kunjungan mengurangi hari tidak hadir?",
                  "2026-27-Q3", "2026-27-Q4", subgroups=("s",), limits=LIMITS)  # fmt: skip
    made = evidence.register_study(
        register, study, facts_until=None, first_day=date(2027, 1, 1), by="terminal", at=NOW
    )
    panel = run(LifeWorld(1.0), Plan(lottery=True), seed=1)
    found = analysis.analyse(panel, asdict(study), {"lists": 4, "broken": 0, "registered": True})
    origin = {"district": chosen.name, "study_sha256": study.sha256}
    evidence.keep_result(register, made.sha256, found | {"origin": origin}, by="terminal",
                         study_id=made.study_id, at=NOW)  # fmt: skip
    return made.study_id


def taken(served: Site, shot: Shot, out: Path) -> None:
    """Take the pictures of one page."""
    looks = (("a4", *SHEET, "light"),) if shot.paper else shot.looks
    for name, width, height, scheme in looks:
        context = served.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="en-GB" if shot.language == "en" else "id-ID",
            base_url=served.address,
        )
        if shot.role is not None:
            secret = session_of(served.world.register, shot.role)
            context.add_cookies([{"name": "ew_session", "value": secret, "url": served.address}])
        page = context.new_page()
        if shot.paper:
            page.emulate_media(media="print")
        answer = page.goto(shot.path)
        assert answer is not None
        assert answer.status == 200, (shot.path, answer.status)
        save(page, out / f"{shot.name}-{name}.png")
        context.close()


def session_of(register: Register, role: str) -> str:
    """A session of the demo's user of a role, second factor given."""
    with register.session(writing=True) as session:
        user = session.scalars(
            select(UserAccount.user_id)
            .where(UserAccount.role == role)
            .order_by(UserAccount.sign_in_name)
        ).first()
        assert user is not None, role
        opened = sessions.open_for(session, user, level=sessions.FULL, browser="pictures", at=NOW)
        session.commit()
    return opened.secret


def save(page: Page, path: Path) -> None:
    """A picture with few colours: a tenth of the bytes, no difference to the eye."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
