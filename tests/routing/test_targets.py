"""
From a deployment and a model to a host and a path.
"""

from __future__ import annotations

import pytest

from excise.catalog.providers import Catalog
from excise.policy.deployment import Deployment
from excise.routing.targets import Place, place_of

CATALOG = Catalog.load()


def reach(deployment: Deployment, model: str, *, dialect: str = "openai-chat", stream: bool = False) -> Place | str:
    return place_of(CATALOG, deployment, model, operation="chat", dialect=dialect, stream=stream, speaks=speaks)


def speaks(_provider: str, dialect: str) -> bool:
    return dialect in ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "bedrock-converse", "cohere-v2", "ollama")


CASES = [
    (Deployment("openai", "openai"), "gpt-4o", {}, "https://api.openai.com:443/v1/chat/completions", "openai-chat"),
    (
        Deployment("openai", "openai"),
        "gpt-4o",
        {"dialect": "openai-responses"},
        "https://api.openai.com:443/v1/responses",
        "openai-responses",
    ),
    (
        Deployment("openai", "openai"),
        "gpt-4o",
        {"dialect": "anthropic-messages"},
        "https://api.openai.com:443/v1/chat/completions",
        "openai-chat",
    ),
    (Deployment("anthropic", "anthropic"), "claude-haiku-4-5", {}, "https://api.anthropic.com:443/v1/messages", "anthropic-messages"),
    (Deployment("mistral", "mistral"), "mistral-small-latest", {}, "https://api.mistral.ai:443/v1/chat/completions", "openai-chat"),
    (Deployment("cohere", "cohere"), "command-a-03-2025", {"dialect": "gemini"}, "https://api.cohere.com:443/v2/chat", "cohere-v2"),
    (Deployment("groq", "groq"), "openai/gpt-oss-20b", {}, "https://api.groq.com:443/openai/v1/chat/completions", "openai-chat"),
    (
        Deployment("gemini", "gemini"),
        "gemini-2.5-flash",
        {},
        "https://generativelanguage.googleapis.com:443/v1beta/models/gemini-2.5-flash:generateContent",
        "gemini",
    ),
    (
        Deployment("gemini", "gemini"),
        "gemini-2.5-flash",
        {"stream": True},
        "https://generativelanguage.googleapis.com:443/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "gemini",
    ),
    (
        Deployment("vertex", "vertex", region="europe-west1", values={"project": "acme", "location": "europe-west1"}),
        "gemini-2.5-pro",
        {},
        "https://europe-west1-aiplatform.googleapis.com:443/v1/projects/acme/locations/europe-west1/publishers/google/models/"
        "gemini-2.5-pro:generateContent",
        "gemini",
    ),
    (
        Deployment("vertex", "vertex", region="global", values={"project": "acme", "location": "global"}),
        "claude-sonnet-4-6",
        {"stream": True},
        "https://aiplatform.googleapis.com:443/v1/projects/acme/locations/global/publishers/anthropic/models/"
        "claude-sonnet-4-6:streamRawPredict",
        "anthropic-messages",
    ),
    (
        Deployment("bedrock", "bedrock", region="eu-central-1", values={"location": "eu-central-1"}),
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        {"stream": True, "dialect": "anthropic-messages"},
        "https://bedrock-runtime.eu-central-1.amazonaws.com:443/model/eu.anthropic.claude-haiku-4-5-20251001-v1:0/converse-stream",
        "bedrock-converse",
    ),
    (
        Deployment("azure", "azure-openai", host="acme.openai.azure.com"),
        "our-gpt",
        {},
        "https://acme.openai.azure.com:443/openai/v1/chat/completions",
        "openai-chat",
    ),
    (
        Deployment("local", "ollama", url="http://10.0.0.7:11434"),
        "llama3.2",
        {"dialect": "gemini"},
        "http://10.0.0.7:11434/api/chat",
        "ollama",
    ),
]


@pytest.mark.parametrize(
    ("deployment", "model", "how", "url", "dialect"), CASES, ids=[f"{case[0].name}-{case[4]}-{n}" for n, case in enumerate(CASES)]
)
def test_a_target_is_reached_where_its_provider_serves_it(
    deployment: Deployment, model: str, how: dict[str, object], url: str, dialect: str
) -> None:
    """
    The client's own dialect where the provider speaks it, else the provider's main one; the newest common path.
    """
    place = reach(deployment, model, **how)  # type: ignore[arg-type]

    assert isinstance(place, Place), place
    assert f"{place.scheme}://{place.host}:{place.port}{place.path}" == url
    assert place.call.dialect == dialect and place.call.model == model


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        (Deployment("azure", "azure-openai"), "needs a host"),
        (Deployment("vertex", "vertex", region="europe-west1", values={"location": "europe-west1"}), "needs project"),
        (Deployment("voyage", "voyage"), "no operation of this kind"),
    ],
)
def test_what_is_missing_is_named(deployment: Deployment, said: str) -> None:
    """
    A target that cannot be reached says what its entry lacks.
    """
    found = reach(deployment, "gemini-2.5-pro")

    assert isinstance(found, str) and said in found


@pytest.mark.parametrize("model", ["../../admin", "a/b?x=1", "a b", "x#y", "%2e%2e"])
def test_a_model_never_leaves_its_place_in_the_path(model: str) -> None:
    """
    A model's name is encoded whole: no name makes another path of it.
    """
    place = reach(Deployment("gemini", "gemini"), model)

    assert isinstance(place, Place)
    path, _, query = place.path.partition("?")
    assert query == "" and "#" not in path and path.count("/") == 3
