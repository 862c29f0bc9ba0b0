"""What the answers about users and sessions hold; never a secret but where it is first made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from earlywarning_api.schemas import Moment

Password = Annotated[str, Field(min_length=1, max_length=256, examples=["empat kata tanpa arti"])]
SignInName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=254,
                      pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="E-mail address or name.", examples=["ratna@sekolah.example"]),
]  # fmt: skip
Code = Annotated[
    str,
    Field(
        min_length=6, max_length=40, examples=["123456"],
        description="Six digits of the authenticator app, or a recovery code.",
    ),
]  # fmt: skip
Level = Literal["full", "code", "enrol"]


class Body(BaseModel):
    """What is sent; a field that is not named here is refused."""

    model_config = ConfigDict(extra="forbid")


class NewSession(Body):
    """Name and password, and the code at once if it is at hand."""

    sign_in_name: SignInName
    password: Password
    code: Code | None = None


class CodeGiven(Body):
    """The second factor."""

    code: Code


class PasswordGiven(Body):
    """The password, once more."""

    password: Password


class Begun(BaseModel):
    """A session. Its secret is in the cookie alone."""

    session_id: str
    level: Level = Field(
        description="`full`; `code`: send the second factor; `enrol`: set a second factor up."
    )


class SessionView(BaseModel):
    """One of your sessions."""

    session_id: str
    browser: str = Field(description="As the browser calls itself.")
    level: Level
    current: bool = Field(description="Whether you are asking with it.")
    made_at: Moment
    seen_at: Moment
    expires_at: Moment


class Sessions(BaseModel):
    """Your sessions, newest first."""

    sessions: list[SessionView]
