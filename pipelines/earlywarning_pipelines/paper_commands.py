"""The command that prints sheets: a list, its letters, forms, notices and summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import one_of, told
from earlywarning_pipelines.printing_sheets import WHAT

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home


def add_to(app: typer.Typer) -> None:
    """Let an application have this command."""
    app.command(name="print")(print_)


def print_(
    context: typer.Context,
    visit_list_id: Annotated[str, typer.Argument(help="Id of a list, as `lists` prints it.")],
    what: Annotated[
        str,
        typer.Option(
            callback=one_of(*WHAT),
            help="list; summary, in counts for the principal; letters of assignment; forms to "
            "take along; notices to the parents.",
        ),
    ] = "list",
    out: Annotated[
        Path | None,
        typer.Option(help="A .pdf, or an .html to print from any browser [default: WHAT.pdf]."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            callback=one_of("id", "en"), help="id or en [default: as district.toml says]."
        ),
    ] = None,
    contact: Annotated[
        bool, typer.Option("--contact", help="Addresses and telephones too, on letters and forms.")
    ] = False,
    number: Annotated[
        bool, typer.Option("--number", help="Give letters without a number their number first.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who prints; stands on each sheet.")] = "command line",
) -> None:
    """Print a list, or the sheets of its planned visits, on A4; it is on record."""
    from earlywarning_pipelines import printing_sheets

    home: Home = context.obj
    with told():
        home.require()
        path = out or Path(f"{what}.pdf")
        order = {
            "visit_list_id": visit_list_id, "what": what, "contact": contact, "number": number,
            "by": by, "language": language or home.district.language,
        }  # fmt: skip
        printing_sheets.run(order, home=home.settings.home, out=path)
    typer.echo(f"wrote {path}; destroy it after use")
