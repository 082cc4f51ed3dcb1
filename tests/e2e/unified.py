"""
One base URL, one key: official SDKs of every dialect at the proxy's own port, and a policy that reaches every provider from there.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.proxy import EXCISE, Proxy
from e2e.ways import PROXIES

PROVIDER_KEY = "standin-key-of-the-house"
POLICY = """\
version: 1
defaults: {failover: off}
providers:
- {provider: openai, key: file:provider.key}
- {provider: anthropic, key: file:provider.key}
- {provider: gemini, key: file:provider.key}
- {provider: mistral, key: file:provider.key}
- {provider: cohere, key: file:provider.key}
- {provider: bedrock, region: us-east-1, key: file:provider.key}
- {provider: ollama, key: file:provider.key, models: [llama3.2]}
aliases:
  fast: [anthropic/claude-haiku-4-5, openai/gpt-4o-mini]
default: allow
"""
TARGETS = {
    "openai-chat": "openai/gpt-4o-mini",
    "anthropic-messages": "anthropic/claude-haiku-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "mistral-chat": "mistral/mistral-small-latest",
    "cohere-v2": "cohere/command-a-03-2025",
    "bedrock-converse": "bedrock/amazon.nova-lite-v1:0",
    "ollama": "ollama/llama3.2",
}


def write_policy(folder: Path, text: str = POLICY) -> Path:
    """
    A folder with the policy and the key it refers to.
    """
    (folder / "provider.key").write_text(PROVIDER_KEY)
    (folder / "default.yml").write_text(text)
    return folder


def make_key(proxy: Proxy, name: str = "tester", *more: str) -> str:
    """
    A virtual key, as an operator makes one.
    """
    done = subprocess.run(
        [str(EXCISE), "keys", "create", name, "--data", str(proxy.data), "--json", *more],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    key: str = json.loads(done.stdout)["key"]
    return key


@dataclass(frozen=True, slots=True)
class Turn:
    """
    What a client got: text, and names of tools called with their arguments.
    """

    text: str
    calls: tuple[tuple[str, Any], ...] = ()
    reason: str | None = None


def surround(monkeypatch: pytest.MonkeyPatch, proxy: Proxy, key: str, client: str) -> None:
    """
    The environment of one client: none of a proxy, for it is spoken to as a server; but for boto3.
    """
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    if client == "bedrock-converse":
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(proxy.ready["ca"]))


Ask = Callable[[str, str, str, str, bool], Turn]  # base URL, key, model, prompt, stream


def openai_chat(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    import openai

    with openai.OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0) as client:
        if not stream:
            choice = client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}]).choices[0]
            return Turn(choice.message.content or "", reason=choice.finish_reason)
        text, reason = "", None
        for chunk in client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}], stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
        return Turn(text, reason=reason)


def openai_responses(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    import openai

    with openai.OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0) as client:
        if not stream:
            answer = client.responses.create(model=model, input=prompt)
            return Turn(answer.output_text, reason=answer.status)
        with client.responses.stream(model=model, input=prompt) as events:
            for _ in events:
                pass
            final = events.get_final_response()
        return Turn(final.output_text, reason=final.status)


def anthropic_messages(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    import anthropic

    with anthropic.Anthropic(base_url=base, api_key=key, max_retries=0) as client:
        asked: dict[str, Any] = {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": prompt}]}
        if not stream:
            message = client.messages.create(**asked)
        else:
            with client.messages.stream(**asked) as events:
                message = events.get_final_message()
        return Turn("".join(block.text for block in message.content if block.type == "text"), reason=message.stop_reason)


def gemini(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    from google import genai
    from google.genai import types

    with genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base)) as client:
        if not stream:
            answer = client.models.generate_content(model=model, contents=prompt)
            return Turn(answer.text or "", reason=str(answer.candidates[0].finish_reason.value))
        text, reason = "", None
        for chunk in client.models.generate_content_stream(model=model, contents=prompt):
            text += chunk.text or ""
            for candidate in chunk.candidates or ():
                reason = candidate.finish_reason.value if candidate.finish_reason else reason
        return Turn(text, reason=reason)


def mistral(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    from mistralai.client import Mistral

    with Mistral(api_key=key, server_url=f"{base}/mistral") as client:
        if not stream:
            choice = client.chat.complete(model=model, messages=[{"role": "user", "content": prompt}]).choices[0]
            return Turn(str(choice.message.content), reason=choice.finish_reason)
        text, reason = "", None
        for event in client.chat.stream(model=model, messages=[{"role": "user", "content": prompt}]):
            for choice in event.data.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
        return Turn(text, reason=reason)


def cohere(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    import cohere as sdk

    with sdk.ClientV2(api_key=key, base_url=base, max_retries=0) as client:
        asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}]}
        if not stream:
            answer = client.chat(**asked)
            return Turn("".join(part.text for part in answer.message.content or ()), reason=answer.finish_reason)
        text, reason = "", None
        for event in client.chat_stream(**asked):
            if event.type == "content-delta":
                text += event.delta.message.content.text or ""
            elif event.type == "message-end":
                reason = event.delta.finish_reason
        return Turn(text, reason=reason)


def bedrock(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config

    # boto3 sends bearer keys to HTTPS endpoints alone, so it comes by HTTPS_PROXY; the key stands in the environment: see `surround`.
    del base, key
    client = boto3.client("bedrock-runtime", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
    asked: dict[str, Any] = {"modelId": model, "messages": [{"role": "user", "content": [{"text": prompt}]}]}
    with closing(client):
        if not stream:
            answer = client.converse(**asked)
            text = "".join(block.get("text", "") for block in answer["output"]["message"]["content"])
            return Turn(text, reason=answer["stopReason"])
        text, reason = "", None
        for event in client.converse_stream(**asked)["stream"]:
            text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
            reason = event.get("messageStop", {}).get("stopReason", reason)
    return Turn(text, reason=reason)


def ollama(base: str, key: str, model: str, prompt: str, stream: bool) -> Turn:
    import ollama as sdk

    client = sdk.Client(host=base, headers={"Authorization": f"Bearer {key}"})
    asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    with closing(client._client):
        if not stream:
            answer = client.chat(**asked, stream=False)
            return Turn(answer.message.content or "", reason=answer.done_reason)
        text, reason = "", None
        for part in client.chat(**asked, stream=True):
            text += part.message.content or ""
            reason = part.done_reason or reason
    return Turn(text, reason=reason)


CLIENTS: dict[str, tuple[Ask, Sequence[str]]] = {
    # What each dialect calls an ordinary end.
    "openai-chat": (openai_chat, ("stop",)),
    "openai-responses": (openai_responses, ("completed",)),
    "anthropic-messages": (anthropic_messages, ("end_turn",)),
    "gemini": (gemini, ("STOP",)),
    "mistral-chat": (mistral, ("stop",)),
    "cohere-v2": (cohere, ("COMPLETE",)),
    "bedrock-converse": (bedrock, ("end_turn",)),
    "ollama": (ollama, ("stop",)),
}
