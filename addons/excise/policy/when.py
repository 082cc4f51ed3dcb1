"""
Conditions as people write them.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from excise.policy.cel import MAX_EXPRESSION, expression
from excise.policy.hours import Hours
from excise.policy.numbers import Number
from excise.policy.words import (
    CREDENTIAL_HEADERS,
    HEADER_NAME,
    ONE_OR_MORE,
    Captures,
    Name,
    Names,
    Networks,
    Patterns,
    Written,
    listed,
    wrong,
)

MAX_TOKENS = 1_000_000_000

# `routing.profile` names them; a test compares.
TaskName = Literal["conversation", "summarisation", "code", "analysis", "extraction", "translation", "agentic", "unknown"]
NeedName = Literal["tools", "vision", "audio", "video", "document", "json_schema", "reasoning", "prefill"]


def _header(value: str) -> str:
    if not HEADER_NAME.fullmatch(value):
        raise wrong("a header name in lower case is expected")
    if value in CREDENTIAL_HEADERS:
        raise wrong("this header carries credentials, which conditions cannot ask about; ask for `principal`")
    return value


def _expression(value: str) -> str:
    try:
        return expression(value).text
    except ValueError as error:
        raise wrong(str(error)) from None


Tasks = Annotated[tuple[TaskName, ...], BeforeValidator(listed, json_schema_input_type=TaskName | list[TaskName]), ONE_OR_MORE]
Needs = Annotated[tuple[NeedName, ...], BeforeValidator(listed, json_schema_input_type=NeedName | list[NeedName]), ONE_OR_MORE]
Expression = Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION), AfterValidator(_expression)]


class Between(Written):
    """
    A range of figures.
    """

    @property
    def bounds(self) -> tuple[float, float]:
        """
        The least that is within, and the least above it that is not.
        """
        least, below = getattr(self, "from_", None), getattr(self, "below", None)
        return -math.inf if least is None else least, math.inf if below is None else below

    @property
    def said(self) -> str:
        """
        As people say it.
        """
        least, below = self.bounds
        return " and ".join(
            text for text, given in ((f"from {least:g}", least > -math.inf), (f"below {below:g}", below < math.inf)) if given
        )

    @model_validator(mode="after")
    def _some(self) -> Self:
        least, below = self.bounds
        if least == -math.inf and below == math.inf:
            raise wrong("empty range: give from, below, or both")
        if least >= below:
            raise wrong("nothing is within: from must be less than below")
        return self


class Share(Between):
    """
    A range between 0 and 1.
    """

    from_: Annotated[Number, Field(ge=0, le=1)] | None = Field(default=None, alias="from", description="The least that is within.")
    below: Annotated[Number, Field(gt=0, le=1)] | None = Field(default=None, description="What is within is less than this.")


class Tokens(Between):
    """
    A range of tokens.
    """

    from_: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = Field(default=None, alias="from", description="The least that is within.")
    below: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = Field(default=None, description="What is within is less than this.")


class When(Written):
    """
    Conditions of a rule: all must hold; of a list, one value is enough, but of `needs`. What nobody said matches no pattern, except that in
    a `deny` rule, in `redact` and in `retention` counts as meant what could be: a billed call that names no model as matching `model`, a
    text whose length cannot be told as within any range, an `expr` that cannot be told as true.
    """

    principal: Patterns | None = Field(
        default=None, description="Principal ids; `anonymous`, and `fp_…` for keys nobody owns, too. `*` is a wildcard."
    )
    team: Patterns | None = Field(default=None, description="Teams. `*` is a wildcard.")
    app: Patterns | None = Field(default=None, description="Applications. `*` is a wildcard.")
    env: Patterns | None = Field(default=None, description="Environments. `*` is a wildcard.")
    tags: Annotated[dict[Name, Patterns], Field(min_length=1, max_length=8)] | None = Field(
        default=None, description="Tags of the principal, all of them; each with a value or several, one of which is enough."
    )
    provider: Names | None = Field(default=None, description="Providers, by their id in the catalogue.")
    operation: Names | None = Field(default=None, description="Operations, as the catalogue names them: `chat`, `embeddings`, …")
    model: Patterns | None = Field(default=None, description="Requested models. `*` is a wildcard; case does not count.")
    capture: Captures | None = Field(default=None, description="How the call came: by proxy setting, by redirection, or to our endpoint.")
    source: Networks | None = Field(default=None, description="Networks of the client's address.")
    task: Tasks | None = Field(
        default=None, description="Kinds of work, as the request's words and form show them. `unknown`: a text, but nothing shows its kind."
    )
    complexity: Share | None = Field(default=None, description="How hard it looks, 0 to 1.")
    needs: Needs | None = Field(default=None, description="What the model must be able to do, by the request's form; all of them.")
    input_tokens: Tokens | None = Field(default=None, description="Length of the prompt, estimated.")
    output_tokens: Tokens | None = Field(default=None, description="Most that the client allows, `max_tokens`.")
    stream: bool | None = Field(default=None, description="Whether the client asks for a stream.")
    time: Hours | None = Field(default=None, description="Hours of the week in which the call arrives.")
    headers: Annotated[dict[Annotated[str, AfterValidator(_header)], Patterns], Field(min_length=1, max_length=8)] | None = Field(
        default=None,
        description="Request headers, all of them; each with a value or several, one of which is enough. Clients set them at will.",
    )
    expr: Expression | None = Field(
        default=None, description="An expression in CEL of `call`, `principal`, `headers` and `time`; see above."
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set or all(getattr(self, name) is None for name in self.model_fields_set):
            raise wrong("empty match: give at least one condition, or use `default` for what matches everything")
        return self
