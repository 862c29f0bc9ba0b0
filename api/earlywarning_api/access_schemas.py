"""What the answers about users and sessions hold; never a secret but where it is first made."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

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


Role = Literal[
    "admin", "coordinator", "homeroom_teacher", "counsellor", "principal", "data_staff",
    "researcher",
]  # fmt: skip
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200,
                      pattern=r"^[^\x00-\x1f\x7f]*$"),
]  # fmt: skip
SchoolId = Annotated[str, Field(min_length=1, max_length=64, examples=["20500001"])]
StaffNumber = Annotated[
    str, Field(min_length=1, max_length=100, description="The school's own number.")
]
Secret = Annotated[str, Field(min_length=1, max_length=100, description="From the link.")]


class Me(BaseModel):
    """Who you are here, and what you may use."""

    user_id: str | None = Field(description="Null for a token.")
    name: str | None
    role: Role
    school_id: str | None
    staff_id: str | None
    level: Level
    uses: list[str] = Field(description="What your role, or your token, may use.")
    recovery_codes_left: int | None = Field(description="Null without a second factor.")


class PasswordChange(Body):
    """The old password and a new one of 8 characters or more; 15 are better."""

    old_password: Password
    new_password: Password


class Enrolment(BaseModel):
    """What an authenticator app needs; shown once."""

    secret: str
    uri: str = Field(examples=["otpauth://totp/earlywarning:ratna?secret=…&issuer=earlywarning"])
    qr_svg: str = Field(description="The same as a picture for the telephone's camera.")


class RecoveryCodes(BaseModel):
    """Each works once instead of the app; shown once."""

    recovery_codes: list[str] = Field(examples=[["abcd-efgh-jkmn-pqrs"]])


class Invitation(Body):
    """Somebody who shall be able to sign in."""

    sign_in_name: SignInName
    display_name: Name
    role: Role
    school_id: SchoolId | None = Field(
        default=None, description="For a role of one school, where there is more than one."
    )
    staff_number: StaffNumber | None = Field(
        default=None, description="For a homeroom teacher: the school's own number."
    )


class LinkView(BaseModel):
    """A link that works once. Hand it over yourself: nothing is sent by this service."""

    user_id: str
    url: str
    expires_at: Moment


class Activation(Body):
    """An invitation taken up. The first administrator also chooses both names."""

    link: Secret
    password: Password
    sign_in_name: SignInName | None = None
    display_name: Name | None = None


class PasswordReset(Body):
    """Another password, by a reset link."""

    link: Secret
    password: Password


class UserView(BaseModel):
    """Somebody who may sign in."""

    user_id: str
    sign_in_name: str
    display_name: str
    role: Role
    school_id: str | None
    staff_id: str | None
    has_password: bool = Field(description="False until the invitation is taken up.")
    has_second_factor: bool
    made_at: Moment
    signed_in_at: Moment | None
    disabled_at: Moment | None


class Users(BaseModel):
    """Users by sign-in name."""

    users: list[UserView]
    next_cursor: str | None = Field(description="Null on the last page.")


class UserChange(Body):
    """What is to change; what is left out stays."""

    role: Role | None = None
    school_id: SchoolId | None = None
    staff_number: StaffNumber | None = None
    disabled: bool | None = None


class EmergencyRequest(Body):
    """One child by the school's own number, or one class; and why."""

    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=10, max_length=500),
        Field(examples=["Wali kelas sakit; orang tua menunggu di kantor"]),
    ]
    student_number: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    class_id: Annotated[str, Field(min_length=1, max_length=160)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.student_number is None) == (self.class_id is None):
            raise ValueError("either a student number or a class")
        return self


class EmergencyView(BaseModel):
    """An emergency access: three hours, in the audit with everything read under it."""

    access_id: str
    user_id: str
    student_id: str | None
    class_id: str | None
    reason: str
    made_at: Moment
    expires_at: Moment
    ended_at: Moment | None


class EmergencyViews(BaseModel):
    """Accesses, newest first."""

    emergency_access: list[EmergencyView]
