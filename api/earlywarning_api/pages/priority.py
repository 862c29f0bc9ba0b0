"""Changing a family's place: what, why, until when; taking it back; and whose change won."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from starlette.responses import Response

from earlywarning.errors import DataError
from earlywarning.io.register import families, list_views, names, overrides
from earlywarning.io.register.families import Stale
from earlywarning.io.register.overrides import OverrideContent, OverrideRow
from earlywarning.visits import overriding
from earlywarning_api import access, recording
from earlywarning_api.pages import forms, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Decider = Annotated[access.Person, Depends(visitor.may("overrides"))]
ListId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]
ItemId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]
SentForm = Annotated[Sent, Depends(forms.sent)]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may be decided, and why."""

    action: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PriorityPage:
    """The form, what holds now, and who decided it.

    Attributes
    ----------
    fault : str or None
        `stale`: somebody decided first; what they decided stands in `now`.
    """

    visit_list_id: str
    item_id: str
    children: tuple[str, ...]
    back: str
    now: OverrideRow
    decided_by: str | None
    decided_at: datetime | None
    choices: tuple[Choice, ...]
    sent: Sent
    fault: str | None
    saved: bool


@router.get("/lists/{visit_list_id}/items/{item_id}/priority")
def form(
    request: Request, person: Decider, visit_list_id: ListId, item_id: ItemId, saved: str = ""
) -> Response:
    """What holds, and the form to decide."""
    return _page(request, person, visit_list_id, item_id, Sent(), saved=bool(saved))


@router.post("/lists/{visit_list_id}/items/{item_id}/priority")
def decide(
    request: Request, person: Decider, visit_list_id: ListId, item_id: ItemId, sent: SentForm
) -> Response:
    """Decide, or take a decision back; whoever read an older state is shown the newer one."""
    now = recording.now(request)
    register, visible = request.app.state.register, access.visible_students(person).ids
    revision = int(sent.text("revision")) if sent.text("revision").isdigit() else -1
    who = {"actor": person.actor, "at": now.at, "lead": access.only_lead(person)}
    fault, status = None, 422
    try:
        if sent.text("undo"):
            overrides.withdraw(
                register, visit_list_id, item_id, visible=visible, revision=revision, **who
            )
            return _saved(visit_list_id, item_id)
        content = _content(sent)
        if content is not None:
            overrides.put(
                register, visit_list_id, item_id, content, visible=visible, revision=revision,
                today=now.today, **who,
            )  # fmt: skip
            return _saved(visit_list_id, item_id)
    except Stale:
        fault, status = "stale", 412
    except DataError as error:
        name = str(error).partition(":")[0]
        sent.faults["choice" if name in ("action", "reason_code") else name] = (
            "note" if name == "note" else "ahead" if name == "expires_on" else "choose"
        )
    return _page(request, person, visit_list_id, item_id, sent, fault=fault, status=status)


def _saved(visit_list_id: str, item_id: str) -> Response:
    return rendering.see_other(f"/lists/{visit_list_id}/items/{item_id}/priority?saved=1")


def _content(sent: Sent) -> OverrideContent | None:
    offered = [f"{action}:{code}" for action, codes in overriding.REASONS.items() for code in codes]
    action, _, reason = sent.one_of("choice", offered).partition(":")
    note = sent.optional("note", most=500)
    until = sent.day("expires_on", needed=False)
    return None if sent.faults else OverrideContent(action, reason, note, until)


def _page(
    request: Request,
    person: access.Person,
    visit_list_id: str,
    item_id: str,
    sent: Sent,
    *,
    fault: str | None = None,
    saved: bool = False,
    status: int = 200,
) -> Response:
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        now = overrides.current(
            session, visible, visit_list_id, item_id, lead=access.only_lead(person)
        )
        family = families.find(session, visible, item_id=item_id)
        seen = families.children_seen(session, visible, family.household_key)
        found = [list_views.person(session, visible, one) for one in seen]
        by = names.of(session, now.made_by)
    if not seen:
        raise HTTPException(404)
    recording.read(
        request, person, "override.read", entity="visit_list_item", entity_id=item_id,
        detail={"students": seen},
    )  # fmt: skip
    listed = now.original_position is not None
    view = PriorityPage(
        visit_list_id=visit_list_id,
        item_id=item_id,
        children=tuple(one.full_name for one in found if one is not None),
        back=f"/students/{seen[0]}",
        now=now,
        decided_by=by,
        decided_at=now.made_at,
        choices=tuple(
            Choice(action, codes)
            for action, codes in overriding.REASONS.items()
            if overriding.fits(action, listed=listed)
        ),
        sent=sent,
        fault=fault,
        saved=saved,
    )
    return rendering.page(request, "priority.html", view, person=person, status=status)
