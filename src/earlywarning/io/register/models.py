"""Tables of the register: people, what was delivered, the models in service, the lists, the tokens.

Times are UTC without zone. Rows that name a student of the facts use the same random `student_id`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Constraint names are fixed, so that migrations can drop them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class School(Base):
    """One school; `school_id` is its public number (NPSN) or the source's own."""

    __tablename__ = "school"
    school_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]


class Staff(Base):
    """A teacher or other member of staff; `local_id` is the school's own number."""

    __tablename__ = "staff"
    __table_args__ = (UniqueConstraint("school_id", "local_id"),)
    staff_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    local_id: Mapped[str]
    name: Mapped[str]
    sex: Mapped[str | None] = mapped_column(String(8))
    role: Mapped[str | None] = mapped_column(String(32))
    max_visits: Mapped[int | None]
    companion_preference: Mapped[str | None] = mapped_column(String(32))


class ClassGroup(Base):
    """A class of one school year. `class_id` is `school/year/name` and is no secret."""

    __tablename__ = "class_group"
    class_id: Mapped[str] = mapped_column(String(160), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    school_year: Mapped[str] = mapped_column(String(7))
    name: Mapped[str]
    grade_level: Mapped[int | None]
    homeroom_staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.staff_id"))


class Household(Base):
    """Who is visited together. `local_key` is the school's key or a keyed hash, never a number
    of an identity document."""

    __tablename__ = "household"
    __table_args__ = (UniqueConstraint("school_id", "local_key"),)
    household_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    local_key: Mapped[str]
    village: Mapped[str | None]
    do_not_visit: Mapped[bool] = mapped_column(default=False)


class Student(Base):
    """A student's name and numbers: the only place where they stand beside `student_id`."""

    __tablename__ = "student"
    __table_args__ = (UniqueConstraint("school_id", "local_id"),)
    student_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    local_id: Mapped[str]
    national_id: Mapped[str | None] = mapped_column(String(32), index=True)
    full_name: Mapped[str]
    sex: Mapped[str | None] = mapped_column(String(8))
    birth_date: Mapped[date | None]
    status: Mapped[str | None] = mapped_column(String(32))
    household_id: Mapped[str | None] = mapped_column(
        ForeignKey("household.household_id"), index=True
    )
    class_id: Mapped[str | None] = mapped_column(ForeignKey("class_group.class_id"), index=True)


class Guardian(Base):
    """A parent or guardian of one student, and when they can be met."""

    __tablename__ = "guardian"
    __table_args__ = (UniqueConstraint("student_id", "relation"),)
    guardian_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    student_id: Mapped[str] = mapped_column(
        ForeignKey("student.student_id", ondelete="CASCADE"), index=True
    )
    relation: Mapped[str] = mapped_column(String(32))
    full_name: Mapped[str | None]
    sex: Mapped[str | None] = mapped_column(String(8))
    phone: Mapped[str | None]
    vital: Mapped[str | None] = mapped_column(String(16))
    available: Mapped[str | None]
    lives_with: Mapped[bool | None]


class BehaviourType(Base):
    """One entry of a school's catalogue of offences and merits, for logs that give only its code.

    `centipoints` are hundredths of the school's points, merits negative, as in the facts.
    """

    __tablename__ = "behaviour_type"
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), primary_key=True)
    type_code: Mapped[str] = mapped_column(String(500), primary_key=True)
    name: Mapped[str | None]
    centipoints: Mapped[int | None]
    polarity: Mapped[str | None] = mapped_column(String(16))
    severity: Mapped[str | None] = mapped_column(String(16))
    is_attendance_related: Mapped[bool | None]


class PersonMatch(Base):
    """Whose a name in a source's files is, as a person has said. It goes with the student.

    `label` is the name as `records.names.normal` writes it, `class_key` the class as
    `class_names.ClassName.key`, `birth` a date as text; both are empty where the file has none.
    """

    __tablename__ = "person_match"
    source: Mapped[str] = mapped_column(primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    class_key: Mapped[str] = mapped_column(String(160), primary_key=True)
    birth: Mapped[str] = mapped_column(String(10), primary_key=True)
    student_id: Mapped[str] = mapped_column(
        ForeignKey("student.student_id", ondelete="CASCADE"), index=True
    )
    confirmed_at: Mapped[datetime]


class CalendarDay(Base):
    """What one day is at a school; absences of a later delivery are counted against it."""

    __tablename__ = "calendar_day"
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))


class InstallationKey(Base):
    """A secret of this installation, made once: it hides numbers that would lead back to a child.

    Whoever has it can also read the names beside it, so it needs no better place.
    """

    __tablename__ = "installation_key"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class FactsSnapshot(Base):
    """A snapshot of the facts. Exactly one is current; that row is the switch."""

    __tablename__ = "facts_snapshot"
    __table_args__ = (
        Index("uq_facts_snapshot_current", "is_current", unique=True,
              sqlite_where=text("is_current"), postgresql_where=text("is_current")),
    )  # fmt: skip
    snapshot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    made_at: Mapped[datetime]
    is_current: Mapped[bool] = mapped_column(default=False)
    rows: Mapped[dict[str, Any]]


class ImportBatch(Base):
    """One import: which files, by which mapping, delivered when, and what came of it."""

    __tablename__ = "import_batch"
    import_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    source: Mapped[str] = mapped_column(index=True)
    delivered_on: Mapped[date]
    finished_at: Mapped[datetime]
    mapping_hash: Mapped[str] = mapped_column(String(64))
    files: Mapped[list[Any]]
    counts: Mapped[dict[str, Any]]
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("facts_snapshot.snapshot_id"))


class ModelVersion(Base):
    """A trained model of one outcome, its hash, and whether it serves.

    The hash here is what an artifact must match before it is opened; MLflow is only the catalogue.
    """

    __tablename__ = "model_version"
    __table_args__ = (
        Index("uq_model_version_champion", "outcome", unique=True,
              sqlite_where=text("is_champion"), postgresql_where=text("is_champion")),
        UniqueConstraint("outcome", "version"),
    )  # fmt: skip
    model_version_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    estimator: Mapped[str] = mapped_column(String(32))
    is_champion: Mapped[bool] = mapped_column(default=False)
    run_id: Mapped[str] = mapped_column(String(64))
    artifact_uri: Mapped[str]
    artifact_sha256: Mapped[str] = mapped_column(String(64))
    snapshot_id: Mapped[str] = mapped_column(String(64))
    trained_at: Mapped[datetime]
    report: Mapped[dict[str, Any]]


class ModelSignature(Base):
    """The installation's signature on a model's manifest; the key's public part is beside it."""

    __tablename__ = "model_signature"
    model_version_id: Mapped[str] = mapped_column(
        ForeignKey("model_version.model_version_id"), primary_key=True
    )
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)


class ModelEvent(Base):
    """What happened to a model: trained, promoted, rolled back to, refused. Rows are only added.

    `from_version_id` is what served before. `gates` is what was judged, as it was then.
    """

    __tablename__ = "model_event"
    event_id: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(String(32), index=True)
    action: Mapped[str] = mapped_column(String(16))
    model_version_id: Mapped[str] = mapped_column(ForeignKey("model_version.model_version_id"))
    from_version_id: Mapped[str | None] = mapped_column(
        ForeignKey("model_version.model_version_id")
    )
    made_by: Mapped[str]
    reason: Mapped[str]
    override: Mapped[bool]
    gates: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class MonitorCheck(Base):
    """One check of one look at the data and the ranking; see `risk.watch.checks.Check`.

    All checks of a look have the same `at`; `place` is their order. Rows are only added.
    """

    __tablename__ = "monitor_check"
    __table_args__ = (CheckConstraint("status in ('ok', 'look', 'act')", name="status"),)
    check_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    place: Mapped[int]
    quarter: Mapped[str] = mapped_column(String(10))
    outcome: Mapped[str | None] = mapped_column(String(32))
    code: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str | None] = mapped_column(String(200))
    value: Mapped[float | None] = mapped_column(Double)
    limit: Mapped[float | None] = mapped_column(Double)
    status: Mapped[str] = mapped_column(String(8))


class VisitList(Base):
    """One quarter's list of one school: draft, then published and frozen.

    `frozen` is the canonical JSON of all that cannot be computed again; `frozen_sha256` its hash.
    """

    __tablename__ = "visit_list"
    __table_args__ = (
        UniqueConstraint("school_id", "quarter", "revision"),
        Index("uq_visit_list_published", "school_id", "quarter", unique=True,
              sqlite_where=text("status = 'published'"),
              postgresql_where=text("status = 'published'")),
        CheckConstraint("status in ('draft', 'published', 'withdrawn')", name="status"),
    )  # fmt: skip
    visit_list_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    quarter: Mapped[str] = mapped_column(String(10))
    revision: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(16))
    as_of_date: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None]
    snapshot_id: Mapped[str] = mapped_column(String(64))
    seed: Mapped[int]
    header: Mapped[dict[str, Any]]
    frozen: Mapped[bytes] = mapped_column(LargeBinary)
    frozen_sha256: Mapped[str] = mapped_column(String(64))
    items: Mapped[list[VisitListItem]] = relationship(
        back_populates="visit_list", cascade="all, delete-orphan", passive_deletes=True
    )


class VisitListItem(Base):
    """One household of a list, to be visited or not.

    `position` is its place on the list, 1 first; null for a household that was ranked, not listed.
    """

    __tablename__ = "visit_list_item"
    __table_args__ = (
        UniqueConstraint("visit_list_id", "household_key"),
        Index("ix_visit_list_item_page", "visit_list_id", "position"),
        Index("ix_visit_list_item_class", "visit_list_id", "class_id", "position"),
    )
    item_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    visit_list_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list.visit_list_id", ondelete="CASCADE")
    )
    household_key: Mapped[str] = mapped_column(String(64))
    household_id: Mapped[str | None] = mapped_column(String(32))
    lead_staff_id: Mapped[str | None] = mapped_column(String(32))
    class_id: Mapped[str | None] = mapped_column(String(160))
    position: Mapped[int | None]
    track: Mapped[str | None] = mapped_column(String(16))
    band: Mapped[str] = mapped_column(String(16))
    visit_list: Mapped[VisitList] = relationship(back_populates="items")
    students: Mapped[list[VisitListStudent]] = relationship(
        back_populates="item", cascade="all, delete-orphan", passive_deletes=True
    )


class VisitListStudent(Base):
    """A child of a listed household, with the reasons (codes and numbers) and data completeness.

    `reasons` are JSON's `null` where they were not written down; see `visit_rules.Visits`.
    """

    __tablename__ = "visit_list_student"
    item_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list_item.item_id", ondelete="CASCADE"), primary_key=True
    )
    student_id: Mapped[str] = mapped_column(String(32), primary_key=True, index=True)
    class_id: Mapped[str | None] = mapped_column(String(160), index=True)
    reasons: Mapped[list[Any] | None] = mapped_column(nullable=False)
    completeness: Mapped[dict[str, Any]]
    item: Mapped[VisitListItem] = relationship(back_populates="students")


class ApiToken(Base):
    """A bearer token: only its SHA-256 is kept. What it may see is its role and, for a homeroom
    teacher, the member of staff it belongs to."""

    __tablename__ = "api_token"
    token_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str]
    role: Mapped[str] = mapped_column(String(32))
    school_id: Mapped[str | None] = mapped_column(ForeignKey("school.school_id"))
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.staff_id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
