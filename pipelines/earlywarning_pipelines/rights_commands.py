"""The commands for what families may ask: consent, a copy, correction, erasure; and breaches."""

from __future__ import annotations

import json
import os
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earlywarning.records import rights as codes
from earlywarning_pipelines.console import day_option, now, one_of, today, told

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from earlywarning.io.register.rights import RequestRow
    from earlywarning_pipelines.erasing import Erased
    from earlywarning_pipelines.home import Home

OVERDUE_EXIT = 4
"""Exit code when a request waits longer than the law allows."""

StudentName = Annotated[
    str, typer.Argument(metavar="STUDENT", help="The student's id, or the school's own number.")
]


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    requests = typer.Typer(help="What families ask for, and by when it must be answered.",
                           no_args_is_help=True)  # fmt: skip
    for command in (receive, decide):
        requests.command()(command)
    requests.command(name="list")(requests_list)
    app.add_typer(requests, name="requests")
    consent = typer.Typer(help="What guardians agreed to.", no_args_is_help=True)
    consent.command(name="add")(consent_add)
    consent.command(name="withdraw")(consent_withdraw)
    consent.command(name="list")(consent_list)
    app.add_typer(consent, name="consent")
    retention = typer.Typer(help="Erase whoever left long ago.", no_args_is_help=True)
    retention.command(name="run")(retention_run)
    app.add_typer(retention, name="retention")
    breach = typer.Typer(help="When data got into wrong hands.", no_args_is_help=True)
    breach.command(name="affected")(breach_affected)
    app.add_typer(breach, name="breach")
    for command in (copy, erase):
        app.command()(command)


def receive(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(callback=one_of(*codes.REQUESTS), help=" | ".join(codes.REQUESTS))
    ],
    student: Annotated[str | None, typer.Argument(help="Id or number; none for a breach.")] = None,
    made_by: Annotated[
        str, typer.Option("--from", callback=one_of(*codes.ASKERS), help=" | ".join(codes.ASKERS))
    ] = "guardian",
    received: Annotated[
        datetime | None, typer.Option(help="When they asked, in UTC [default: now].")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="For a rectification: full_name=…, birth_date=2013-05-17."),
    ] = None,
) -> None:
    """Record a request and start its clock of 3 × 24 hours."""
    from earlywarning.io.register import rights

    home: Home = context.obj
    with told(), home.register.session(writing=True) as session:
        made = rights.receive(
            session, kind=kind, made_by=made_by, by="terminal", at=now(), received_at=received,
            student_id=_student(session, student) if student else None, wanted=_changes(change),
        )  # fmt: skip
        session.commit()
    typer.echo(f"request {made.request_id}, to be answered by {made.due_at:%Y-%m-%d %H:%M} UTC")


def requests_list(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that were answered, too.")] = False,
) -> None:
    """Requests, the most urgent first; ends with 4 if one is overdue."""
    from earlywarning.io.register import rights

    home: Home = context.obj
    at = now()
    with told(), home.register.session() as session:
        rows = rights.requests(session, status=None if every else codes.OPEN)
    for row in rows:
        typer.secho(_told(row, at), fg="red" if row.overdue(at) else None)
    if not rows:
        typer.echo("no request waits for an answer")
    if any(row.overdue(at) for row in rows):
        raise typer.Exit(OVERDUE_EXIT)


def _told(row: RequestRow, at: datetime) -> str:
    left = row.due_at - at
    hours = f"{abs(left) // timedelta(hours=1)} h {'left' if left >= timedelta() else 'OVERDUE'}"
    state = hours if row.status == codes.OPEN else f"{row.status} {row.reason or ''}".strip()
    return (f"{row.request_id}  {row.kind:<14}  {row.student_id or '-':<32}  due "
            f"{row.due_at:%Y-%m-%d %H:%M}  {state}")  # fmt: skip


def decide(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(help="Id, as `requests list` prints it.")],
    status: Annotated[
        str, typer.Argument(callback=one_of(codes.DONE, codes.REFUSED), help="done | refused")
    ],
    reason: Annotated[
        str | None,
        typer.Option(callback=one_of(*codes.REFUSALS), help=" | ".join(codes.REFUSALS)),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before erasing.")] = False,
) -> None:
    """Answer a request; a granted correction or erasure is made at once."""
    from earlywarning.io.register import rights
    from earlywarning_pipelines import erasing

    home: Home = context.obj
    with told():
        with home.register.session() as session:
            asked = rights.found_request(session, request_id)
        erased = None
        if (asked.kind, asked.status, status) == (codes.ERASURE, codes.OPEN, codes.DONE):
            student_id = str(asked.student_id)
            if not yes:
                typer.confirm(f"Erase student {student_id} from everything, for ever?", abort=True)
            if _is_there(home, student_id):
                erased = erasing.run(home, [student_id], by="terminal", at=now())
        with home.register.session(writing=True) as session:
            row = rights.decide(
                session, request_id, status=status, reason=reason, by="terminal", at=now()
            )
            session.commit()
    typer.echo(f"{row.kind}: {row.status}")
    if erased is not None:
        _tell_erased(erased)


def consent_add(
    context: typer.Context,
    student: StudentName,
    purpose: Annotated[
        str, typer.Argument(callback=one_of(*codes.PURPOSES), help=" | ".join(codes.PURPOSES))
    ],
    given_by: Annotated[
        str,
        typer.Option("--from", callback=one_of(*codes.GUARDIANS), help=" | ".join(codes.GUARDIANS)),
    ],
    evidence: Annotated[str, typer.Option(help="Where the signed form is; no name.")],
    given_on: Annotated[date | None, day_option("When it was given [default: today].")] = None,
) -> None:
    """Record a guardian's agreement to one purpose."""
    from earlywarning.io.register import rights

    home: Home = context.obj
    with told(), home.register.session(writing=True) as session:
        made = rights.add_consent(
            session, student_id=_student(session, student), purpose=purpose, given_by=given_by,
            given_on=given_on or today(home.district.timezone), evidence=evidence, by="terminal",
            at=now(),
        )  # fmt: skip
        session.commit()
    typer.echo(f"consent {made}")


def consent_withdraw(
    context: typer.Context, consent_id: Annotated[str, typer.Argument(help="As `list` prints it.")]
) -> None:
    """Record that an agreement was taken back."""
    from earlywarning.io.register import rights

    home: Home = context.obj
    with told(), home.register.session(writing=True) as session:
        rights.withdraw_consent(session, consent_id, by="terminal", at=now())
        session.commit()
    typer.echo(f"withdrawn: {consent_id}")


def consent_list(context: typer.Context, student: StudentName) -> None:
    """What was agreed to about a student, and what was objected to."""
    from earlywarning.io.register import rights

    home: Home = context.obj
    with told(), home.register.session() as session:
        student_id = _student(session, student)
        agreed, objected = (rights.consents(session, student_id),
                            rights.objections(session, student_id))  # fmt: skip
    for one in agreed:
        state = f"withdrawn {one.withdrawn_at:%Y-%m-%d}" if one.withdrawn_at else "stands"
        typer.echo(f"{one.consent_id}  {one.purpose:<10}  {one.given_by:<8}  {one.given_on}  "
                   f"{state}  {one.evidence}")  # fmt: skip
    for other in objected:
        state = f"ended {other.lifted_at:%Y-%m-%d}" if other.lifted_at else "stands"
        typer.echo(f"{other.objection_id}  {other.kind:<10}  {'':<8}  {other.made_on}  {state}")
    if not agreed and not objected:
        typer.echo("nothing is on record")


def copy(
    context: typer.Context,
    student: StudentName,
    folder: Annotated[Path, typer.Argument(help="Where to; two files, for their reader alone.")],
) -> None:
    """Write all that is kept about one student, to be handed to the family (JSON and text)."""
    from earlywarning.io.register import person_copy
    from earlywarning.io.register.audit_log import TERMINAL, record
    from earlywarning_pipelines import facts_copy

    home: Home = context.obj
    with told():
        with home.register.session(writing=True) as session:
            student_id = _student(session, student)
            document: dict[str, Any] = {
                **person_copy.register_copy(session, student_id),
                **facts_copy.facts_copy(home.store, home.register.current_snapshot(), student_id),
            }
            record(session, actor=TERMINAL, action="student.copied", entity="student",
                   entity_id=student_id, at=now())  # fmt: skip
            session.commit()
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, ensure_ascii=False, indent=1)
        for name, content in (("copy.json", text), ("copy.txt", person_copy.readable(document))):
            private(folder / name, content)
    typer.echo(f"wrote copy.json and copy.txt to {folder}; check them, hand them over, delete them")


def erase(
    context: typer.Context,
    students: Annotated[list[str], typer.Argument(help="Ids, or the school's own numbers.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase students from everything: register, facts, and what the disk remembers."""
    from earlywarning_pipelines import erasing

    home: Home = context.obj
    with told():
        with home.register.session() as session:
            ids = [_student(session, one) for one in students]
        if not yes:
            named = ", ".join(students)
            typer.confirm(f"Erase {named} from everything, for ever?", abort=True)
        _tell_erased(erasing.run(home, ids, by="terminal", at=now()))


def retention_run(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say who is due; change nothing.")
    ] = False,
    months: Annotated[
        int, typer.Option(min=0, max=240, help="Kept for so long after the last day at school.")
    ] = 12,
) -> None:
    """Erase who left that long ago, and empty expired exports. For a job each night."""
    from earlywarning_pipelines import retaining

    home: Home = context.obj
    with told():
        found = retaining.due(home, today=today(home.district.timezone), at=now(), months=months)
        typer.echo(f"{len(found.students)} students left more than {months} months ago, "
                   f"{found.exports} exported files have expired")  # fmt: skip
        if found.unknown:
            typer.echo(f"{found.unknown} students have neither a class nor a last day: they stay; "
                       "look at them")  # fmt: skip
        if dry_run:
            for student_id in found.students:
                typer.echo(student_id)
            typer.echo("nothing was changed; without --dry-run they are erased, "
                       "which cannot be undone")  # fmt: skip
            return
        _tell_erased(retaining.run(home, found, by="job", at=now()))


def breach_affected(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV to write; it holds names and telephones.")],
    actor: Annotated[
        str | None, typer.Option(help="Whose access was misused: only what they read.")
    ] = None,
    since: Annotated[date | None, day_option("From this day on (UTC).")] = None,
    until: Annotated[date | None, day_option("Up to and with this day (UTC).")] = None,
) -> None:
    """Write whom to notify: everybody, or whoever one account read in some days."""
    from earlywarning.io.register import affected
    from earlywarning.io.register.audit_log import TERMINAL, record

    home: Home = context.obj
    with told():
        with home.register.session(writing=True) as session:
            content, count = affected.listed(
                session,
                actor=actor,
                since=datetime.combine(since, time()) if since else None,
                until=datetime.combine(until + timedelta(days=1), time()) if until else None,
            )
            record(session, actor=TERMINAL, action="breach.listed", entity="installation",
                   entity_id="breach", detail={"students": count}, at=now())  # fmt: skip
            session.commit()
        private(file, content.decode())
    typer.echo(f"wrote {count} students to {file}; docs/administrator.md says what comes next")


def private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
        out.write(text)


def _tell_erased(erased: Erased) -> None:
    typer.echo(
        f"erased {erased.students} students; {len(erased.snapshots)} snapshots of facts were "
        "written anew"
    )
    for path in erased.removed:
        typer.echo(f"removed {path}, which quoted a school's file")
    for path in erased.remaining:
        typer.secho(f"{path} still holds a name: edit or remove it", fg="yellow", err=True)
    if not erased.forgotten:
        typer.secho(
            "the register's file could not be rewritten while somebody reads it: freed space may "
            "still hold names; `earlywarning retention run` at a quiet hour rewrites it",
            fg="yellow",
            err=True,
        )
    if erased.students:
        typer.echo("backups still hold them until they expire: keep none longer than 35 days")


def _student(session: Session, text: str) -> str:
    from earlywarning.io.register.people import student_id_of

    return student_id_of(session, text)


def _is_there(home: Home, student_id: str) -> bool:
    from earlywarning.io.register.models import Student

    with home.register.session() as session:
        return session.get(Student, student_id) is not None


def _changes(texts: list[str] | None) -> dict[str, str] | None:
    if not texts:
        return None
    pairs = [text.partition("=") for text in texts]
    for field, equals, _ in pairs:
        if not equals:
            raise typer.BadParameter(f"{field!r}: write it like full_name=Siti Contoh")
    return {field: value for field, _, value in pairs}
