"""Sheets of a list as one HTML file that needs nothing else, for whoever prints at the terminal.

`python -m earlywarning_api.paper ORDER OUT` is started by `earlywarning print`: the same pages as
in the browser, of an installation that the environment names, read by the terminal as the list's
own coordinator would.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select

from earlywarning import district
from earlywarning.errors import ConfigError, EarlyWarningError, NotFound
from earlywarning.io.register import lists, plan_views, plans
from earlywarning.io.register.audit_log import TERMINAL
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import Student
from earlywarning.settings import Settings
from earlywarning_api import access
from earlywarning_api.app import create_app, now
from earlywarning_api.pages import assets, rendering
from earlywarning_api.pages.site import create_pages

OF_LIST = {"list": "/lists/{id}/print", "summary": "/lists/{id}/summary"}
OF_VISIT = {"letters": "letter", "forms": "form", "notices": "notice"}
WHAT = (*OF_LIST, *OF_VISIT)

_SHEET = re.compile(r'<article class="sheet".*?</article>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Order:
    """What to print.

    Attributes
    ----------
    visit_list_id : str
    what : str
        One of `WHAT`.
    language : str
    contact : bool
        Addresses and telephones too, on letters and forms.
    number : bool
        Give letters that have none their number first.
    by : str
        Who prints; stands on each sheet.
    """

    visit_list_id: str
    what: str
    language: str
    contact: bool
    number: bool
    by: str


def main() -> int:
    """Write the file; say in one line why it cannot be."""
    try:
        order = Order(**json.loads(sys.argv[1]))
        html = made(order, Settings())
    except EarlyWarningError as error:
        print(error, file=sys.stderr)
        return 1
    Path(sys.argv[2]).write_text(html, encoding="utf-8")
    return 0


def made(order: Order, settings: Settings) -> str:
    """The sheets as one file.

    Raises
    ------
    ConfigError
        If there is no such kind of sheet.
    NotFound
        If there is no such list, or it has no plan.
    """
    if order.what not in WHAT:
        raise ConfigError(f"--what is {order.what!r}; allowed: {', '.join(WHAT)}")
    chosen = district.load(settings.district_file)
    with open_register(settings.register_url, head_file=settings.audit_head) as register:
        (row,) = lists.find(register, [order.visit_list_id])
        app = create_app(
            register, language=order.language, timezone=chosen.timezone, requests_per_minute=0,
            protection=chosen.protection, planning=chosen.plan, calendar=chosen.calendar,
        )  # fmt: skip
        paths = _paths(order, register, app.state)
        pages = create_pages(app)
        person = access.Person(
            TERMINAL, "coordinator", row.school_id, None, name=order.by, at=now()
        )
        pages.dependency_overrides[access.signed_in] = lambda: person
        texts = asyncio.run(_fetched(pages, paths, order.language))
    return _joined(texts, order.language)


def _paths(order: Order, register: Any, state: Any) -> list[str]:
    if order.what in OF_LIST:
        return [OF_LIST[order.what].format(id=order.visit_list_id)]
    with register.session() as session:
        plan = plan_views.plan_of(session, select(Student.student_id), order.visit_list_id)
    if plan is None or not plan.visits:
        raise NotFound(
            f"list {order.visit_list_id} has no planned visit; plan it on its page, or with "
            "`earlywarning plan`"
        )
    open_ = [one for one in plan.visits if one.status == "planned"]
    at = now()
    if order.number and order.what == "letters":
        for one in open_:
            plans.letter(
                register, one.planned_visit_id, on=rendering.day_at(at, state.timezone),
                actor=TERMINAL, at=at,
            )  # fmt: skip
    query = "?contact=1" if order.contact and order.what != "notices" else ""
    return [f"/planned/{one.planned_visit_id}/{OF_VISIT[order.what]}{query}" for one in open_]


async def _fetched(pages: Any, paths: list[str], language: str) -> list[str]:
    """The pages, one after the other, from this process itself: no address, no port."""
    headers: Mapping[str, str] = {"Accept-Language": language}
    transport = httpx2.ASGITransport(app=pages)
    texts = []
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://paper", headers=headers
    ) as client:
        for path in paths:
            answer = await client.get(path)
            if answer.status_code != 200:
                raise NotFound(f"{path} answered {answer.status_code}")
            texts.append(answer.text)
    return texts


def _joined(texts: list[str], language: str) -> str:
    sheets = [found for text in texts for found in _SHEET.findall(text)]
    first = '<article class="sheet"'
    rest = '<article class="sheet newsheet"'
    body = "\n".join(
        sheet if place == 0 else sheet.replace(first, rest, 1) for place, sheet in enumerate(sheets)
    )
    style = assets.assets()["site.css"].body.decode()
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{len(sheets)}</title><style>{style}</style></head><body><main>\n{body}\n"
        "</main></body></html>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
