"""
Agents: loops in which a model calls tools, gets their results, and goes on until it has nothing more to call. The SDK's own runner where it
has one, a popular library where one is in use, a loop as its documentation writes it else.

None of them knows what provider answers, and none repairs anything: what does not fit its dialect breaks it.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from e2e.proxy import Proxy
from e2e.unified import make_key

MOST_ROUNDS = 8  # a loop that has not ended by then never does
INSTRUCTIONS = "You keep the harbour's ledger."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "Where."}}, "required": ["city"]}


@dataclass(frozen=True, slots=True)
class At:
    """
    Where an agent finds its models.
    """

    base: str
    key: str


@dataclass(slots=True)
class Told:
    """
    What an agent ended with, and the conversation in its own dialect's words, to be gone on with.
    """

    text: str
    history: Any = field(repr=False)


def agent_key(proxy: Proxy) -> str:
    """
    A virtual key that works.
    """
    made = make_key(proxy, "agent")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(f"{proxy.url}/v1/models", headers={"authorization": f"Bearer {made}"})

    def known() -> bool:
        try:
            with opener.open(asked, timeout=10):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return False

    proxy.until(known, 10, "the key")
    return made


class Toolbox:
    """
    Python functions that write down how they were called.

    Args:
        values: What `get_weather` answers with beside its argument.
        fails: `get_time` raises.
    """

    def __init__(self, values: str = "18 C", *, fails: bool = False) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._values = values
        self._fails = fails

    def functions(self) -> list[Callable[..., str]]:
        """
        As the SDKs like them: typed, and with a docstring they read.
        """

        def get_weather(city: str) -> str:
            """Weather now.

            Args:
                city: Where.
            """
            self.calls.append(("get_weather", {"city": city}))
            return f"{self._values} in {city}"

        def get_time(city: str) -> str:
            """Local time.

            Args:
                city: Where.
            """
            self.calls.append(("get_time", {"city": city}))
            if self._fails:
                raise ValueError("the clock is broken")
            return f"noon in {city}"

        return [get_weather, get_time]

    def run(self, name: str, arguments: Any) -> str:
        """
        Call by name, as a hand-written loop does.
        """
        given = json.loads(arguments) if isinstance(arguments, str) else dict(arguments)
        return next(function for function in self.functions() if function.__name__ == name)(**given)

    def attempt(self, name: str, arguments: Any) -> tuple[str, bool]:
        """
        The same; what a tool raises is told, with True.
        """
        try:
            return self.run(name, arguments), False
        except ValueError as error:
            return str(error), True

    def openai(self) -> list[dict[str, Any]]:
        """
        Declared as OpenAI's chat has it, and its followers.
        """
        return [
            {"type": "function", "function": {"name": name, "description": text, "parameters": SCHEMA}}
            for name, text in (("get_weather", "Weather now."), ("get_time", "Local time."))
        ]


def assert_quoted(text: str, results: Any) -> None:
    """
    The stand-in says which tool said what, in order; some dialects have a JSON object around a result.
    """
    for name, said in results:
        assert re.search(rf"""{name} said (\{{"\w+": ?")?{re.escape(said)}("}})?[;.]""", text), text


type Agent = Callable[..., Told]  # at, model, prompt, toolbox, stream, history


def openai_agents(api: str) -> Agent:
    """
    The Agents SDK over one of OpenAI's two dialects.
    """

    def run(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, think: bool = False) -> Told:
        return asyncio.run(_openai_agents(api, at, model, prompt, box, stream, history or [], think))

    return run


async def _openai_agents(api: str, at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: list[Any], think: bool) -> Told:
    import agents
    import openai

    async with openai.AsyncOpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        wrapped: Any = {"chat": agents.OpenAIChatCompletionsModel, "responses": agents.OpenAIResponsesModel}[api](model, client)
        settings: dict[str, Any] = {"parallel_tool_calls": True, "store": False if api == "responses" else None}
        if think:
            effort = openai.types.Reasoning(effort="high", summary="auto")
            settings |= {"response_include": ["reasoning.encrypted_content"], "reasoning": effort}
        agent = agents.Agent(
            name="keeper",
            instructions=INSTRUCTIONS,
            model=wrapped,
            model_settings=agents.ModelSettings(**settings),
            tools=[agents.function_tool(function) for function in box.functions()],
        )
        asked = [*history, {"role": "user", "content": prompt}]
        config = agents.RunConfig(tracing_disabled=True)
        if not stream:
            result: Any = await agents.Runner.run(agent, asked, run_config=config, max_turns=MOST_ROUNDS)
            return Told(result.final_output, result.to_input_list())
        result = agents.Runner.run_streamed(agent, asked, run_config=config, max_turns=MOST_ROUNDS)
        deltas = ""
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                deltas += event.data.delta
        assert deltas.endswith(result.final_output)
        return Told(result.final_output, result.to_input_list())


def openai_chat(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None) -> Told:
    """
    A loop over `chat.completions`, streamed by its `stream` helper.
    """
    import openai

    messages: list[Any] = [*(history or [{"role": "system", "content": INSTRUCTIONS}]), {"role": "user", "content": prompt}]
    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        for _ in range(MOST_ROUNDS):
            asked: dict[str, Any] = {"model": model, "messages": messages, "tools": box.openai()}
            if stream:
                with client.chat.completions.stream(**asked) as events:
                    for _event in events:
                        pass
                    choice = events.get_final_completion().choices[0]
            else:
                choice = client.chat.completions.create(**asked).choices[0]
            messages.append(_chat_turn(choice.message))
            if choice.finish_reason != "tool_calls":
                return Told(choice.message.content or "", messages)
            for call in choice.message.tool_calls or ():
                said, _ = box.attempt(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
    raise AssertionError("the loop does not end")


def _chat_turn(message: Any) -> dict[str, Any]:
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
        for call in message.tool_calls or ()
    ]
    return {"role": "assistant", "content": message.content, **({"tool_calls": calls} if calls else {})}


def anthropic_runner(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, **more: Any) -> Told:
    """
    `client.beta.messages.tool_runner`.
    """
    import anthropic
    from anthropic.lib.tools import beta_tool

    messages: list[Any] = [*(history or []), {"role": "user", "content": prompt}]
    with anthropic.Anthropic(base_url=at.base, api_key=at.key, max_retries=0) as client:
        runner: Any = client.beta.messages.tool_runner(
            model=model,
            max_tokens=more.pop("max_tokens", 2000),
            system=INSTRUCTIONS,
            messages=messages,
            tools=[beta_tool(function) for function in box.functions()],
            max_iterations=MOST_ROUNDS,
            stream=stream,
            **{"thread": False, **more},
        )
        for turn in runner:
            message = turn.get_final_message() if stream else turn
            said = {"role": "assistant", "content": [_anthropic_block(block) for block in message.content]}
            results = runner.generate_tool_call_response()
            messages += [said, results] if results else [said]
    return Told("".join(block.text for block in message.content if block.type == "text"), messages)


def _anthropic_block(block: Any) -> dict[str, Any]:
    # What the SDK adds for itself is no part of the API.
    return {name: value for name, value in block.to_dict().items() if name != "parsed_output"}


def genai_functions(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, **more: Any) -> Told:
    """
    Automatic function calling of google-genai: python functions as tools.
    """
    from google import genai
    from google.genai import types

    contents = [*(history or []), types.Content(role="user", parts=[types.Part(text=prompt)])]
    config = types.GenerateContentConfig(
        system_instruction=INSTRUCTIONS,
        tools=box.functions(),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(maximum_remote_calls=MOST_ROUNDS),
        **more,
    )
    with genai.Client(api_key=at.key, http_options=types.HttpOptions(base_url=at.base)) as client:
        if not stream:
            answer = client.models.generate_content(model=model, contents=contents, config=config)
            assert not answer.function_calls
            return Told(answer.text or "", [*(answer.automatic_function_calling_history or contents), answer.candidates[0].content])
        last: Any = None
        parts: list[Any] = []
        for chunk in client.models.generate_content_stream(model=model, contents=contents, config=config):
            last = chunk.automatic_function_calling_history or last
            parts = _latest(parts, chunk)
        text = "".join(part.text or "" for part in parts if not part.thought)
        return Told(text, [*(last or contents), types.Content(role="model", parts=parts)])


def _latest(parts: list[Any], chunk: Any) -> list[Any]:
    """
    Parts of the last round, as far as it has come.
    """
    given = chunk.parts or []
    return [] if any(part.function_call or part.function_response for part in given) else [*parts, *given]


def genai_chat(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None) -> Told:
    """
    A chat of google-genai, which keeps the history by itself.
    """
    from google import genai
    from google.genai import types

    config = types.GenerateContentConfig(
        system_instruction=INSTRUCTIONS,
        tools=box.functions(),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(maximum_remote_calls=MOST_ROUNDS),
    )
    with genai.Client(api_key=at.key, http_options=types.HttpOptions(base_url=at.base)) as client:
        chat = client.chats.create(model=model, config=config, history=history)
        if not stream:
            text = chat.send_message(prompt).text or ""
        else:
            parts: list[Any] = []
            for chunk in chat.send_message_stream(prompt):
                parts = _latest(parts, chunk)
            text = "".join(part.text or "" for part in parts)
        return Told(text, chat.get_history())


def boto3_loop(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, **more: Any) -> Told:
    """
    A loop over Converse; base and key stand in the environment.
    """
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    messages: list[Any] = [*(history or []), {"role": "user", "content": [{"text": prompt}]}]
    tools = [
        {"toolSpec": {"name": name, "description": text, "inputSchema": {"json": SCHEMA}}}
        for name, text in (("get_weather", "Weather now."), ("get_time", "Local time."))
    ]
    client = boto3.client("bedrock-runtime", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
    with closing(client):
        for _ in range(MOST_ROUNDS):
            asked = {"modelId": model, "messages": messages, "system": [{"text": INSTRUCTIONS}], "toolConfig": {"tools": tools}, **more}
            if stream:
                said, reason = _converse_stream(client.converse_stream(**asked)["stream"])
            else:
                answer = client.converse(**asked)
                said, reason = answer["output"]["message"], answer["stopReason"]
            messages.append(said)
            if reason != "tool_use":
                return Told("".join(block.get("text", "") for block in said["content"]), messages)
            results = []
            for call in (block["toolUse"] for block in said["content"] if "toolUse" in block):
                text, failed = box.attempt(call["name"], call["input"])
                status = {"status": "error"} if failed else {}
                results.append({"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": text}], **status}})
            messages.append({"role": "user", "content": results})
    raise AssertionError("the loop does not end")


def _converse_stream(events: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], str | None]:
    """
    The message that a stream gives piece by piece, as AWS's examples put it together.
    """
    blocks: dict[int, dict[str, Any]] = {}
    reason = None
    for event in events:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        elif "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]["delta"]
            block = blocks.setdefault(event["contentBlockDelta"]["contentBlockIndex"], {})
            if "toolUse" in delta:
                block["toolUse"]["input"] += delta["toolUse"]["input"]
            elif "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            elif "redactedContent" in delta.get("reasoningContent", {}):
                block["reasoningContent"] = delta["reasoningContent"]
            elif "reasoningContent" in delta:
                thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
                thought["text"] += delta["reasoningContent"].get("text", "")
                if "signature" in delta["reasoningContent"]:
                    thought["signature"] = delta["reasoningContent"]["signature"]
        elif "messageStop" in event:
            reason = event["messageStop"]["stopReason"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return {"role": "assistant", "content": [block for _, block in sorted(blocks.items()) if block]}, reason


def cohere_loop(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None) -> Told:
    """
    A loop over v2 chat, as Cohere's guide to tool use writes it.
    """
    import cohere

    messages: list[Any] = [*(history or [{"role": "system", "content": INSTRUCTIONS}]), {"role": "user", "content": prompt}]
    with cohere.ClientV2(api_key=at.key, base_url=at.base, max_retries=0) as client:
        for _ in range(MOST_ROUNDS):
            asked: dict[str, Any] = {"model": model, "messages": messages, "tools": box.openai()}
            if stream:
                said, reason = _cohere_stream(client.chat_stream(**asked))
            else:
                answer = client.chat(**asked)
                reason, message = answer.finish_reason, answer.message
                said = {"role": "assistant"}
                if message.tool_calls:
                    said["tool_calls"] = [call.model_dump(exclude_none=True) for call in message.tool_calls]
                    if message.tool_plan:
                        said["tool_plan"] = message.tool_plan
                said["content"] = "".join(part.text for part in message.content or () if part.type == "text")
            if not said["content"] and said.get("tool_calls"):
                del said["content"]
            messages.append(said)
            if reason != "TOOL_CALL":
                return Told(said["content"], messages)
            for call in said["tool_calls"]:
                text, _ = box.attempt(call["function"]["name"], call["function"]["arguments"])
                content = [{"type": "document", "document": {"data": json.dumps({"result": text})}}]
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise AssertionError("the loop does not end")


def _cohere_stream(events: Iterable[Any]) -> tuple[dict[str, Any], str | None]:
    said: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: list[Any] = []
    reason = None
    for event in events:
        match event.type:
            case "tool-plan-delta":
                said["tool_plan"] = said.get("tool_plan", "") + event.delta.message.tool_plan
            case "tool-call-start":
                calls.append(event.delta.message.tool_calls.model_dump(exclude_none=True))
            case "tool-call-delta":
                calls[-1]["function"]["arguments"] += event.delta.message.tool_calls.function.arguments
            case "content-delta":
                said["content"] += event.delta.message.content.text or ""
            case "message-end":
                reason = event.delta.finish_reason
    return said | ({"tool_calls": calls} if calls else {}), reason


def mistral_loop(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None) -> Told:
    """
    A loop over Mistral's chat.
    """
    from mistralai.client import Mistral

    messages: list[Any] = [*(history or [{"role": "system", "content": INSTRUCTIONS}]), {"role": "user", "content": prompt}]
    with Mistral(api_key=at.key, server_url=f"{at.base}/mistral") as client:
        for _ in range(MOST_ROUNDS):
            asked: dict[str, Any] = {"model": model, "messages": messages, "tools": box.openai()}
            if stream:
                text, calls, reason = "", [], None
                for event in client.chat.stream(**asked):
                    for choice in event.data.choices:
                        text += choice.delta.content or ""
                        calls += choice.delta.tool_calls or ()
                        reason = choice.finish_reason or reason
            else:
                choice = client.chat.complete(**asked).choices[0]
                text, calls, reason = choice.message.content or "", choice.message.tool_calls or [], choice.finish_reason
            said = {"role": "assistant", "content": text}
            messages.append(said | ({"tool_calls": [call.model_dump() for call in calls]} if calls else {}))
            if reason != "tool_calls":
                return Told(text, messages)
            for call in calls:
                result, _ = box.attempt(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "name": call.function.name, "content": result, "tool_call_id": call.id})
    raise AssertionError("the loop does not end")


def ollama_loop(at: At, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None) -> Told:
    """
    A loop over Ollama's chat, with python functions as tools.
    """
    import ollama

    messages: list[Any] = [*(history or [{"role": "system", "content": INSTRUCTIONS}]), {"role": "user", "content": prompt}]
    client = ollama.Client(host=at.base, headers={"Authorization": f"Bearer {at.key}"})
    with closing(client._client):
        for _ in range(MOST_ROUNDS):
            answer: Any = client.chat(model=model, messages=messages, tools=box.functions(), stream=stream)
            text, calls = "", []
            for part in answer if stream else [answer]:
                text += part.message.content or ""
                calls += part.message.tool_calls or ()
            messages.append(ollama.Message(role="assistant", content=text, tool_calls=calls or None))
            if not calls:
                return Told(text, messages)
            for call in calls:
                result, _ = box.attempt(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "content": result, "tool_name": call.function.name})
    raise AssertionError("the loop does not end")


# Agent -> the dialect it speaks, by the names of `unified.CLIENTS`.
AGENTS: dict[str, tuple[Agent, str]] = {
    "agents-chat": (openai_agents("chat"), "openai-chat"),
    "agents-responses": (openai_agents("responses"), "openai-responses"),
    "openai-stream-helper": (openai_chat, "openai-chat"),
    "anthropic-runner": (anthropic_runner, "anthropic-messages"),
    "genai-functions": (genai_functions, "gemini"),
    "genai-chat": (genai_chat, "gemini"),
    "boto3-converse": (boto3_loop, "bedrock-converse"),
    "cohere": (cohere_loop, "cohere-v2"),
    "mistral": (mistral_loop, "mistral-chat"),
    "ollama-functions": (ollama_loop, "ollama"),
}
