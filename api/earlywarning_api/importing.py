"""What routes and pages of imports share: what was sent, whose it is, what may be told of it."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from earlywarning.io.register import import_jobs as jobs
from earlywarning.io.register.import_jobs import Job
from earlywarning.io.sentences import HIDDEN, QUOTED
from earlywarning_api import access, import_schemas, recording
from earlywarning_api.import_desk import ANSWERS, MAPPING, MOST_FILES, Desk, Upload
from earlywarning_api.problems import Invalid, Refused

ANSWERABLE = frozenset({"school_year", "entry_date", "subject", "max_score", "blank", "coverage"})
"""What can be said without a mapping; for data staff `school_id` too."""

_OF_AN_ANSWER = re.compile(rf"(?<= ){re.escape(ANSWERS)}: row (\d+), column answer: ")
NO_NAMES = frozenset({"data_staff"})
"""Roles that are told where and why, but nothing that stands in a file."""


def desk(request: Request) -> Desk:
    """Where uploads are taken.

    Raises
    ------
    Refused
        503 if this service has none.
    """
    found = request.app.state.desk
    if found is None:
        raise Refused("no-imports")
    return found


async def take(request: Request, person: access.Person) -> Job:
    """Begin to read the files of a form.

    Raises
    ------
    HTTPException
        415 if it is no form with files, 507 if the disk is full.
    Invalid
        If there are none, too many, or an empty one.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(415)
    async with request.form(max_files=MOST_FILES + 1, max_fields=10) as form:
        sent = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        files = [Upload(one.filename or "", one.file) for one in sent if one.filename]
        if not files or len(files) > MOST_FILES:
            raise Invalid("/body/files", f"must be 1 to {MOST_FILES} files")
        if any(not one.size for one in sent if one.filename):
            raise Invalid("/body/files", "must not be empty files")
        mappings = [one for one in files if one.name.lower().endswith(MAPPING)]
        if len(mappings) > 1 or len(mappings) == len(files):
            raise Invalid("/body/files", "may have one mapping (.toml), beside the files it is for")
        at = desk(request)
        try:
            return await run_in_threadpool(
                at.take, files, school_id=person.school_id, actor=person.actor
            )
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise HTTPException(507) from None
            raise


def listed(request: Request, person: access.Person, *, limit: int = 50) -> list[Job]:
    """The newest uploads that somebody may see."""
    state = request.app.state
    if state.desk is not None:
        state.desk.settle_all()
    with state.register.session() as session:
        return jobs.listed(session, access.visible_imports(person).ids, limit=limit)


def found(request: Request, person: access.Person, import_id: str) -> Job:
    """One of them, as it stands now.

    Raises
    ------
    HTTPException
        404 if there is none, or not for this person.
    """
    state = request.app.state
    with state.register.session() as session:
        job = jobs.found(session, access.visible_imports(person).ids, import_id)
    if job is None:
        raise HTTPException(404)
    return job if state.desk is None else state.desk.settled(job)


def save(
    request: Request,
    person: access.Person,
    job: Job,
    answers: Mapping[str, str],
    *,
    unusual_is_right: bool,
) -> Job:
    """Save what was read.

    Raises
    ------
    Refused
        409 if something unusual was not confirmed.
    """
    at = desk(request)
    if _unusual(at, job) and not unusual_is_right:
        raise Refused("unusual")
    return at.save(job, answers, unusual_is_right=unusual_is_right, actor=person.actor)


def faults(request: Request, person: access.Person, job: Job) -> bytes:
    """The CSV file of all refused rows.

    Raises
    ------
    HTTPException
        404 if there is none; 403 for who may not read what stands in a file.
    """
    if person.role in NO_NAMES:
        raise HTTPException(403)
    at = request.app.state.desk
    content = None if at is None else at.faults(job.job_id)
    if content is None:
        raise HTTPException(404)
    _noted(request, person, job, "import.faults_read")
    return content


def view(request: Request, person: access.Person, job: Job) -> import_schemas.ImportView:
    """All that may be told of one."""
    at = request.app.state.desk
    report: dict[str, Any] = {} if at is None else at.report(job.job_id)
    saved: dict[str, Any] = {} if at is None else at.report(job.job_id, saved=True)
    newest = saved if job.status in (jobs.SAVING, jobs.FINISHED) else report
    shows = job.status in jobs.OPEN | jobs.RUNNING | {jobs.FINISHED, jobs.FAILED}
    if not shows:
        report, saved, newest = {}, {}, {}
    names = person.role not in NO_NAMES
    tell = _same if names else _masked
    if names and (report.get("faults") or report.get("people")):
        _noted(request, person, job, "import.read")
    known = ANSWERABLE if person.school_id else ANSWERABLE | {"school_id"}
    summary = {**job.summary, **newest} if newest else job.summary
    to_settle = report.get("people", []) if job.status == jobs.WAITING else []
    problem = "" if at is None else at.bare(job.job_id, _problem(job, report, saved))
    if names and at is not None:
        problem = _of_names(problem, at.answered(job.job_id), to_settle)
    return import_schemas.ImportView(
        **head(job).model_dump(),
        progress=newest.get("progress") if job.status in jobs.RUNNING else None,
        problem=tell(problem),
        understood=[_understood(one, tell) for one in report.get("files", [])],
        questions=[
            import_schemas.AskedFirst(
                key=one["key"], text=tell(one["text"]), answerable=one["key"] in known
            )
            for one in report.get("questions", [])
        ],
        said=dict(job.said),
        tables=summary.get("tables", []),
        reasons=summary.get("reasons", []),
        faults=[_fault(one, names=names) for one in report.get("faults", [])],
        faults_total=report.get("faults_total", 0),
        faults_file=names and bool(report.get("faults_total")),
        names=[_name(one) for one in to_settle] if names else [],
        names_total=report.get("people_total", 0) if job.status == jobs.WAITING else 0,
        unusual=[] if at is None or job.status != jobs.WAITING else _unusual(at, job),
        notes=[tell(one) for one in newest.get("notes", [])],
        delivered_on=summary.get("delivered_on"),
    )


def head(job: Job) -> import_schemas.ImportHead:
    """One upload, in a list of them."""
    return import_schemas.ImportHead.model_validate(
        {
            "import_id": job.job_id,
            "status": job.status,
            "made_at": job.made_at,
            "changed_at": job.changed_at,
            "files": [{"name": name, "bytes": size} for name, size in job.files],
        }
    )


def _problem(job: Job, report: Mapping[str, Any], saved: Mapping[str, Any]) -> str:
    """Why it cannot go on; what made a save stop is told while the upload waits again."""
    if job.status == jobs.REFUSED:
        return report.get("problem", "")
    if job.status == jobs.WAITING and saved.get("status") == "refused":
        return saved.get("problem", "")
    return ""


def _of_names(problem: str, keys: Sequence[str], people: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with answers, told of the names; nobody has seen their file."""
    shown = {one["key"]: one["name found"] for one in people}

    def named(found: re.Match[str]) -> str:
        place = int(found[1]) - 2
        key = keys[place] if 0 <= place < len(keys) else ""
        return f"{shown[key]}: " if shown.get(key) else found[0]

    return _OF_AN_ANSWER.sub(named, problem)


def _unusual(at: Desk, job: Job) -> list[str]:
    """What is unusual; told by the preview, or by a save that stopped because of it."""
    known = list(at.report(job.job_id).get("unusual", []))
    saved = at.report(job.job_id, saved=True)
    if not known and saved.get("status") == "unusual":
        lines = saved.get("problem", "").split("\n")
        known = [line.strip() for line in lines if line.startswith("  ")]
    return known


def _understood(one: Mapping[str, Any], tell: Any) -> import_schemas.UnderstoodFile:
    return import_schemas.UnderstoodFile(
        name=one["name"], layout=one["layout"], what=tell(one["what"]), tables=one["tables"],
        notes=[tell(note) for note in one["notes"]], problem=tell(one["problem"]),
    )  # fmt: skip


def _fault(one: Mapping[str, Any], *, names: bool) -> import_schemas.Fault:
    hidden = {} if names else {"found": None, "allowed": None}
    return import_schemas.Fault.model_validate({**one, **hidden})


def _name(one: Mapping[str, Any]) -> import_schemas.NameToSettle:
    return import_schemas.NameToSettle(
        key=one["key"], name=one["name found"] or "", class_name=one["class"],
        birth_date=one["birth date"], rows=one["rows"], proposed_student=one["proposed student"],
        proposed_name=one["proposed name"], proposed_class=one["proposed class"],
        how_sure=one["how sure"] or "",
    )  # fmt: skip


def _same(text: str) -> str:
    return text


def _masked(text: str) -> str:
    """A message without what it quotes from a file."""
    return QUOTED.sub(HIDDEN, text)


def _noted(request: Request, person: access.Person, job: Job, action: str) -> None:
    recording.read(request, person, action, entity="import_job", entity_id=job.job_id)


def said_of(values: import_schemas.Said) -> dict[str, str]:
    """Answers as the import takes them."""
    return {key: _plain(value) for key, value in values if value is not None}


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def answers_of(sent: Sequence[import_schemas.NameAnswer]) -> dict[str, str]:
    """Answers about names by key."""
    return {one.key: one.answer for one in sent}
