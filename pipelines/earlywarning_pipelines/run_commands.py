"""The command for timers: a quarter's work in one go, and the notice that it leaves."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning.io import wording
from earlywarning.risk.watch.checks import ACT, LOOK
from earlywarning_pipelines.console import (
    ACT_EXIT,
    MISSING_EXIT,
    REFUSED_EXIT,
    day_option,
    now,
    one_of,
    today,
    told,
)

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home
    from earlywarning_pipelines.missing import Missing
    from earlywarning_pipelines.run_quarter import Ran

MOST = 20
"""Missing things and lists that a notice names; of the others it gives the number."""

run_app = typer.Typer(help="Work in one go, for timers.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    app.add_typer(run_app, name="run")


@run_app.callback()
def several() -> None:
    """Work in one go, for timers."""


def notice(ran: Ran, *, language: str, address: str = "") -> str:
    """What a coordinator should know of a run; no child, no family.

    Parameters
    ----------
    ran : Ran
    language : str
    address : str
        Where the service is found; left out if empty.
    """

    def say(code: str, **numbers: object) -> str:
        return wording.say(f"run.{code}", language, **numbers)

    held = [one for one in ran.missing if one.holds_back]
    title = "held_back" if ran.held_back else "draft_ready"
    if ran.lists and all(one["status"] == "published" for one in ran.lists):
        title = "published"
    lines = [say(title, quarter=ran.quarter)]
    for one in ran.lists[:MOST]:
        about = {name: one[name] for name in ("school_id", "listed", "families")}
        status = wording.say(f"status.{one['status']}", language)
        lines.append(f"{say('list', **about)} ({status})")
    lines += _more(len(ran.lists), language)
    lines += [_missing(one, language) for one in ran.missing[:MOST]]
    lines += _more(len(ran.missing), language)
    lines += [
        say("refused", outcome=wording.say(f"outcome.{one}", language)) for one in ran.refused
    ]
    if ran.checks:
        lines.append(
            say("watched", checks=sum(ran.checks.values()), look=ran.checks[LOOK],
                act=ran.checks[ACT])
        )  # fmt: skip
    if held and ran.held_back:
        lines.append("→ " + say("bring"))
    elif title == "draft_ready":
        lines.append("→ " + say("act" if ran.must_act else "look"))
    if address and ran.lists:
        lines.append(address)
    return "\n".join(lines)


def _missing(one: Missing, language: str) -> str:
    return wording.say(
        f"run.{one.code}",
        language,
        school_id=one.school_id,
        newest=one.newest,
        class_name=one.class_name,
    )


def _more(number: int, language: str) -> list[str]:
    more = number - MOST
    return [wording.say("run.more", language, more=more)] if more > 0 else []


@run_app.command()
def quarter(
    context: typer.Context,
    quarter: Annotated[
        str, typer.Argument(help="For example 2026-27-Q2; `current` for the running one.")
    ] = "current",
    named: Annotated[
        str | None, typer.Option("--quarter", help="The same, as other commands take it.")
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Make the list although records are missing.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Settles ties and lots; it is stored.")] = 1,
    by: Annotated[str, typer.Option(help="Who makes the drafts.")] = "timer",
    language: Annotated[
        str | None,
        typer.Option(
            callback=one_of("id", "en"), help="id or en [default: as district.toml says]."
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for another run to end.")] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing if there was nothing left to do.")
    ] = False,
    as_of: Annotated[date | None, day_option("Run as on this day [default: today].")] = None,
) -> None:
    """Check the records, watch, draft the lists and leave a notice; publishes nothing."""
    from earlywarning_pipelines import printing, run_quarter

    home: Home = context.obj
    with told(), printing.progress_bar() as progress:
        spoken = language or home.district.language
        ran = run_quarter.run(
            home,
            quarter=named or quarter,
            today=as_of or today(home.district.timezone),
            at=now(),
            by=by,
            seed=seed,
            go_on=go_on,
            words=lambda found: notice(found, language=spoken, address=home.settings.public_url),
            wait_seconds=wait,
            progress=progress,
        )
    if ran.steps or not quiet:
        typer.echo(notice(ran, language=spoken, address=home.settings.public_url))
    if code := exit_code(ran):
        raise typer.Exit(code)


def exit_code(ran: Ran) -> int:
    """What a timer learns of a run; docs/administrator.md lists them."""
    if ran.held_back:
        return MISSING_EXIT
    if ran.refused:
        return REFUSED_EXIT
    return ACT_EXIT if ran.must_act else 0
