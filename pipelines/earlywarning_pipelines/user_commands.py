"""Commands about who may come in: people, and tokens for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import now, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home

user_app = typer.Typer(help="People who may sign in.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens of the API.", no_args_is_help=True)

ROLES_HELP = (
    "admin, coordinator, homeroom_teacher, counsellor, principal, data_staff or researcher."
)
Who = Annotated[str, typer.Argument(help="Sign-in name, as `user list` prints it.")]
Role = Annotated[str, typer.Option(help=ROLES_HELP)]
SchoolId = Annotated[str | None, typer.Option(help="School id.")]
StaffNumber = Annotated[
    str | None, typer.Option(help="The school's own number of a homeroom teacher.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(user_app, name="user")
    app.add_typer(token_app, name="token")


@user_app.command(name="list")
def user_list(context: typer.Context) -> None:
    """Who may sign in, and how far they got."""
    from earlywarning_pipelines import printing_users

    home: Home = context.obj
    with told():
        typer.echo(printing_users.users_table(home.register))


@user_app.command(name="invite")
def user_invite(
    context: typer.Context,
    role: Role,
    email: Annotated[str, typer.Option(help="E-mail address or name to sign in with.")],
    name: Annotated[str | None, typer.Option(help="As pages show it [default: --email].")] = None,
    school: SchoolId = None,
    staff: StaffNumber = None,
) -> None:
    """Make an account and print the link with which its owner takes it up: 7 days, once."""
    from earlywarning.io.register import accounts

    home: Home = context.obj
    with told():
        new = accounts.NewUser(email, name or email, role, school, staff)
        _, link = accounts.invite(home.register, new, by="terminal", at=now())
    _print_link(home, "activate", link.secret)


@user_app.command(name="disable")
def user_disable(
    context: typer.Context,
    who: Who,
    enable: Annotated[bool, typer.Option("--enable", help="Let them in again.")] = False,
) -> None:
    """Let somebody no longer in, at once."""
    from earlywarning.io.register import user_admin

    home: Home = context.obj
    with told():
        user = user_admin.by_name(home.register, who)
        user_admin.set_disabled(home.register, user.user_id, not enable, by="terminal", at=now())
    typer.echo(f"{'enabled' if enable else 'disabled'} {user.sign_in_name}")


@user_app.command(name="role")
def user_role(
    context: typer.Context,
    who: Who,
    role: Role,
    school: SchoolId = None,
    staff: StaffNumber = None,
) -> None:
    """Give somebody another role; their sessions end."""
    from earlywarning.io.register import user_admin

    home: Home = context.obj
    with told():
        user = user_admin.by_name(home.register, who)
        user_admin.change_role(
            home.register, user.user_id, role, by="terminal", at=now(), school_id=school,
            staff_number=staff,
        )  # fmt: skip
    typer.echo(f"{user.sign_in_name} is {role} from the next sign-in")


@user_app.command(name="reset-password")
def user_reset_password(context: typer.Context, who: Who) -> None:
    """Print a link with which somebody chooses another password: 10 minutes, once."""
    from earlywarning.io.register import password_changes, user_admin

    home: Home = context.obj
    with told():
        user = user_admin.by_name(home.register, who)
        link = password_changes.reset_link(home.register, user.user_id, by="terminal", at=now())
    _print_link(home, "reset", link.secret)


@user_app.command(name="reset-mfa")
def user_reset_mfa(context: typer.Context, who: Who) -> None:
    """Take the authenticator app away, after a lost telephone; they set up another one."""
    from earlywarning.io.register import user_admin

    home: Home = context.obj
    with told():
        user = user_admin.by_name(home.register, who)
        user_admin.remove_second_factor(home.register, user.user_id, by="terminal", at=now())
    typer.echo(f"{user.sign_in_name} sets up an authenticator app at the next sign-in")


@user_app.command(name="sessions")
def user_sessions(
    context: typer.Context,
    who: Who,
    end: Annotated[bool, typer.Option("--end", help="Sign them out everywhere.")] = False,
) -> None:
    """Where somebody is signed in."""
    from earlywarning.io.register import sessions, user_admin
    from earlywarning_pipelines import printing_users

    home: Home = context.obj
    with told():
        user = user_admin.by_name(home.register, who)
        if end:
            ended = user_admin.end_sessions(home.register, user.user_id, by="terminal", at=now())
            typer.echo(f"ended {ended} sessions of {user.sign_in_name}")
            return
        rows = sessions.listed(home.register, user.user_id, at=now())
    typer.echo(printing_users.sessions_table(rows))


@token_app.command(name="create")
def token_create(
    context: typer.Context,
    role: Role,
    label: Annotated[str, typer.Option(help="Whose it is, for people.")],
    school: SchoolId = None,
    staff: StaffNumber = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="A use that it is good for, such as visit_lists; may be repeated "
                     "[default: all that the role may]."),
    ] = None,
    expires_days: Annotated[int, typer.Option(min=1, max=3650, help="Valid for so long.")] = 90,
) -> None:  # fmt: skip
    """Make a token. It is shown once and kept only as a hash."""
    from earlywarning.io.register import tokens

    home: Home = context.obj
    with told():
        made = tokens.create(
            home.register,
            role=role,
            label=label,
            school_id=school,
            staff_local_id=staff,
            scope=scope or (),
            at=now(),
            expires_days=expires_days,
        )
    typer.echo(f"{made.secret}\n\nkeep it now: it cannot be shown again (id {made.token_id})")


@token_app.command(name="list")
def token_list(context: typer.Context) -> None:
    """Tokens and what they may see; never the tokens themselves."""
    from earlywarning_pipelines import printing

    home: Home = context.obj
    with told():
        typer.echo(printing.tokens_table(home.register, at=now()))


@token_app.command(name="revoke")
def token_revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(help="Id, as `token list` prints it.")],
) -> None:
    """End a token at once."""
    from earlywarning.io.register import tokens

    home: Home = context.obj
    with told():
        tokens.revoke(home.register, token_id, at=now())
    typer.echo(f"revoked {token_id}")


def _print_link(home: Home, page: str, secret: str) -> None:
    settings = home.settings
    base = settings.public_url or f"http://127.0.0.1:{settings.port}"
    typer.echo(f"{base.rstrip('/')}/{page}?link={secret}")
    typer.echo("hand it over yourself: nothing is sent, and it works once", err=True)
