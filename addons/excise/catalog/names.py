"""
The names one model goes by.

Tables name a model once; callers and answers write it with a date, a region, a publisher or a path before it. Candidates run from what was
written to what is left when that is taken away, so the first that a table knows is the closest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# `models/x`, `publishers/google/models/x`, `projects/…/models/x`, `arn:…:inference-profile/x`
_RESOURCE = re.compile(r"^(?:.*/)?models/(?=[^/]+$)|^arn:[^/]+:(?:inference-profile|foundation-model|custom-model)/")
_BEDROCK_GEOGRAPHY = re.compile(r"^(?:us-gov|us|eu|apac|ap|jp|au|ca|sa|me|af|global)\.(?=[a-z0-9]+\.)")
_BEDROCK_VERSION = re.compile(r"(?:-v\d+)?(?::\d+(?::\w+)?)?$")
_DATE = re.compile(r"[-_@](?:20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d|latest|default)$")
_COMPACT_DATE = re.compile(r"@(20\d{6})$")
_ROUTE = re.compile(r":(?:nitro|floor|online|extended|exacto|beta|fastest|cheapest|preferred)$")


# Gateways write `publisher/model`. The publisher's provider id.
PUBLISHERS = {
    "alibaba": "dashscope",
    "amazon": "bedrock",
    "anthropic": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "gemini",
    "minimax": "minimax",
    "mistral": "mistral",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "openai": "openai",
    "perplexity": "perplexity",
    "voyage": "voyage",
    "x-ai": "xai",
    "xai": "xai",
    "z-ai": "zai",
    "zai": "zai",
}


def related(one: str, other: str) -> bool:
    """
    Whether two names may mean the same model: they share a word. An alias and what it stands for do; a deployment's name need not.
    """
    return not _words(one).isdisjoint(_words(other))


@lru_cache(1024)
def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{2,}", name.lower()))


def candidates(provider: str, model: str) -> Iterator[str]:
    """
    Names to look `model` up by, closest first, each once. Case is kept in the first only.
    """
    seen: set[str] = set()
    for name in _candidates(provider, model):
        if name and name not in seen:
            seen.add(name)
            yield name


def _candidates(provider: str, model: str) -> Iterator[str]:
    yield model
    name = _RESOURCE.sub("", model.strip().lower())
    yield name
    for form in _forms(provider, name):
        yield form
        undated = _DATE.sub("", form)
        if undated != form:
            yield undated


def _forms(provider: str, name: str) -> Iterator[str]:
    yield name
    plain = _ROUTE.sub("", name)
    yield plain
    if provider in ("bedrock", "bedrock-mantle"):
        local = _BEDROCK_GEOGRAPHY.sub("", plain)
        yield local
        for form in (plain, local):
            bare = _BEDROCK_VERSION.sub("", form)
            yield from (f"{bare}-v1:0", f"{bare}-1:0", bare)
        return
    if provider in ("gemini", "vertex"):
        for publisher in ("google/", "anthropic/", "mistralai/", "meta/"):
            if plain.startswith(publisher):
                yield plain.removeprefix(publisher)
        yield _COMPACT_DATE.sub(r"-\1", plain)
        yield plain.removesuffix("@001") + "-001" if plain.endswith("@001") else plain
    if provider == "azure-openai":
        yield plain.replace("gpt-35", "gpt-3.5")
        yield plain.replace("_", "-")
    if provider == "fireworks" and "/" not in plain:
        yield f"accounts/fireworks/models/{plain}"
    if provider == "cloudflare" and "/@cf/" in plain:
        yield plain[plain.index("@cf/") :]
    if plain.startswith("ft:"):
        yield ":".join(plain.split(":")[:2])
    if plain.startswith(f"{provider}/"):
        yield plain.removeprefix(f"{provider}/")
    if ":" in plain and provider == "huggingface":
        yield plain.partition(":")[0]
