"""What is known of an identity provider before anybody goes there.

`oidc` is imported only where one is set: its libraries take a tenth of the service's start.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider told us when this service was registered there.

    Attributes
    ----------
    issuer : str
        Its address, as its discovery document writes it.
    hosted_domain : str or None
        The `hd` that an account must have, for providers with many domains.
    label : str
        Of the button.
    """

    issuer: str
    client_id: str
    client_secret: str
    hosted_domain: str | None = None
    label: str = "belajar.id"

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Provider({self.issuer!r}, {self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Flow:
    """What the browser keeps while it is at the provider, to know the answer as its own."""

    state: str
    nonce: str
    verifier: str
