"""
How the many providers that speak OpenAI's chat dialect differ.

Data only. What is not known of a provider is as with most of them (`COMPATIBLE`): the fields of OpenAI's first years are taken, the later
ones are not. A field that a provider ignores counts as not taken, so that leaving it out is noted.

Source: the providers' API references and SDKs, other gateways' lists of parameters, recorded requests and issue threads; read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from excise.wire.include_usage import NOT_ASKED
from excise.wire.tool_ids import SHORT, IdRule

type Thinking = Literal["effort", "switch", "switch+effort", "budget", "object", "no"]

# Sampling and other settings, by the names the requests give them.
_FIRST_YEARS = frozenset(["seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "n", "parallel_tool_calls", "user"])
_LATER = frozenset(["service_tier", "prompt_cache_key", "verbosity", "safety_identifier"])
_OPEN_MODELS = frozenset(("top_k", "min_p"))

_IDS = IdRule(re.compile(r"[!-~]+"), 40)  # OpenAI: "string too long. Expected a string with maximum length 40"
_ALL_CHOICES = frozenset(("auto", "none", "required", "named"))


@dataclass(frozen=True, slots=True)
class Flavour:
    """
    What one provider takes of the dialect.

    Attributes:
        limit: Name of the field that limits the answer.
        takes: Optional settings it takes, by field.
        developer: Its reasoning models read role `developer`; elsewhere system text has role `system`.
        system: Where system text may stand. "first": one message at the head, as most chat templates want it.
        starts_with_user: The first message behind the system text is the user's.
        usage: A stream may be asked for its usage (`stream_options`). Else it sends usage unasked, or never.
        names: Messages may carry `name`.
        lists: Content of system, assistant and tool messages may be a list of parts.
        refusals: An assistant message may carry `refusal`.
        empty: Content of an assistant message that only calls tools.
        details: Pictures take `detail`.
        files: Parts of type `file` are taken.
        strict: Tools take `strict`.
        choices: Tool choices it takes.
        required: Its word for "must call one".
        subsets: Takes `allowed_tools` as tool choice.
        schema: Takes a schema for its output by itself (`json_schema`).
        temperature: Range; what lies outside is moved to its border.
        most_stops: Stop sequences at most; `None`: no known limit.
        ids: Of tool calls.
        tiers: Service tiers it knows.
        thinking: How it is told to think. "effort": `reasoning_effort`. "switch": `thinking: {type}`. "switch+effort": both. "budget":
            `enable_thinking` and `thinking_budget`. "object": `reasoning: {effort, max_tokens, …}`.
        efforts: Levels of effort it takes, where a model's own are not known.
        thinkers_refuse: Settings which its reasoning models refuse.
        thoughts: Field of an assistant message in which its own thoughts go back; `None`: nowhere. "reasoning_details": unchanged, with
            proofs.
        wants_thoughts: Its thinking models want the thoughts of a turn with tool calls back, and answer 400 without.
        cache_marks: Parts take `cache_control`.
        bridge: A user message may not follow tool results directly.
        mistral: Documents, audio and thoughts are written in Mistral's forms.
        file_urls: Documents are taken as parts of type `file_url`, a link or base64.
        videos: Parts of type `video_url` are taken.
        prefill: Field that makes it continue an assistant message that stands last; "" where it does so by itself; `None`: it does not.
    """

    limit: str = "max_tokens"
    takes: frozenset[str] = _FIRST_YEARS
    developer: bool = False
    system: Literal["anywhere", "first"] = "first"
    starts_with_user: bool = False
    usage: bool = True
    names: bool = False
    lists: bool = False
    refusals: bool = False
    empty: str | None = None
    details: bool = True
    files: bool = False
    strict: bool = False
    choices: frozenset[str] = _ALL_CHOICES
    required: str = "required"
    subsets: bool = False
    schema: bool = True
    temperature: tuple[float, float] = (0.0, 2.0)
    most_stops: int | None = 4
    ids: IdRule = _IDS
    tiers: frozenset[str] = frozenset()
    thinking: Thinking = "effort"
    efforts: tuple[str, ...] = ("minimal", "low", "medium", "high")
    thinkers_refuse: frozenset[str] = frozenset()
    thoughts: str | None = "reasoning_content"
    wants_thoughts: bool = False
    cache_marks: bool = False
    bridge: bool = False
    mistral: bool = False
    file_urls: bool = False
    videos: bool = False
    prefill: str | None = None


COMPATIBLE = Flavour()

# Reasoning models refuse `stop` and `parallel_tool_calls` is unknown to the o-series; both are told from the model (see `flavour_of`).
OPENAI = Flavour(
    limit="max_completion_tokens",
    takes=_FIRST_YEARS | _LATER,
    developer=True,
    system="anywhere",
    names=True,
    lists=True,
    refusals=True,
    files=True,
    strict=True,
    subsets=True,
    tiers=frozenset(("auto", "default", "flex", "scale", "priority", "fast")),
    efforts=("low", "medium", "high"),
    thinkers_refuse=frozenset(("stop",)),
    thoughts=None,
)

MISTRAL_FLAVOUR = Flavour(
    # mistralai 2.x, ChatCompletionRequest: anything else is 422 `extra_forbidden`.
    takes=frozenset(
        [
            "random_seed",
            "frequency_penalty",
            "presence_penalty",
            "top_k",
            "logprobs",
            "n",
            "parallel_tool_calls",
            "metadata",
            "prompt_cache_key",
        ]
    ),
    usage=False,
    lists=True,
    empty="",
    strict=True,
    required="any",  # older deployments know no `required`; the newer take both
    temperature=(0.0, 1.5),
    most_stops=None,
    ids=SHORT,
    tiers=frozenset(("auto", "standard_only")),
    efforts=("none", "high"),
    bridge=True,
    mistral=True,
    prefill="prefix",
)

_OPEN = replace(COMPATIBLE, takes=_FIRST_YEARS | _OPEN_MODELS)
_SERVER = replace(_OPEN, thoughts="reasoning", videos=True, prefill="")
_ROUTER = replace(
    _OPEN,
    takes=_FIRST_YEARS | _OPEN_MODELS | {"verbosity", "prompt_cache_key"},
    developer=True,
    system="anywhere",
    lists=True,
    files=True,
    strict=True,
    thinking="object",
    efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
    thoughts="reasoning_details",
    cache_marks=True,
    videos=True,
    prefill="",
)
_ZAI = replace(
    COMPATIBLE,
    takes=frozenset(("seed",)),
    choices=frozenset(("auto",)),
    schema=False,
    temperature=(0.0, 1.0),
    most_stops=1,
    thinking="switch",
    videos=True,
)
_GOOGLE = replace(
    COMPATIBLE,
    takes=frozenset(("seed", "frequency_penalty", "presence_penalty", "logprobs", "n")),
    most_stops=5,
    efforts=("none", "minimal", "low", "medium", "high"),
    thoughts=None,
)
_AZURE = replace(OPENAI, thoughts=None)
_SILICONFLOW = replace(_OPEN, schema=False, thinking="budget")

FLAVOURS: dict[str, Flavour] = {
    "openai": OPENAI,
    "azure-openai": _AZURE,
    "github-copilot": replace(OPENAI, limit="max_tokens", takes=_FIRST_YEARS, subsets=False, files=False, developer=False),
    "github-models": replace(OPENAI, limit="max_tokens", takes=_FIRST_YEARS, subsets=False, files=False),
    "litellm-proxy": replace(OPENAI, limit="max_tokens", developer=False, thoughts="reasoning_content", cache_marks=True, prefill=""),
    "mistral": MISTRAL_FLAVOUR,
    "groq": replace(
        # 400 for logprobs, logit_bias, top_logprobs, messages[].name and n other than 1 (console.groq.com/docs/openai).
        COMPATIBLE,
        limit="max_completion_tokens",
        takes=frozenset(("seed", "parallel_tool_calls", "user", "frequency_penalty", "presence_penalty")),
        system="anywhere",
        tiers=frozenset(("auto", "on_demand", "flex", "performance")),
        efforts=("none", "low", "medium", "high"),
        thoughts="reasoning",
    ),
    "xai": replace(
        COMPATIBLE,
        limit="max_completion_tokens",
        takes=_FIRST_YEARS - {"logit_bias"},
        system="anywhere",
        efforts=("none", "low", "medium", "high"),
        thinkers_refuse=frozenset(("stop", "frequency_penalty", "presence_penalty")),
    ),
    "deepseek": replace(
        # Its reasoner took no two messages of one role in a row, so they are merged as for chat templates.
        COMPATIBLE,
        takes=frozenset(("frequency_penalty", "presence_penalty", "logprobs")),
        schema=False,
        most_stops=16,
        thinking="switch+effort",
        efforts=("high", "max"),
        wants_thoughts=True,
    ),
    "zai": _ZAI,
    "zhipu": _ZAI,
    "moonshot": replace(
        COMPATIBLE,
        takes=frozenset(("frequency_penalty", "presence_penalty", "n", "prompt_cache_key", "safety_identifier")),
        system="anywhere",
        choices=frozenset(("auto", "none")),
        temperature=(0.0, 1.0),
        most_stops=5,
        thinking="switch",
        wants_thoughts=True,
        prefill="partial",
    ),
    "minimax": replace(
        COMPATIBLE,
        limit="max_completion_tokens",
        takes=frozenset(),
        choices=frozenset(("auto", "none")),
        schema=False,
        temperature=(0.01, 1.0),
        thinking="switch",
    ),
    "dashscope": replace(
        _OPEN,
        takes=frozenset(("seed", "presence_penalty", "logprobs", "n", "parallel_tool_calls", "top_k")),
        choices=frozenset(("auto", "none", "named")),
        schema=False,
        temperature=(0.0, 1.99),
        most_stops=None,
        thinking="budget",
        cache_marks=True,
        videos=True,
        prefill="partial",
    ),
    "volcengine": replace(
        COMPATIBLE,
        takes=frozenset(("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "parallel_tool_calls")),
        thinking="switch+effort",
        prefill="",
    ),
    "siliconflow": _SILICONFLOW,
    "gpustack": replace(_SERVER, thoughts="reasoning_content", thinking="budget"),
    "cerebras": replace(
        COMPATIBLE,
        takes=frozenset(("seed", "logprobs", "user", "parallel_tool_calls")),
        strict=True,
        temperature=(0.0, 1.5),
        efforts=("low", "medium", "high"),
        thoughts="reasoning",
    ),
    "sambanova": replace(COMPATIBLE, takes=frozenset(("top_k", "parallel_tool_calls"))),
    "fireworks": replace(_OPEN, takes=_OPEN.takes | {"prompt_cache_key"}),
    "together": replace(_OPEN, thoughts="reasoning"),
    "openrouter": _ROUTER,
    "vercel-gateway": _ROUTER,
    "perplexity": replace(
        # Messages alternate, or 400; it calls no tools of the client's.
        COMPATIBLE,
        takes=frozenset(("top_k", "frequency_penalty", "presence_penalty")),
        starts_with_user=True,
        choices=frozenset(),
        file_urls=True,
        temperature=(0.0, 1.99),
        most_stops=0,
    ),
    "databricks": replace(COMPATIBLE, takes=frozenset(("top_k", "logprobs", "n"))),
    "snowflake": replace(COMPATIBLE, limit="max_completion_tokens", takes=frozenset(), thinking="object", thoughts="reasoning_details"),
    "nvidia": replace(COMPATIBLE, takes=frozenset(("seed", "frequency_penalty", "presence_penalty", "parallel_tool_calls"))),
    "gemini": _GOOGLE,
    "vertex": _GOOGLE,
    "anthropic": replace(
        # It ignores what it does not know: response_format, seed, penalties, … (its page on OpenAI SDK compatibility).
        COMPATIBLE,
        takes=frozenset(("parallel_tool_calls",)),
        schema=False,
        temperature=(0.0, 1.0),
        most_stops=None,
        thinking="no",
        thoughts=None,
    ),
    "cohere": replace(
        COMPATIBLE,
        takes=frozenset(("seed", "frequency_penalty", "presence_penalty")),
        choices=frozenset(("auto", "none", "required")),
        temperature=(0.0, 1.0),
        most_stops=5,
        efforts=("none", "high"),
    ),
    "deepinfra": replace(_OPEN, choices=frozenset(("auto", "none"))),
    "ollama": replace(
        COMPATIBLE,
        takes=frozenset(("seed", "frequency_penalty", "presence_penalty", "logprobs")),
        choices=frozenset(("auto",)),
        most_stops=None,
        efforts=("none", "low", "medium", "high"),
        thoughts="reasoning",
    ),
    "xiaomi": replace(COMPATIBLE, thinking="switch", wants_thoughts=True),
    **dict.fromkeys(("hyperbolic", "novita", "nebius", "featherless", "friendli", "chutes", "parasail", "baseten", "huggingface"), _OPEN),
    **dict.fromkeys(("vllm", "sglang", "lmstudio", "llamacpp", "xinference", "localai", "tgi", "docker-model-runner"), _SERVER),
    "crusoe": replace(_OPEN, thoughts="reasoning"),
    "avian": replace(_OPEN, thoughts="reasoning_details"),
}

# The o-series and what came after it, under the names OpenAI and its resellers give them.
_THINKER = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9])", re.IGNORECASE)
_O_SERIES = re.compile(r"(?:^|/)o\d", re.IGNORECASE)
_MISTRAL_MODEL = re.compile(r"mistral|ministral|magistral|codestral|devstral|voxtral|pixtral|mixtral", re.IGNORECASE)
# What Azure serves of others, on the same host and path.
_NOT_OPENAI = re.compile(
    r"mistral|mixtral|codestral|ministral|llama|phi-|deepseek|grok|cohere|command|jamba|jais|qwen|kimi|mai-", re.IGNORECASE
)


# Levels of effort by generation, for models that the catalogue does not know.
_EFFORTS = (
    (re.compile(r"(?:^|/)gpt-5(?![.\d])", re.IGNORECASE), ("minimal", "low", "medium", "high")),
    (re.compile(r"(?:^|/)gpt-[5-9]", re.IGNORECASE), ("none", "low", "medium", "high", "xhigh")),
)


def is_thinker(model: str) -> bool:
    """
    Whether a model of OpenAI's reasons, by its name: for where nothing else is known of it.
    """
    return _THINKER.search(model) is not None


@lru_cache(maxsize=1024)
def flavour_of(provider: str, model: str) -> Flavour:
    """
    What is taken by a provider (id of the catalogue) for one of its models. Never fails: unknown providers are as most of them are.
    """
    flavour = FLAVOURS.get(provider, COMPATIBLE)
    if provider == "azure-openai" and _NOT_OPENAI.search(model):
        flavour = replace(COMPATIBLE, strict=False, system="first")
    if provider in NOT_ASKED and flavour.usage:
        flavour = replace(flavour, usage=False)
    if flavour.developer and flavour.thinking == "effort":
        flavour = replace(flavour, efforts=next((levels for name, levels in _EFFORTS if name.search(model)), flavour.efforts))
    if flavour.limit == "max_completion_tokens" and _O_SERIES.search(model):
        flavour = replace(flavour, takes=flavour.takes - {"parallel_tool_calls"})
    if flavour.limit == "max_tokens" and provider in ("github-models", "litellm-proxy", "github-copilot") and is_thinker(model):
        flavour = replace(flavour, limit="max_completion_tokens")
    if flavour is not MISTRAL_FLAVOUR and _MISTRAL_MODEL.search(model):
        # Their chat templates check these wherever they run.
        flavour = replace(flavour, ids=SHORT, bridge=True, system="first")
    return flavour
