"""
Objects of a class as answers, and pictures as questions, from each SDK's own helpers to every provider.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e import unified
from e2e.agent_runs import At, agent_key
from e2e.proxy import Proxy, running_proxy
from e2e.unified_inputs import PARSERS, SHOWS, Harbour
from excise.standin import StandIn
from excise.standin.media import PNG, Media

VISION = {
    **unified.TARGETS,
    "cohere-v2": "cohere/command-a-vision-07-2025",
    "ollama": "ollama/llava",
}
# Of Amazon's own models none takes a schema, and a client that speaks to Bedrock in Bedrock's words is told so.
CLAUDE = "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"
BLIND = ("cohere/command-a-03-2025",)


@pytest.fixture(scope="module")
def endpoint(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy with credentials of its own for every provider.
    """
    policies = unified.write_policy(tmp_path_factory.mktemp("policies"))
    with running_proxy(tmp_path_factory.mktemp("endpoint"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def at(endpoint: Proxy) -> At:
    return At(endpoint.url, agent_key(endpoint))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("target", unified.TARGETS)
@pytest.mark.parametrize("client", PARSERS)
def test_helpers_give_objects(client: str, target: str, stream: bool, endpoint: Proxy, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The SDK's own helper for a pydantic class gets an instance of it, whether the provider knows schemas or calls a tool in their stead.
    """
    unified.surround(monkeypatch, endpoint, at.key, client)

    model = CLAUDE if client == target == "bedrock-converse" else unified.TARGETS[target]

    found = PARSERS[client](at, model, "echo: Ada", stream)

    assert isinstance(found, Harbour)
    assert found.keeper == "Ada"


@pytest.mark.parametrize("target", VISION)
@pytest.mark.parametrize("client", SHOWS)
def test_pictures_are_seen(client: str, target: str, endpoint: Proxy, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The provider's model says what it sees: the type and every byte of the picture the client showed.
    """
    unified.surround(monkeypatch, endpoint, at.key, client)

    assert f"I see {Media('image/png', PNG).seen}" in SHOWS[client](at, VISION[target])


@pytest.mark.parametrize("model", BLIND)
def test_pictures_for_the_blind_are_refused(model: str, at: At, own_standin: StandIn) -> None:
    """
    A model that sees nothing is not asked about a picture; leaving it out would be an answer about something else.
    """
    import openai

    before = len(own_standin.seen)
    with pytest.raises(openai.BadRequestError, match=r"image|pictures"):
        SHOWS["openai-chat"](at, model)
    assert len(own_standin.seen) == before
