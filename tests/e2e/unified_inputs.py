"""
How each SDK asks for an object of a class, and how it shows a picture.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

from pydantic import BaseModel

from e2e.agent_runs import At
from excise.standin.media import PNG


class Ship(BaseModel):
    name: str
    lanterns: int


class Harbour(BaseModel):
    """
    With a list, an object inside, and something that may be left out: what strict forms of schemas treat in ways of their own.
    """

    keeper: str
    ships: list[Ship]
    motto: str | None = None


SCHEMA = Harbour.model_json_schema()

type Parse = Callable[[At, str, str, bool], Harbour]  # at, model, prompt, stream


def _user(prompt: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": prompt}]


def openai_chat(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    import openai

    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        if not stream:
            answer = client.chat.completions.parse(model=model, messages=_user(prompt), response_format=Harbour)
            return answer.choices[0].message.parsed
        with client.chat.completions.stream(model=model, messages=_user(prompt), response_format=Harbour) as events:
            for _ in events:
                pass
            return events.get_final_completion().choices[0].message.parsed


def openai_responses(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    import openai

    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        if not stream:
            return client.responses.parse(model=model, input=prompt, text_format=Harbour).output_parsed
        with client.responses.stream(model=model, input=prompt, text_format=Harbour) as events:
            for _ in events:
                pass
            return events.get_final_response().output_parsed


def anthropic_messages(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    import anthropic

    asked: dict[str, Any] = {"model": model, "max_tokens": 500, "messages": _user(prompt), "output_format": Harbour}
    with anthropic.Anthropic(base_url=at.base, api_key=at.key, max_retries=0) as client:
        if not stream:
            return client.messages.parse(**asked).parsed_output
        with client.messages.stream(**asked) as events:
            return events.get_final_message().parsed_output


def gemini(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    from google import genai
    from google.genai import types

    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Harbour)
    with genai.Client(api_key=at.key, http_options=types.HttpOptions(base_url=at.base)) as client:
        if not stream:
            return client.models.generate_content(model=model, contents=prompt, config=config).parsed
        chunks = client.models.generate_content_stream(model=model, contents=prompt, config=config)
        return Harbour.model_validate_json("".join(chunk.text or "" for chunk in chunks))


def mistral(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    from mistralai.client import Mistral

    with Mistral(api_key=at.key, server_url=f"{at.base}/mistral") as client:
        if not stream:
            return client.chat.parse(Harbour, model=model, messages=_user(prompt)).choices[0].message.parsed
        events = client.chat.parse_stream(Harbour, model=model, messages=_user(prompt))
        return Harbour.model_validate_json("".join(choice.delta.content or "" for event in events for choice in event.data.choices))


def cohere(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    import cohere as sdk

    asked: dict[str, Any] = {"model": model, "messages": _user(prompt), "response_format": {"type": "json_object", "schema": SCHEMA}}
    with sdk.ClientV2(api_key=at.key, base_url=at.base, max_retries=0) as client:
        if not stream:
            return Harbour.model_validate_json(client.chat(**asked).message.content[0].text)
        events = client.chat_stream(**asked)
        return Harbour.model_validate_json("".join(event.delta.message.content.text for event in events if event.type == "content-delta"))


def bedrock(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    import boto3  # type: ignore[import-untyped]

    shape = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(_closed(SCHEMA)), "name": "harbour"}}}
    asked: dict[str, Any] = {"modelId": model, "messages": [{"role": "user", "content": [{"text": prompt}]}]}
    asked["outputConfig"] = {"textFormat": shape}
    with closing(boto3.client("bedrock-runtime", region_name="us-east-1")) as client:
        if not stream:
            return Harbour.model_validate_json(client.converse(**asked)["output"]["message"]["content"][0]["text"])
        events = client.converse_stream(**asked)["stream"]
        return Harbour.model_validate_json("".join(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in events))


def _closed(schema: Any) -> Any:
    """
    As Bedrock's guide has it: objects say that they hold nothing further.
    """
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _closed(part) for name, part in schema.items()}
    return {**inner, "additionalProperties": False} if inner.get("type") == "object" else inner


def ollama(at: At, model: str, prompt: str, stream: bool) -> Harbour:
    import ollama as sdk

    client = sdk.Client(host=at.base, headers={"Authorization": f"Bearer {at.key}"})
    with closing(client._client):
        answer: Any = client.chat(model=model, messages=_user(prompt), format=SCHEMA, stream=stream)
        return Harbour.model_validate_json("".join(part.message.content or "" for part in (answer if stream else [answer])))


PARSERS: dict[str, Parse] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic-messages": anthropic_messages,
    "gemini": gemini,
    "mistral-chat": mistral,
    "cohere-v2": cohere,
    "bedrock-converse": bedrock,
    "ollama": ollama,
}

# -- pictures --------------------------------------------------------------------------------------------------------------------------

DATA = base64.b64encode(PNG).decode()
URL = f"data:image/png;base64,{DATA}"

type Show = Callable[[At, str], str]  # at, model


def _shown(form: str) -> list[dict[str, Any]]:
    picture: Any = {"url": URL} if form == "object" else URL
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": picture}]}]


def show_openai_chat(at: At, model: str) -> str:
    import openai

    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        return client.chat.completions.create(model=model, messages=_shown("object")).choices[0].message.content


def show_openai_responses(at: At, model: str) -> str:
    import openai

    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": URL}]
    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        return client.responses.create(model=model, input=[{"role": "user", "content": content}]).output_text


def show_anthropic(at: At, model: str) -> str:
    import anthropic

    source = {"type": "base64", "media_type": "image/png", "data": DATA}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    with anthropic.Anthropic(base_url=at.base, api_key=at.key, max_retries=0) as client:
        return client.messages.create(model=model, max_tokens=500, messages=[{"role": "user", "content": content}]).content[0].text


def show_gemini(at: At, model: str) -> str:
    from google import genai
    from google.genai import types

    contents = [types.Part.from_bytes(data=PNG, mime_type="image/png"), "What is this?"]
    with genai.Client(api_key=at.key, http_options=types.HttpOptions(base_url=at.base)) as client:
        return client.models.generate_content(model=model, contents=contents).text


def show_mistral(at: At, model: str) -> str:
    from mistralai.client import Mistral

    with Mistral(api_key=at.key, server_url=f"{at.base}/mistral") as client:
        return client.chat.complete(model=model, messages=_shown("text")).choices[0].message.content


def show_cohere(at: At, model: str) -> str:
    import cohere as sdk

    with sdk.ClientV2(api_key=at.key, base_url=at.base, max_retries=0) as client:
        return client.chat(model=model, messages=_shown("object")).message.content[0].text


def show_bedrock(at: At, model: str) -> str:
    import boto3

    content = [{"text": "What is this?"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]
    with closing(boto3.client("bedrock-runtime", region_name="us-east-1")) as client:
        answer = client.converse(modelId=model, messages=[{"role": "user", "content": content}])
        return answer["output"]["message"]["content"][0]["text"]


def show_ollama(at: At, model: str) -> str:
    import ollama as sdk

    client = sdk.Client(host=at.base, headers={"Authorization": f"Bearer {at.key}"})
    with closing(client._client):
        answer: Any = client.chat(model=model, messages=[{"role": "user", "content": "What is this?", "images": [PNG]}], stream=False)
        return answer.message.content


SHOWS: dict[str, Show] = {
    "openai-chat": show_openai_chat,
    "openai-responses": show_openai_responses,
    "anthropic-messages": show_anthropic,
    "gemini": show_gemini,
    "mistral-chat": show_mistral,
    "cohere-v2": show_cohere,
    "bedrock-converse": show_bedrock,
    "ollama": show_ollama,
}
