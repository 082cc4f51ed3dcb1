"""
What the models behind Converse take: one request form, and a dozen families that refuse different members of it with 400.

Only what is known to be refused, or needs a field of its own, stands here; a family that is not listed gets everything. What the catalogue
knows of one model (`Traits`) counts for more.

Source: AWS, "Supported models and model features", "Get validated JSON results from models", "Troubleshooting tool calls" (Nova);
the service model of botocore 1.43; refusals of toolChoice, stopSequences, sampling and mixed turns as users of the SDKs reported
them; read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

type Thinking = Literal["none", "budget", "adaptive", "nova", "reasoning_effort", "reasoning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """
    What one family of models takes.

    Attributes:
        claude: Speaks Anthropic's words in `additionalModelRequestFields`, with Anthropic's rules for them.
        tools: Takes `toolConfig`.
        any_tool, one_tool: May be told to call some tool, a certain tool.
        plain_schemas: Of a tool's schema it knows type, properties and required at the top, and ignores a tool that says more there.
        one_at_a_time: May be told not to call several tools at once.
        mixes: Text may stand beside tool calls or results in one turn.
        status: A tool result may say that it is an error.
        result_media: A tool result may hold pictures and documents.
        system: Takes system text.
        schema: Takes `outputConfig.textFormat` and strict tools. `None`: not known.
        thinking: How it is told to think; `None`: not known to take any word for it.
        always_thinks: Where `thinking` is a level of effort: none of them is off.
        replays: Wants its own thoughts of earlier turns back.
        samples: Takes temperature and top_p: "both", one "or" the other, "none".
        top_k: Where in `additionalModelRequestFields` it takes top_k, and
        most_top_k: up to what.
        stops: Most stop sequences; `None`: no limit worth knowing.
        caches: Where it takes cache points: "all", "text" (no tools, no lifetime), "none".
        citations: Can cite documents.
        sound, film: Takes audio, video.
    """

    claude: bool = False
    tools: bool = True
    any_tool: bool = True
    one_tool: bool = True
    plain_schemas: bool = False
    one_at_a_time: bool = False
    mixes: bool = True
    status: bool = False
    result_media: bool = False
    system: bool = True
    schema: bool | None = None
    thinking: Thinking | None = None
    always_thinks: bool = False
    replays: bool = False
    samples: Literal["both", "or", "none"] = "both"
    top_k: tuple[str, ...] = ()
    most_top_k: int = 500
    stops: int | None = None
    caches: Literal["all", "text", "none"] = "none"
    citations: bool = False
    sound: bool = True
    film: bool = True


def _claude(
    thinking: Thinking, *, schema: bool, one_at_a_time: bool = False, samples: Literal["both", "or", "none"] = "both", tools: bool = True
) -> Takes:
    return Takes(
        claude=True,
        tools=tools,
        one_at_a_time=one_at_a_time,
        status=True,
        result_media=True,
        schema=schema,
        thinking=thinking,
        replays=thinking != "none",
        samples=samples,
        top_k=("top_k",),
        caches="all",
        citations=True,
        sound=False,
        film=False,
    )


def _nova(thinking: Thinking) -> Takes:
    return Takes(
        plain_schemas=thinking == "none",
        status=True,
        result_media=True,
        schema=False,
        thinking=thinking,
        top_k=("inferenceConfig", "topK"),
        most_top_k=128,
        stops=4,
        caches="text",
    )


_NO_TOOLS = Takes(tools=False, schema=False, thinking="none", sound=False, film=False)
_BARE = Takes(tools=False, system=False, schema=False, thinking="none", sound=False, film=False)
_LLAMA = Takes(any_tool=False, one_tool=False, mixes=False, schema=False, thinking="none", sound=False, film=False)
_MISTRAL = Takes(one_tool=False, mixes=False, thinking="none", top_k=("top_k",), most_top_k=200, stops=10)

# The first that fits counts. Newer Claude models than those named are taken to be like the newest.
_FAMILIES: tuple[tuple[re.Pattern[str], Takes], ...] = tuple(
    (re.compile(pattern), takes)
    for pattern, takes in (
        (r"anthropic\.claude-(?:v\d|instant)", _claude("none", schema=False, tools=False)),
        (r"anthropic\.claude-3-7", _claude("budget", schema=False)),
        (r"anthropic\.claude-3", _claude("none", schema=False)),
        (r"anthropic\.claude-opus-4-1", _claude("budget", schema=False, samples="or")),
        (r"anthropic\.claude-(?:opus|sonnet)-4-20", _claude("budget", schema=False)),
        (r"anthropic\.claude-[a-z]+-4-5", _claude("budget", schema=True, one_at_a_time=True, samples="or")),
        (r"anthropic\.claude-[a-z]+-4-6", _claude("adaptive", schema=True, one_at_a_time=True, samples="or")),
        (r"anthropic\.", _claude("adaptive", schema=True, one_at_a_time=True, samples="none")),
        (r"amazon\.nova-2", _nova("nova")),
        (r"amazon\.nova", _nova("none")),
        (r"amazon\.titan", _BARE),
        (r"meta\.llama(?:2|3-(?:8b|70b)|3-2-[13]b)", _NO_TOOLS),
        (r"meta\.", _LLAMA),
        (r"mistral\.(?:mistral-7b|mixtral)", _BARE),
        (r"mistral\.(?:mistral-(?:large|small)-2|pixtral)", replace(_MISTRAL, schema=False)),
        (r"mistral\.", _MISTRAL),
        (r"deepseek\.r1", _NO_TOOLS),
        (r"deepseek\.", Takes(one_tool=False, thinking="reasoning_effort", stops=10)),
        (r"openai\.gpt-oss", Takes(thinking="reasoning_effort", always_thinks=True, stops=0)),
        (r"openai\.", Takes(thinking="reasoning", replays=True)),
        (r"moonshot(?:ai)?\.", Takes(thinking="reasoning_effort")),
        (r"qwen\.", Takes(stops=0)),
        (r"ai21\.(?:j2|jamba-instruct)", _NO_TOOLS),
        (r"cohere\.command-r", Takes(any_tool=False, one_tool=False, schema=False, thinking="none", top_k=("k",))),
        (r"cohere\.", _BARE),
    )
)

_UNKNOWN = Takes()


@lru_cache(maxsize=512)
def takes_of(model: str) -> Takes:
    """
    What a model takes, by its id as Bedrock names it: bare, with a region in front (`us.`, `global.`), or as an ARN. Ids that tell nothing
    (application profiles, custom models) take everything.
    """
    name = model.rpartition("/")[2].lower()
    for pattern, takes in _FAMILIES:
        found = pattern.search(name)
        if found is not None and (found.start() == 0 or name[found.start() - 1] == "."):
            return takes
    return _UNKNOWN
