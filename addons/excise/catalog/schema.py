"""
The form of providers.yml and of an operator's overlay. Unknown keys are errors.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from excise.catalog.notation import hosts, paths

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ModelAt = Literal["body", "form", "query", "frame", "none"]
StreamAt = Literal["body", "header", "form", "path", "query", "always", "default-on", "none"]
Method = Annotated[str, Field(pattern=r"^(\*|(WS|[A-Z]+)(\|[A-Z]+)*)$")]
ErrorShape = Literal[
    "openai",  # {"error": {"message", "type", "param", "code"}}
    "anthropic",  # {"type": "error", "error": {"type", "message"}}
    "gemini",  # {"error": {"code", "message", "status", "details"}}
    "aws",  # {"message"} and x-amzn-errortype
    "flat",  # {"message", "code", …} at top level
    "detail",  # {"detail": …}
    "problem",  # {"title", "detail", "status"}, RFC 9457
    "text",  # {"error": "text"}
    "ollama",  # {"error": "text"}
    "cohere",
    "mistral",
    "xai",
    "minimax",
    "baidu",
    "tencent",
    "dashscope",
    "databricks",
    "watsonx",
    "cloudflare",
    "deepgram",
]


def _path(template: object) -> object:
    if isinstance(template, str):
        paths(template)  # raises ValueError, which pydantic reports at this place
    return template


Template = Annotated[str, BeforeValidator(_path)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OperationSpec(_Strict):
    """
    One operation: a line of the file.
    """

    op: Word
    method: Method = "POST"
    path: Template
    dialect: Word
    model: ModelAt | None = None
    stream: StreamAt | None = None
    billable: bool | None = None


class EndpointSpec(_Strict):
    """
    A family's operations under a prefix.
    """

    family: Word
    prefix: Template
    ops: list[Word] | Literal["common"] | None = None


class FamilySpec(_Strict):
    """
    Operations many providers share.
    """

    error: ErrorShape
    common: list[Word] = []
    operations: list[OperationSpec]


class ProviderSpec(_Strict):
    """
    One provider. `None`: taken over from `like`, or from the provider of the same id, or the default.
    """

    id: Id
    like: Id | None = None
    name: str | None = None
    hosts: list[str] | None = None
    extra_hosts: list[str] = []
    domains: list[str] | None = None
    mixed: bool | None = None
    self_hosted: bool | None = None
    auth: list[Word] | None = None
    error: ErrorShape | None = None
    dialect: Word | None = None
    endpoints: list[EndpointSpec] | None = None
    operations: list[OperationSpec] | None = None


class CatalogSpec(_Strict):
    """
    A whole file.
    """

    version: Annotated[int, Field(ge=1, le=1)] = 1
    compiled: str | None = None
    regions: dict[Word, list[Word]] = {}
    families: dict[Word, FamilySpec] = {}
    providers: list[ProviderSpec] = []


def host_fault(template: str, regions: dict[str, list[str]]) -> str | None:
    """
    What is wrong with a host pattern, or `None`.
    """
    try:
        hosts(template, regions)
    except ValueError as error:
        return str(error)
    return None
