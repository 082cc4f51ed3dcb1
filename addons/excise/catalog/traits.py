"""
What a model can do, as the translation of requests needs it: the model table, and what its names say where the table is silent.
"""

from __future__ import annotations

import re
from functools import lru_cache

from excise.catalog.models import Model, Models
from excise.wire.dialect import Traits

# Models that refuse temperature, top_p and the like with a 400.
# Source: platform.openai.com/docs/guides/reasoning ("unsupported parameters"), docs.claude.com model pages; read 2026-11.
_NO_SAMPLING = re.compile(r"^(o1|o3|o4|gpt-5(?!.*chat)|codex|claude-(opus-4-[7-9]|[a-z]+-5|fable))")
_EFFORT = re.compile(r"^(o1|o3|o4|gpt-5|gpt-oss|codex|grok-[34]|gemini-3)")
_BUDGET = re.compile(r"^(gemini-2\.5|claude-3-7|claude-(opus|sonnet|haiku)-4(-[015]|-\d{8}|$))")
_ADAPTIVE = re.compile(r"^claude-(opus-4-[6-9]|sonnet-4-[6-9]|[a-z]+-5|fable)")
_ALWAYS = re.compile(r"^(o1|o3|o4|gpt-5(?!\.[1-9]|.*chat)|gpt-oss|codex|gemini-2\.5-pro|gemini-3|deepseek-reasoner|grok-4(?!.*non))")
_NO_PREFILL = re.compile(r"^claude-(opus-4-[6-9]|sonnet-4-[6-9]|[a-z]+-5|fable)")
_BEFORE = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|openai|deepseek|google|cohere|qwen)[./]|^models/|^[a-z0-9-]+/")


@lru_cache(4096)
def traits_of(models: Models, provider: str, model: str) -> Traits:
    """
    Traits of a model by provider id and any name it goes by. What nobody says is `None`: it is tried.
    """
    row = models.find(provider, model)
    name = _BEFORE.sub("", model.lower())
    reasoning = _reasoning(row, name)
    return Traits(
        max_output_tokens=row.max_output_tokens if row is not None else None,
        sampling=False if _NO_SAMPLING.match(name) else None,
        reasoning=reasoning,
        efforts=_efforts(name),
        always_thinks=bool(_ALWAYS.match(name)),
        tools=row.tools or None if row is not None else None,
        vision=row.vision if row is not None else None,
        audio_in=row.audio_in if row is not None else None,
        pdf=row.pdf or None if row is not None else None,
        json_schema=row.json_schema or None if row is not None else None,
        prefill=False if _NO_PREFILL.match(name) else None,
    )


def _reasoning(row: Model | None, name: str) -> str | None:
    if _ADAPTIVE.match(name):
        return "adaptive"
    if _BUDGET.match(name):
        return "budget"
    if _EFFORT.match(name):
        return "effort"
    return "none" if row is not None and not row.reasoning else None


def _efforts(name: str) -> tuple[str, ...]:
    # Source: the providers' reference pages, read 2026-11.
    if name.startswith("gpt-5.1"):
        return ("none", "low", "medium", "high")
    if re.match(r"gpt-5\.[2-9]", name):
        return ("none", "low", "medium", "high", "xhigh")
    if name.startswith("gpt-5"):
        return ("minimal", "low", "medium", "high")
    if re.match(r"o[134]|gpt-oss", name):
        return ("low", "medium", "high")
    if name.startswith("gemini-3"):
        return ("minimal", "low", "medium", "high") if "flash" in name else ("low", "high")
    if _ADAPTIVE.match(name):
        return ("low", "medium", "high", "max")
    return ()
