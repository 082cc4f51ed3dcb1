"""
Providers as an operator runs them: where they stand, what authorizes calls there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from excise.policy.credential import Credential


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    An entry of `providers`.

    Attributes:
        name: What targets call it.
        url: Scheme, host and port of a self-hosted server; `None`: the catalogue's host, or `host`.
        values: What the provider's paths name: `project`, `location`, `account`.
        models: Names the catalogue cannot know.
        credentials: Any of which authorizes a call there; none: it needs none.
    """

    name: str
    provider: str
    host: str | None = None
    url: str | None = None
    region: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = field(default=(), repr=False)

    @property
    def credential(self) -> Credential | None:
        """
        The first. All are of one kind.
        """
        return self.credentials[0] if self.credentials else None


@dataclass(frozen=True, slots=True)
class TargetRef:
    """
    A target as written: a deployment and a model as its provider names it.
    """

    deployment: str
    model: str

    @classmethod
    def of(cls, text: str) -> TargetRef:
        deployment, _, model = text.partition("/")
        return cls(deployment, model)

    def __str__(self) -> str:
        return f"{self.deployment}/{self.model}"
