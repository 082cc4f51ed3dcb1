"""
Runs inside LiteLLM's own environment, not in ours: its translation of the same bytes, from what it is given to what it gives.

    python translation_peer.py JOBS.json

Reads a line `JOB SECONDS WAY` (a number, CPU seconds to go on for, `parsed` or `served`), writes a line of JSON:
`{"seconds": CPU seconds of one, "bytes": length of what it gave}` or `{"error": …}`.

`parsed` is the provider's own transformation alone; `served` of a stream is with the wrapper through which all of its streams go. Nothing
is sent, logged or counted; what it does beside translating (callbacks, cost, spend) is not in its times.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import httpx
import litellm
import orjson
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.litellm_core_utils.llm_response_utils.convert_dict_to_response import convert_to_model_response_object
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper
from litellm.llms.anthropic.chat.handler import ModelResponseIterator as AnthropicEvents
from litellm.llms.bedrock.chat.invoke_handler import AWSEventStreamDecoder
from litellm.llms.cohere.common_utils import CohereV2ModelResponseIterator
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
from litellm.llms.vertex_ai.gemini.transformation import transform_request_body
from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import ModelResponseIterator as GeminiEvents
from litellm.types.utils import ModelResponse, ModelResponseStream

try:  # where it stands in later versions, and in earlier ones
    from litellm.llms.anthropic.pass_through.adapters.transformation import AnthropicAdapter
except ImportError:
    from litellm.llms.anthropic.experimental_pass_through.adapters.transformation import AnthropicAdapter

litellm.telemetry = False
litellm.drop_params = True
CONFIGS = {
    "anthropic": litellm.AnthropicConfig,
    "bedrock": litellm.AmazonConverseConfig,
    "cohere": litellm.CohereV2ChatConfig,
    "gemini": litellm.GoogleAIStudioGeminiConfig,
}
PROVIDERS = {"gemini": "gemini", "anthropic": "anthropic", "bedrock": "bedrock", "cohere": "cohere_chat", "openai": "openai"}
SILENT = SimpleNamespace(post_call=lambda **_: None, optional_params={}, model_call_details={})
Job = Any


def request(job: Job) -> bytes:
    data = orjson.loads(job.pieces[0])
    if job.client == "anthropic-messages":
        return json.dumps(AnthropicAdapter().translate_completion_input_params(data)).encode()
    data.pop("model")
    messages = data.pop("messages")
    config = CONFIGS[job.peer]()
    params = config.map_openai_params(data, {}, job.model, drop_params=True)
    if job.peer == "gemini":
        body = transform_request_body(messages, job.model, params, "gemini", {}, None)
    else:
        body = config.transform_request(job.model, messages, params, {}, {})
    return json.dumps(body).encode()


def answer(job: Job) -> bytes:
    if job.client == "anthropic-messages":
        read = convert_to_model_response_object(response_object=orjson.loads(job.pieces[0]), model_response_object=ModelResponse())
        return json.dumps(AnthropicAdapter().translate_completion_output_params(read)).encode()
    raw = httpx.Response(200, content=job.pieces[0], headers={"content-type": "application/json"})
    made = CONFIGS[job.peer]().transform_response(
        model=job.model,
        raw_response=raw,
        model_response=ModelResponse(),
        logging_obj=SILENT,
        request_data={},
        messages=[],
        optional_params={},
        litellm_params={},
        encoding=None,
    )
    return bytes(made.model_dump_json(exclude_none=True).encode())


def chunks(job: Job) -> Iterator[Any]:
    """
    The provider's events, each as LiteLLM reads it. Lines are cut beforehand: that is not in its time.
    """
    match job.peer:
        case "anthropic":
            return iter(AnthropicEvents(iter(job.lines), sync_stream=True))
        case "gemini":
            return iter(GeminiEvents(iter(job.lines), sync_stream=True, logging_obj=SILENT))
        case "cohere":
            return iter(CohereV2ModelResponseIterator(iter(job.lines), sync_stream=True))
        case "bedrock":
            return AWSEventStreamDecoder(model=job.model).iter_bytes(iter(job.pieces))
    return (ModelResponseStream(**orjson.loads(line[6:])) for line in job.lines if line != "data: [DONE]")


def written(chunk: Any) -> bytes:
    text = json.dumps(chunk) if isinstance(chunk, dict) else chunk.model_dump_json(exclude_none=True, exclude_unset=True)
    return f"data: {text}\n\n".encode()


def parsed_stream(job: Job) -> bytes:
    if job.client == "anthropic-messages":
        adapted = AnthropicAdapter().translate_completion_output_params_streaming(chunks(job), model=job.model, is_async=False)
        return b"".join(adapted)
    return b"".join(map(written, chunks(job)))


def served_stream(job: Job) -> bytes:
    return asyncio.run(_served(job))


async def _served(job: Job) -> bytes:
    logging_obj = Logging(
        model=job.model,
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        call_type="acompletion",
        start_time=datetime.now(),
        litellm_call_id="bench",
        function_id="bench",
    )
    logging_obj.update_environment_variables(
        model=job.model, user="", optional_params={}, litellm_params={}, custom_llm_provider=PROVIDERS[job.peer]
    )

    async def given() -> AsyncIterator[Any]:
        for chunk in chunks(job):
            yield chunk

    wrapper = CustomStreamWrapper(
        completion_stream=given(),
        model=job.model,
        custom_llm_provider=PROVIDERS[job.peer],
        logging_obj=logging_obj,
        stream_options={"include_usage": True},
    )
    if job.client == "anthropic-messages":
        adapted = AnthropicAdapter().translate_completion_output_params_streaming(wrapper, model=job.model)
        return b"".join([part async for part in adapted])
    return b"".join([written(chunk) async for chunk in wrapper])


class Canned(httpx.AsyncBaseTransport):
    """
    Answers at once, with what the provider would say.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=self._body, headers={"content-type": "application/json"}, request=request)


LOOP = asyncio.new_event_loop()


def served_call(job: Job) -> bytes:
    return LOOP.run_until_complete(_served_call(job))


async def _served_call(job: Job) -> bytes:
    body = orjson.loads(job.pieces[0])
    body["model"] = f"{PROVIDERS[job.peer]}/{job.model}"
    made = await litellm.acompletion(**body, api_key="standin", client=job.http)
    return bytes(made.model_dump_json(exclude_none=True).encode())


def cost(work: Callable[[], object], seconds: float) -> float:
    done = 0
    started = time.thread_time()
    while (spent := time.thread_time() - started) < seconds or done < 3:
        work()
        done += 1
    return spent / done


def main() -> None:
    """
    One line in, one line out, until the input ends.
    """
    logging.disable(logging.CRITICAL)
    out, sys.stdout = sys.stdout, sys.stderr  # LiteLLM prints
    with open(sys.argv[1], encoding="ascii") as file:
        jobs = [SimpleNamespace(**job) for job in json.load(file)]
    for job in jobs:
        job.pieces = [base64.b64decode(piece) for piece in job.pieces]
        if job.kind == "stream" and job.peer != "bedrock":
            # Its reader of Cohere's events takes bare JSON, and not the last line; the others take every line.
            lines = [line for line in b"".join(job.pieces).decode().split("\n") if line.startswith("data:")]
            job.lines = [line[6:] for line in lines if line != "data: [DONE]"] if job.peer == "cohere" else lines
        if job.kind == "call":
            job.http = AsyncHTTPHandler()
            job.http.client = httpx.AsyncClient(transport=Canned(job.pieces[1]))
    ways = {
        "request": {"parsed": request},
        "answer": {"parsed": answer},
        "stream": {"parsed": parsed_stream, "served": served_stream},
        "call": {"served": served_call},
    }
    for line in sys.stdin:
        number, seconds, way = line.split()
        job = jobs[int(number)]
        try:
            work = ways[job.kind][way]
            given = len(work(job))
            result: dict[str, Any] = {"seconds": cost(lambda: work(job), float(seconds)), "bytes": given}  # noqa: B023 - done at once
        except Exception as error:  # what it cannot translate is a result too
            result = {"error": f"{type(error).__name__}: {str(error)[:120]}"}
        out.write(json.dumps(result) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
