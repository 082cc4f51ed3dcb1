"""
What a model can do, as the translation of requests needs it: the model table, and what its names say where the table is silent.

A trait that is wrongly `False` refuses or drops what would have worked; one that is `None` is tried, and the provider says so. So where
sources differ, and where a table merely leaves something out, it is `None`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from excise.catalog.models import Model, Models
from excise.wire.dialect import Traits

# What the rows of these say nothing of, their models cannot do. Elsewhere the table has gaps.
_WHOLE = frozenset({"openai", "anthropic", "gemini", "vertex", "bedrock", "deepseek", "cohere"})
_DESCRIBED = ("tools", "vision", "json_schema")  # a row with none of these says nothing at all

# `us.anthropic.claude-…` at Bedrock, `databricks-claude-…`.
_PUBLISHED = re.compile(r"^(?:[a-z-]{2,7}\.)?(?:anthropic|amazon|meta|mistral|openai|deepseek|google|cohere|qwen|xai)\.|^databricks-")

# -- by name, for what the table does not list or does not say ------------------------------------------------------------
# Source: platform.openai.com/docs/guides/reasoning ("unsupported parameters") and model pages, docs.claude.com model pages, ai.google.dev
# "Thinking", docs.x.ai "Reasoning"; read 2026-11.

_CLAUDE_5 = r"claude-(?:[a-z]+-[5-9](?!\d)|fable|mythos)"  # and whatever comes after
_THINKING_GPT = r"o[1-9]\d*(?![a-z\d])|gpt-(?:5(?!.*chat)|[6-9])|codex"
_NO_SAMPLING = re.compile(rf"^(?:{_THINKING_GPT}|claude-opus-4-[7-9]|{_CLAUDE_5}|gemini-3\.[6-9])")
_NO_PREFILL = re.compile(rf"^(?:claude-(?:opus|sonnet|haiku)-4-[6-9]|{_CLAUDE_5})")
_NO_FORCED_TOOLS = re.compile(r"^claude-(?:fable|mythos|opus|sonnet)-5-[1-9](?!\d)")
_ADAPTIVE = re.compile(rf"^(?:claude-(?:opus|sonnet|haiku)-4-[6-9](?!\d)|{_CLAUDE_5})")
_BUDGET = re.compile(r"^(?:gemini-2\.5|claude-3-7|claude-(?:opus|sonnet|haiku)-4(?![-.][6-9](?!\d)))")
_EFFORT = re.compile(rf"^(?:{_THINKING_GPT}|gpt-oss|grok-3-mini|gemini-[3-9])")
# Think, and take no word on it: told how hard, they answer 400.
_UNTOLD = re.compile(r"^grok-(?:4(?![.\d])|code)(?!.*non-reasoning)")
# Of OpenAI's models those without a level of "none" cannot be switched off; of others these.
_ALWAYS = re.compile(
    r"^(?:gpt-oss|gemini-2\.5-pro|gemini-[3-9]|deepseek-r|grok-(?:3-mini|4(?![.\d])|code)(?!.*non-reasoning)"
    r"|claude-(?:fable|mythos|(?:opus|sonnet)-5-[5-9](?!\d)))"
)
_SWITCHED_BY_LEVEL = re.compile(rf"^(?:{_THINKING_GPT})")
# Families that do not think and refuse to be told how hard, of which the table has few. Source: their makers' model cards, read 2026-11.
_NO_REASONING = re.compile(
    r"^(llama-?[234](?!.*(nemotron|think|reason))|llava|gemma-?[123](?!\d)|phi-?[34](?!.*reason)|qwen-?2|mi[sx]tral-\d|"
    r"mistral-(small|medium|large)-2[345]|codestral|pixtral|command-r)"
)
_OLD_CLAUDE = re.compile(r"^claude-(?:\d|instant|v\d|(?:opus|sonnet)-4(?![-.][5-9](?!\d)))")  # before 4.5: no schemas
_OLD_OPENAI = re.compile(r"^(?:gpt-3\.5|gpt-4(?![o.\d])|gpt-4o-2024-05-13|o1-(?:mini|preview))")

# In order: the first that fits.
_EFFORTS = tuple(
    (re.compile(pattern), tuple(levels.split()))
    for pattern, levels in (
        (r"gpt-5-pro", "high"),
        (r"gpt-5\.\d-pro", "medium high xhigh"),
        (r"gpt-5\.1-codex-max", "low medium high xhigh"),
        (r"gpt-5(?:\.1)?-codex", "low medium high"),
        (r"gpt-5\.1", "none low medium high"),
        (r"gpt-5\.[2-9]", "none low medium high xhigh"),
        (r"gpt-5", "minimal low medium high"),
        (r"gpt-[6-9]", "low medium high xhigh max"),
        (r"o[1-9]|gpt-oss|codex", "low medium high"),
        (r"grok-3-mini", "low high"),
        (r"gemini-3.*flash", "minimal low medium high"),
        (r"gemini-3-pro", "low high"),
        (r"gemini-[3-9]", "low medium high"),
        (r"claude-(?:opus|sonnet)-4-6", "low medium high max"),
        (rf"claude-opus-4-[7-9]|{_CLAUDE_5}", "low medium high xhigh max"),
    )
)
# What recordings and the makers' pages say against the table.
_KNOWN_BETTER = tuple(
    (re.compile(pattern), facts)
    for pattern, facts in (
        (r"gpt-5-chat", {"tools": False}),
        (r"deepseek-reasoner", {"tools": True}),
        (r"gemini-.*(?:-image|-tts)", {"json_schema": False}),
    )
)
_BETTER_EFFORTS = re.compile(r"gpt-5(?:\.\d)?-pro")


@lru_cache(4096)
def traits_of(models: Models, provider: str, model: str) -> Traits:
    """
    Traits of a model by provider id and any name it goes by. What nobody says is `None`: it is tried.
    """
    row = models.find(provider, model)
    name = _bare(model)
    reasoning = _reasoning(row, name)
    efforts = _efforts(row, name) if reasoning in ("effort", "adaptive") else ()
    always = "none" not in efforts if _SWITCHED_BY_LEVEL.match(name) and efforts else bool(_ALWAYS.match(name))
    better = next((facts for pattern, facts in _KNOWN_BETTER if pattern.match(name)), {})
    return Traits(
        max_output_tokens=row.max_output_tokens if row is not None else None,
        sampling=_said(row, "sampling", False if _NO_SAMPLING.match(name) else None),
        reasoning=reasoning,
        efforts=efforts,
        always_thinks=bool(_said(row, "always_thinks", always)),
        tools=better.get("tools", _said(row, "tools", None)),
        forced_tools=_said(row, "forced_tools", False if _NO_FORCED_TOOLS.match(name) else None),
        vision=_listed(row, provider, "vision"),
        audio_in=_listed(row, provider, "audio_in"),
        pdf=_said(row, "pdf", None),
        json_schema=better.get("json_schema", _json_schema(row, name)),
        prefill=_said(row, "prefill", False if _NO_PREFILL.match(name) else None),
    )


def _bare(model: str) -> str:
    """
    A model's own name: without publisher, path, region; Claude's versions with hyphens, as Anthropic writes them.
    """
    name = _PUBLISHED.sub("", model.lower().rpartition("/")[2])
    return name.replace(".", "-") if name.startswith("claude") else name


def _said(row: Model | None, word: str, otherwise: bool | None) -> bool | None:
    if row is not None and word in row.can:
        return True
    if row is not None and word in row.cannot:
        return False
    return otherwise


def _listed(row: Model | None, provider: str, word: str) -> bool | None:
    """
    The same, where leaving it out means no.
    """
    whole = row is not None and row.provider == provider and provider in _WHOLE and any(word in row.can for word in _DESCRIBED)
    return _said(row, word, False if whole else None)


def _json_schema(row: Model | None, name: str) -> bool | None:
    if _OLD_CLAUDE.match(name) or _OLD_OPENAI.match(name):
        return False
    said = _said(row, "json_schema", None)
    # Of Bedrock's others the table means that they can be made to call a tool.
    return None if said and row is not None and row.provider == "bedrock" and not name.startswith("claude") else said


def _reasoning(row: Model | None, name: str) -> str | None:
    if _UNTOLD.match(name):
        return "none"
    if row is not None and row.thinks is not None:
        return row.thinks
    for how, pattern in (("adaptive", _ADAPTIVE), ("budget", _BUDGET), ("effort", _EFFORT)):
        if pattern.match(name):
            return how
    if row is None or not any(word in row.can for word in _DESCRIBED):
        return "none" if _NO_REASONING.match(name) else None
    return None if row.reasoning else "none"


def _efforts(row: Model | None, name: str) -> tuple[str, ...]:
    if row is not None and row.efforts and not _BETTER_EFFORTS.match(name):
        return row.efforts
    return next((levels for pattern, levels in _EFFORTS if pattern.match(name)), ())
