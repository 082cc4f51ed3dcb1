"""
What people write about where calls go: the keys `providers`, `aliases` and `routes` of a policy file.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from excise.policy.choice import ChoiceEntry
from excise.policy.when import When
from excise.policy.words import Name, SecretRef, SecretRefs, Written, fits, listed, wrong

MAX_DEPLOYMENTS = 200
MAX_ALIASES = 500
MAX_ROUTES = 500

_DEPLOYMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_REGION = re.compile(r"[a-z0-9-]{2,40}")


def _url(value: str) -> str:
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or port == 0
    ):
        raise wrong("scheme, host and port are expected and nothing else, for example http://10.0.0.7:11434")
    return value


DeploymentName = Annotated[str, fits(_DEPLOYMENT, "lower-case letters, digits, dots, hyphens and underscores are expected")]
AliasName = Annotated[str, fits(_ALIAS, "a model name without a slash is expected: letters, digits and . _ : @ -")]
Host = Annotated[str, fits(_HOST, "a host name in lower case is expected, without scheme and port")]
Region = Annotated[str, fits(_REGION, "a region is expected, for example eu-central-1")]
Url = Annotated[str, AfterValidator(_url)]


class AwsKeys(Written):
    """
    Keys that sign requests to AWS.
    """

    access_key: SecretRef = Field(description="The access key id: `env:NAME` or `file:PATH`.")
    secret_key: SecretRef = Field(description="The secret access key.")
    session_token: SecretRef | None = Field(default=None, description="Of temporary keys.")


class ProviderEntry(Written):
    """
    A provider calls may be sent to with credentials of yours.
    """

    provider: Name = Field(description="Its id in the catalogue.")
    name: DeploymentName | None = Field(default=None, description="What `aliases` and `routes` call it. Default: the provider's id.")
    key: SecretRefs | None = Field(
        default=None,
        description="Its API key: `env:NAME` or `file:PATH`. Put where the provider wants it. Several: calls are spread over them.",
    )
    aws: AwsKeys | Literal["default"] | None = Field(
        default=None, description="Sign with these keys, or with what AWS's own search finds (environment, profile, role). Extra `aws`."
    )
    google: SecretRef | Literal["default"] | None = Field(
        default=None, description="A service account's JSON, or `default` for Google's own search. Extra `gcp`."
    )
    host: Host | None = Field(default=None, description="Where the catalogue has only patterns, such as Azure resources.")
    url: Url | None = Field(default=None, description="Of a self-hosted server: scheme, host and port.")
    region: Region | None = Field(
        default=None,
        description="Where it stands, as `require.regions` asks. It names the host where the provider's hosts have a region in them, as "
        "Bedrock's and Vertex's; of others say the `host` (or `url`), too.",
    )
    project: Name | None = Field(default=None, description="Of Vertex.")
    account: Name | None = Field(default=None, description="Where the provider's paths name an account.")
    models: Annotated[tuple[Name, ...], BeforeValidator(listed, json_schema_input_type=str | list[str])] = Field(
        default=(), max_length=1000, description="Names of models there that the catalogue cannot know, such as Azure deployments."
    )

    @property
    def called(self) -> str:
        return self.name or self.provider

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if sum(given is not None for given in (self.key, self.aws, self.google)) > 1:
            raise wrong("one of key, aws and google, not several")
        if self.host is not None and self.url is not None:
            raise wrong("host or url, not both")
        return self


class _Named(Written):
    name: Name = Field(description="Unique; the ledger's `route_rule`.")
    when: When | None = Field(default=None, description="Conditions, as of rules, on what the client asked for. Left out: every call.")


class Route(ChoiceEntry, _Named):
    """
    Where calls go instead of where the client sent them. Read from top to bottom; the first whose conditions all hold decides. Aliases may
    say the same but `name` and `when`.
    """
