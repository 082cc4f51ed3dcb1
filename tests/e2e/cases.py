"""
What clients do: one function a case, with the provider's official SDK. Each returns plain data, to be compared between two ways.

Nothing here knows of a proxy: clients are made as their documentation says, and find proxy and trust in the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

KEY = "standin-e2e-key"
QUESTION = "What leaves the harbour before dawn?"
PARAMETERS = {"type": "object", "properties": {"ship": {"type": "string"}, "lanterns": {"type": "integer"}}, "required": ["ship"]}
OPENAI_TOOLS = [{"type": "function", "function": {"name": "count_lanterns", "description": "Count.", "parameters": PARAMETERS}}]


@dataclass(frozen=True, slots=True)
class Case:
    """
    One call. `billed`: the provider charges for it, so the ledger must show tokens and cost.
    """

    name: str
    run: Callable[[], Any]
    billed: bool = True
    calls: int = 1


CASES: list[Case] = []


def case(*, billed: bool = True, calls: int = 1) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """
    Enter a function in the list under its own name.
    """

    def enter(run: Callable[[], Any]) -> Callable[[], Any]:
        CASES.append(Case(run.__name__, run, billed, calls))
        return run

    return enter


def _openai(key: str = KEY) -> Any:
    import openai

    return openai.OpenAI(api_key=key, max_retries=0)


def _user(text: str = QUESTION) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "You keep the harbour's ledger."}, {"role": "user", "content": text}]


@case()
def openai_chat() -> Any:
    with _openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=_user()).model_dump()


@case()
def openai_chat_from_cache() -> Any:
    with _openai() as client:
        return client.chat.completions.create(model="gpt-4o", messages=_user("from cache: " + QUESTION * 8)).model_dump()


@case()
def openai_chat_reasoning() -> Any:
    with _openai() as client:
        return client.chat.completions.create(model="gpt-5-mini", messages=_user("think hard: " + QUESTION)).model_dump()


@case()
def openai_chat_limited() -> Any:
    with _openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=_user(), max_completion_tokens=3).model_dump()


@case()
def openai_chat_tools() -> Any:
    with _openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=_user("use tool"), tools=OPENAI_TOOLS).model_dump()


@case()
def openai_chat_unicode() -> Any:
    text = "echo: grüße aus 東京 – 🚢 “quoted” \\ \x7f\t done"
    with _openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=_user(text)).model_dump()


@case()
def openai_stream() -> Any:
    with _openai() as client, client.chat.completions.create(model="gpt-4o-mini", messages=_user(), stream=True) as stream:
        return [chunk.model_dump() for chunk in stream]


@case()
def openai_stream_with_usage() -> Any:
    options = {"include_usage": True}
    with (
        _openai() as client,
        client.chat.completions.create(model="gpt-4o-mini", messages=_user(), stream=True, stream_options=options) as stream,
    ):
        return [chunk.model_dump() for chunk in stream]


@case()
def openai_stream_tools() -> Any:
    with (
        _openai() as client,
        client.chat.completions.create(model="gpt-4.1-mini", messages=_user("use tool"), tools=OPENAI_TOOLS, stream=True) as stream,
    ):
        return [chunk.model_dump() for chunk in stream]


@case()
def openai_completions() -> Any:
    with _openai() as client:
        return client.completions.create(model="gpt-3.5-turbo-instruct", prompt=QUESTION).model_dump()


@case()
def openai_completions_stream() -> Any:
    with _openai() as client, client.completions.create(model="gpt-3.5-turbo-instruct", prompt=QUESTION, stream=True) as stream:
        return [chunk.model_dump() for chunk in stream]


@case()
def openai_responses() -> Any:
    with _openai() as client:
        return client.responses.create(model="gpt-5-mini", input="think hard: " + QUESTION, instructions="Be brief.").model_dump()


@case()
def openai_responses_stream() -> Any:
    with _openai() as client, client.responses.create(model="gpt-4.1-mini", input=QUESTION, stream=True) as stream:
        return [event.model_dump() for event in stream]


@case()
def openai_responses_tools_stream() -> Any:
    tools: list[Any] = [{"type": "function", "name": "count_lanterns", "parameters": PARAMETERS, "strict": False}]
    with _openai() as client, client.responses.create(model="gpt-4.1-mini", input="use tool", tools=tools, stream=True) as stream:
        return [event.model_dump() for event in stream]


@case()
def openai_embeddings() -> Any:
    with _openai() as client:
        return client.embeddings.create(model="text-embedding-3-small", input=[QUESTION, "and after?"]).model_dump()


@case(billed=False)
def openai_models() -> Any:
    with _openai() as client:
        return [model.model_dump() for model in client.models.list()]


@case()
def openai_speech() -> Any:
    with _openai() as client:
        return client.audio.speech.create(model="tts-1", voice="alloy", input=QUESTION).content.hex()


def _anthropic(key: str = KEY) -> Any:
    import anthropic

    return anthropic.Anthropic(api_key=key, max_retries=0)


def _turn(text: str = QUESTION) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


ANTHROPIC_TOOLS = [{"name": "count_lanterns", "description": "Count.", "input_schema": PARAMETERS}]


@case()
def anthropic_messages() -> Any:
    with _anthropic() as client:
        message = client.messages.create(model="claude-sonnet-4-6", max_tokens=100, system="Be brief.", messages=_turn())
        return message.model_dump()


@case()
def anthropic_messages_cached() -> Any:
    system = [{"type": "text", "text": "from cache " + QUESTION * 9, "cache_control": {"type": "ephemeral"}}]
    with _anthropic() as client:
        message = client.messages.create(model="claude-haiku-4-5", max_tokens=100, system=system, messages=_turn("think hard"))
        return message.model_dump()


@case()
def anthropic_stream() -> Any:
    with _anthropic() as client, client.messages.stream(model="claude-haiku-4-5", max_tokens=100, messages=_turn()) as stream:
        return [event.model_dump() for event in stream]


@case()
def anthropic_tools() -> Any:
    with _anthropic() as client:
        message = client.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=_turn("use tool"), tools=ANTHROPIC_TOOLS)
        return message.model_dump()


@case()
def anthropic_tools_stream() -> Any:
    with (
        _anthropic() as client,
        client.messages.create(
            model="claude-haiku-4-5", max_tokens=100, messages=_turn("use tool"), tools=ANTHROPIC_TOOLS, stream=True
        ) as stream,
    ):
        return [event.model_dump() for event in stream]


@case(billed=False)
def anthropic_count_tokens() -> Any:
    with _anthropic() as client:
        return client.messages.count_tokens(model="claude-haiku-4-5", messages=_turn()).model_dump()


def _gemini(key: str = KEY) -> Any:
    from google import genai

    return genai.Client(api_key=key)


def _dump(answer: Any) -> Any:
    return answer.model_dump(mode="json", exclude={"sdk_http_response"})


@case()
def gemini_generate() -> Any:
    with _gemini() as client:
        return _dump(client.models.generate_content(model="gemini-2.5-flash", contents="think hard: " + QUESTION))


@case()
def gemini_generate_from_cache() -> Any:
    with _gemini() as client:
        return _dump(client.models.generate_content(model="gemini-2.5-pro", contents="from cache: " + QUESTION * 6))


@case()
def gemini_stream() -> Any:
    with _gemini() as client:
        return [_dump(chunk) for chunk in client.models.generate_content_stream(model="gemini-2.5-flash", contents=QUESTION)]


@case()
def gemini_tools() -> Any:
    from google.genai import types

    declared = types.FunctionDeclaration(name="count_lanterns", description="Count.", parameters_json_schema=PARAMETERS)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    with _gemini() as client:
        return _dump(client.models.generate_content(model="gemini-2.5-flash", contents="use tool", config=config))


def _mistral(key: str = KEY) -> Any:
    from mistralai.client import Mistral

    return Mistral(api_key=key)


@case()
def mistral_chat() -> Any:
    with _mistral() as client:
        return client.chat.complete(model="mistral-small-latest", messages=_turn()).model_dump()


@case()
def mistral_stream() -> Any:
    with _mistral() as client, client.chat.stream(model="mistral-small-latest", messages=_turn()) as stream:
        return [event.data.model_dump() for event in stream]


@case()
def mistral_tools() -> Any:
    with _mistral() as client:
        return client.chat.complete(model="mistral-small-latest", messages=_turn("use tool"), tools=OPENAI_TOOLS).model_dump()


def _cohere(key: str = KEY) -> Any:
    import cohere

    return cohere.ClientV2(api_key=key, max_retries=0)


@case()
def cohere_chat() -> Any:
    with _cohere() as client:
        return client.chat(model="command-a-03-2025", messages=_turn()).model_dump()


@case()
def cohere_stream() -> Any:
    with _cohere() as client:
        return [event.model_dump() for event in client.chat_stream(model="command-a-03-2025", messages=_turn())]


@case()
def cohere_tools() -> Any:
    with _cohere() as client:
        return client.chat(model="command-a-03-2025", messages=_turn("use tool"), tools=OPENAI_TOOLS).model_dump()


def _bedrock() -> Any:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    # The key comes from AWS_BEARER_TOKEN_BEDROCK, as AWS documents it.
    return boto3.client("bedrock-runtime", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))


def _bedrock_turn(text: str = QUESTION) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


BEDROCK_TOOLS = {"tools": [{"toolSpec": {"name": "count_lanterns", "description": "Count.", "inputSchema": {"json": PARAMETERS}}}]}


@case()
def bedrock_converse() -> Any:
    with closing(_bedrock()) as client:
        answer = client.converse(modelId="amazon.nova-lite-v1:0", messages=_bedrock_turn("from cache: " + QUESTION * 5))
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@case()
def bedrock_converse_stream() -> Any:
    with closing(_bedrock()) as client:
        return list(client.converse_stream(modelId="amazon.nova-lite-v1:0", messages=_bedrock_turn())["stream"])


@case()
def bedrock_tools_stream() -> Any:
    turn = _bedrock_turn("use tool")
    with closing(_bedrock()) as client:
        return list(client.converse_stream(modelId="amazon.nova-lite-v1:0", messages=turn, toolConfig=BEDROCK_TOOLS)["stream"])
