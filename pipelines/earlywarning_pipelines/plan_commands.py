"""The command that plans a quarter's visits, and its week view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy import select

from earlywarning.calendar import Quarter
from earlywarning.errors import NotFound
from earlywarning.io import wording
from earlywarning.io.register import audit_log, list_views, lists, plan_views, plans
from earlywarning.io.register.models import Student
from earlywarning.io.register.plan_views import PlannedRow, PlanRow
from earlywarning.visit_rules import Planning
from earlywarning.visits.weeks import opening
from earlywarning_pipelines.console import now, one_of, today, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home


def add_to(app: typer.Typer) -> None:
    """Let an application have this command."""
    app.command()(plan)


def plan(
    context: typer.Context,
    quarter: Annotated[str, typer.Argument(help="For example 2026-27-Q2.")],
    school: Annotated[str | None, typer.Option(help="School id [default: every school].")] = None,
    only_show: Annotated[
        bool, typer.Option("--show", help="Show the plan as it is; plan nothing.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who plans.")] = "command line",
    language: Annotated[
        str | None,
        typer.Option(
            callback=one_of("id", "en"), help="id or en [default: as district.toml says]."
        ),
    ] = None,
) -> None:
    """Plan the visits of the quarter's published lists, week by week; again, and again.

    What people set by hand stays as it is.
    """
    home: Home = context.obj
    with told():
        spoken = language or home.district.language
        for made in _published(home, quarter, school):
            if not only_show:
                plans.make(
                    home.register, made.visit_list_id,
                    quarter=home.district.calendar.quarter(quarter), rules=home.district.plan,
                    by=by, actor=audit_log.TERMINAL, at=now(),
                    today=today(home.district.timezone),
                )  # fmt: skip
            typer.echo(week_view(home.register, made, home.district.plan, spoken))


def _published(home: Home, code: str, school: str | None) -> list[lists.ListRow]:
    found: Quarter = home.district.calendar.quarter(code)
    rows = [
        row
        for row in lists.of_quarter(home.register, found.code, status=lists.PUBLISHED)
        if school is None or row.school_id == school
    ]
    if not rows:
        raise NotFound(f"no list of {code} is published; `earlywarning publish --quarter {code}`")
    return rows


def week_view(register: Any, made: lists.ListRow, rules: Planning, language: str) -> str:
    """A plan, week by week and teacher by teacher, then what could not be met."""
    with register.session() as session:
        found = plan_views.plan_of(session, select(Student.student_id), made.visit_list_id)
        staff = list_views.staff_names(session, made.school_id)
    if found is None:
        return f"{made.quarter} {made.school_id}: no plan yet; `earlywarning plan {made.quarter}`"
    lines = [f"{made.quarter} {made.school_id}: {len(found.visits)} visits"]
    lines += [f"  {wording.say(f'slot.{slot}', language)}: {_hours(slot, rules)}"
              for slot in rules.slots if opening(slot, rules)]  # fmt: skip
    for week, visits in groupby(found.visits, key=lambda one: one.goes_in):
        if week is None:
            lines += ["", wording.say("plan.no_week", language)]
        else:
            end = wording.in_words(week + timedelta(days=6), language)
            lines += ["", f"{wording.in_words(week, language)} – {end}"]
        lines += [_line(one, language) for one in sorted(visits, key=_by_teacher)]
    lines += _conflicts(found, staff, language)
    return "\n".join(lines)


def _hours(slot: str, rules: Planning) -> str:
    start, end = opening(slot, rules) or (0, 0)
    return f"{start // 60:02d}:{start % 60:02d}–{end // 60:02d}:{end % 60:02d}"


def _by_teacher(one: PlannedRow) -> tuple[str, int]:
    return one.lead_name or "", one.position or 0


def _line(one: PlannedRow, language: str) -> str:
    unknown = wording.say("name.unknown", language)
    names = ", ".join(name or unknown for _, name, _ in one.students)
    classes = ", ".join(dict.fromkeys(name for _, _, name in one.students if name))
    lead = one.lead_name or wording.say("lead.none", language)
    who = f"{lead} + {one.companion_name}" if one.companion_name else lead
    when = "" if one.slot is None else wording.say(f"slot.{one.slot}", language)
    if one.goes_on is not None:
        when = wording.in_words(one.goes_on, language)
    marks = "".join(
        [" *" if one.pinned else "", " (!)" if one.loosened else "",
         "" if one.status == "planned" else f" [{wording.say(f'planned.{one.status}', language)}]"]
    )  # fmt: skip
    place = f" · {one.village}" if one.village else ""
    return f"  {who}: {classes} {names} · {when}{place}{marks}"


def _conflicts(found: PlanRow, staff: Mapping[str, str], language: str) -> list[str]:
    families = {
        one.item_id: ", ".join(name or "?" for _, name, _ in one.students) for one in found.visits
    }
    lines = []
    for one in found.conflicts:
        who = families.get(one["whose"]) or staff.get(one["whose"], one["whose"])
        text = wording.say(f"conflict.{one['code']}", language)
        against = _wishes(one["against"], families, staff, language)
        if against:
            text += ". " + wording.say("conflict.against", language, wishes=against)
        lines.append(f"  (!) {who}: {text}")
    return ["", *lines] if lines else []


def _wishes(
    wishes: Sequence[Mapping[str, str]],
    families: Mapping[str, str],
    staff: Mapping[str, str],
    language: str,
) -> str:
    by_kind: dict[str, list[str]] = {}
    for wish in wishes:
        who = families.get(wish["whose"]) or staff.get(wish["whose"], wish["whose"])
        by_kind.setdefault(wish["kind"], []).append(who)
    return ", ".join(
        f"{wording.say(f'wish.{kind}', language)} ({'; '.join(who)})"
        for kind, who in by_kind.items()
    )
