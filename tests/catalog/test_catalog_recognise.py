"""
Recognition of provider calls.
"""

from __future__ import annotations

import re
import string
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.catalog.load import Provider, read
from excise.catalog.notation import hosts, paths
from excise.catalog.providers import Catalog
from excise.catalog.tree import Hole, Rest, Segment

CATALOG = Catalog.load()
PROVIDERS, FAMILIES, REGIONS = read(None)


def call(host: str, path: str, method: str = "POST", upgrade: str | None = None) -> str:
    """
    What recognition says, in one line: provider/operation dialect model.
    """
    found = CATALOG.recognise(host=host, method=method, path=path, upgrade=upgrade)
    assert found is not None
    return f"{found.provider}/{found.operation} {found.dialect} {found.model}"


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("api.openai.com", "/v1/chat/completions", "openai/chat openai-chat None"),
        ("API.OpenAI.com.", "/v1/chat/completions", "openai/chat openai-chat None"),
        ("eu.api.openai.com", "/v1/responses", "openai/responses openai-responses None"),
        ("api.openai.com", "/v1/responses/input_tokens", "openai/count_tokens openai-responses None"),
        ("api.openai.com", "//v1//chat/completions/?x=1", "openai/chat openai-chat None"),
        ("api.openai.com", "/v1/models/../chat/completions", "openai/chat openai-chat None"),
        ("api.openai.com", "/v1/x/%2e%2E/ch%61t/completions", "openai/chat openai-chat None"),
        ("api.openai.com", "/V1/Chat/Completions", "openai/chat openai-chat None"),
        ("api.openai.com", "/v1/chat%2Fcompletions", "openai/unknown openai-chat None"),
        ("api.anthropic.com", "/v1/messages?beta=true", "anthropic/messages anthropic-messages None"),
        ("api.anthropic.com", "/v1/chat/completions", "anthropic/chat openai-chat None"),
        ("my.openai.azure.com", "//openai/deployments/my-gpt/chat/completions?api-version=1", "azure-openai/chat openai-chat my-gpt"),
        ("generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-pro:generateContent?key=k", "gemini/chat gemini gemini-2.5-pro"),
        ("generativelanguage.googleapis.com", "/v1beta/models/g%3AstreamGenerateContent", "gemini/chat gemini g"),
        (
            "us-east5-aiplatform.googleapis.com",
            "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-1@20250805:rawPredict",
            "vertex/messages anthropic-messages claude-opus-4-1@20250805",
        ),
        (
            "aiplatform.googleapis.com",
            "/v1/projects/p/locations/global/publishers/anthropic/models/count-tokens:rawPredict",
            "vertex/count_tokens anthropic-messages None",
        ),
        (
            "bedrock-runtime.us-east-1.amazonaws.com",
            "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
            "bedrock/chat bedrock-converse us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock-runtime.eu-west-1.amazonaws.com",
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x/invoke",
            "bedrock/invoke bedrock-invoke arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x",
        ),
        (
            "bedrock-runtime.eu-west-1.amazonaws.com",
            "/model/arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x/converse",
            "bedrock/chat bedrock-converse arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x",
        ),
        ("bedrock-runtime.us-east-1.amazonaws.com", "/nothing", "bedrock/unknown bedrock-converse None"),
        ("adb-1.2.azuredatabricks.net", "/serving-endpoints/my-llm/invocations", "databricks/invocations openai-chat my-llm"),
        ("api.cloudflare.com", "/client/v4/accounts/a/ai/run/@cf/meta/llama-3", "cloudflare/run cloudflare-run @cf/meta/llama-3"),
        ("gateway.ai.cloudflare.com", "/v1/a/g/openai/chat/completions", "cloudflare/chat openai-chat None"),
        ("gateway.ai.cloudflare.com", "/v1/a/g/anthropic/v1/messages", "cloudflare/messages anthropic-messages None"),
        ("router.huggingface.co", "/together/v1/chat/completions", "huggingface/chat openai-chat None"),
        ("api-inference.huggingface.co", "/models/org/name", "huggingface/task hf-inference org/name"),
        ("api.replicate.com", "/v1/models/meta/llama/predictions", "replicate/predictions replicate meta/llama"),
        ("api.deepgram.com", "/v1/listen?smart_format=true&model=nova-3", "deepgram/transcription deepgram nova-3"),
    ],
)
def test_known_calls_are_recognised(host: str, path: str, expected: str) -> None:
    """
    Provider, operation, dialect and the model of the path are told from host, path and method.
    """
    assert call(host, path) == expected


def test_a_method_can_change_the_operation() -> None:
    """
    The same path is a call or a look-up, by method; a WebSocket upgrade is a third thing.
    """
    assert call("api.openai.com", "/v1/responses", "GET", "WebSocket") == "openai/responses_websocket openai-responses-ws None"
    assert call("api.openai.com", "/v1/responses/resp_1", "GET") == "openai/responses_manage openai-responses None"
    assert call("api.openai.com", "/v1/chat/completions", "GET") == "openai/unknown openai-chat None"
    assert call("api.openai.com", "/v1/realtime?model=gpt-realtime", "GET", "websocket") == "openai/realtime openai-realtime gpt-realtime"
    assert call("api.openai.com", "/v1/models/gpt-5", "GET") == "openai/models models gpt-5"


@pytest.mark.parametrize(
    ("host", "path", "stream_at", "streams"),
    [
        ("api.openai.com", "/v1/chat/completions", "body", None),
        ("api.openai.com", "/v1/embeddings", "none", False),
        ("generativelanguage.googleapis.com", "/v1beta/models/g:streamGenerateContent", "path", True),
        ("generativelanguage.googleapis.com", "/v1beta/models/g:generateContent", "none", False),
        ("ollama.com", "/api/chat", "default-on", None),
        ("dashscope.aliyuncs.com", "/api/v1/services/aigc/text-generation/generation", "header", None),
        ("api.openai.com", "/v1/audio/transcriptions", "form", None),
        ("chatgpt.com", "/backend-api/codex/responses", "always", True),
    ],
)
def test_where_a_stream_is_asked_for(host: str, path: str, stream_at: str, streams: bool | None) -> None:
    """
    The path decides on streaming where it says so; elsewhere the call names the place that does.
    """
    found = CATALOG.recognise(host=host, method="POST", path=path, upgrade=None)

    assert found is not None
    assert (found.stream_at, found.streams) == (stream_at, streams)


def test_an_unknown_path_of_a_provider_is_told_apart() -> None:
    """
    A provider's host with a path we do not know is `unknown`, not `None`: policy has to see it.
    """
    found = CATALOG.recognise(host="api.openai.com", method="POST", path="/v2/brand-new", upgrade=None)

    assert found is not None
    assert (found.provider, found.operation, found.billable) == ("openai", "unknown", False)


@pytest.mark.parametrize("host", ["example.com", "openai.com", "evil-api.openai.com.example.net", "notapi.openai.com", "", ".", "a" * 300])
def test_other_hosts_are_not_ours(host: str) -> None:
    """
    A host that only resembles a provider's is none.
    """
    assert CATALOG.recognise(host=host, method="POST", path="/v1/chat/completions", upgrade=None) is None
    assert not CATALOG.is_provider_host(host)


def _sample(segments: tuple[Segment, ...], filler: str) -> list[str]:
    parts = []
    for segment in segments:
        if isinstance(segment, Hole):
            parts.append(segment.before + filler + segment.after)
        else:
            parts.append(f"{filler}/{filler}" if isinstance(segment, Rest) else segment)
    return parts


def sample_hosts(provider: Provider) -> list[str]:
    """
    One host for every pattern of a provider.
    """
    return [
        ".".join(part.replace("/", ".") for part in reversed(_sample(pattern.labels, "abc")))
        for template in provider.hosts
        for pattern in hosts(template, REGIONS)
    ]


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.id)
def test_every_provider_is_found_under_every_host(provider: Provider) -> None:
    """
    Each host pattern of the file finds its provider, and no other provider takes it away.
    """
    for host in sample_hosts(provider):
        assert CATALOG.provider_of(host) == provider, host
    assert provider.hosts or provider.self_hosted


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.id)
def test_every_operation_can_be_reached(provider: Provider) -> None:
    """
    A sample path made from each line of the file is recognised as an operation of that provider.
    """
    host = sample_hosts(provider)[0] if provider.hosts else f"{provider.id}.corp.example"
    catalog = CATALOG if provider.hosts else _with_host(provider, host)
    lines = [("", spec) for spec in provider.operations]
    lines += [(endpoint.prefix, spec) for endpoint in provider.endpoints for spec in FAMILIES[endpoint.family].pick(endpoint.ops)]
    assert lines
    for prefix, spec in lines:
        for pattern in paths(prefix + spec.path):
            path = "/" + "/".join(_sample(pattern.segments, "zz9"))
            method = "POST" if spec.method == "*" else spec.method.split("|")[0]
            upgrade = "websocket" if method == "WS" else None
            found = catalog.recognise(host=host, method="GET" if upgrade else method, path=path, upgrade=upgrade)

            assert found is not None
            assert found.provider == provider.id
            assert found.operation != "unknown", path


def _with_host(provider: Provider, host: str) -> Catalog:
    return Catalog({provider.id: replace(provider, hosts=(host,))}, FAMILIES, REGIONS)


def test_hosts_belong_to_one_provider() -> None:
    """
    No host stands in the file twice, neither within nor across providers.
    """
    seen: dict[str, str] = {}
    for provider in PROVIDERS.values():
        for template in provider.hosts:
            for pattern in hosts(template, REGIONS):
                assert pattern.text not in seen, (pattern.text, provider.id, seen.get(pattern.text))
                seen[pattern.text] = provider.id


def test_the_survey_is_complete() -> None:
    """
    All providers surveyed are in the file.
    """
    assert len(PROVIDERS) == 158
    assert sum(provider.self_hosted for provider in PROVIDERS.values()) == 12


HOSTILE = [
    "",
    "?",
    "/",
    "/..",
    "/../../..",
    "/%2e%2e/%2e%2e",
    "/%",
    "/%zz/%2",
    "/%ff%fe",
    "/%00",
    "/v1/\u0430/chat/completions",
    "/model/%F0%9F%92%A9/converse",
    "/" * 50_000,
    "/a" * 50_000,
    "/v1/" + "chat/completions/" * 20_000,
    "/v1/models/" + "predictions/" * 20_000 + "\n",
    "/model/" + "%2F" * 30_000 + "/converse",
    "/model/" + "a" * 100_000 + "/invoke",
    "/" + "(" * 10_000,
    "/v1?" + "model=&" * 30_000,
]


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_paths_are_harmless(path: str) -> None:
    """
    No path raises, and a hundred thousand characters take milliseconds with any provider.
    """
    picked = [sample_hosts(provider)[0] for provider in PROVIDERS.values() if provider.hosts][::6]
    for host in picked:
        CATALOG.recognise(host=host, method="POST", path="/", upgrade=None)  # the first call builds
    began = time.perf_counter()
    for host in picked:
        found = CATALOG.recognise(host=host, method="POST", path=path, upgrade=None)
        assert found is not None
        assert found.model is None or len(found.model) <= 2048
    assert (time.perf_counter() - began) / len(picked) < 0.25


@settings(max_examples=150, deadline=None)
@given(path=st.text(max_size=200), host=st.sampled_from(sorted(PROVIDERS)))
def test_any_text_is_a_path(path: str, host: str) -> None:
    """
    Recognition never raises, and a model it names is printable.
    """
    provider = PROVIDERS[host]
    if provider.hosts:
        found = CATALOG.recognise(host=sample_hosts(provider)[0], method="POST", path=path, upgrade=None)
        assert found is not None
        assert found.model is None or found.model.isprintable()


@given(host=st.text(alphabet=string.printable, max_size=300))
def test_any_text_is_a_host(host: str) -> None:
    """
    Looking up a host never raises.
    """
    CATALOG.is_provider_host(host)


def test_the_cost_does_not_grow_with_the_square() -> None:
    """
    Twice the path takes about twice the time, at every provider with a pattern for the rest of a path.
    """

    def seconds(length: int) -> float:
        path = "/model/" + "x/" * length + "converse"
        best = 9.0
        for _ in range(3):
            began = time.perf_counter()
            CATALOG.recognise(host="bedrock-runtime.us-east-1.amazonaws.com", method="POST", path=path, upgrade=None)
            best = min(best, time.perf_counter() - began)
        return best

    seconds(10)
    assert seconds(80_000) < 40 * max(seconds(10_000), 0.0005)


SHAPES = [
    ("/router/v2/openai/v1/chat/completions", {"model": "m", "messages": []}, "chat", "openai-chat", None),
    ("/v1/messages", {"model": "m", "messages": []}, "messages", "anthropic-messages", None),
    ("/v1/embeddings", {"model": "m", "input": "x"}, "embeddings", "openai-embeddings", None),
    ("/v1/responses", {"model": "m", "input": "x"}, "responses", "openai-responses", None),
    ("/api/generate", {"model": "m", "prompt": "x"}, "completions", "ollama", None),
    ("/p/v1beta/models/g:generateContent", {"contents": []}, "chat", "gemini", "g"),
    ("/v1/rerank", {"model": "m", "query": "x", "documents": []}, "rerank", "rerank", None),
]


@pytest.mark.parametrize(("path", "body", "operation", "dialect", "model"), SHAPES)
def test_model_calls_to_unknown_hosts_are_noticed(path: str, body: object, operation: str, dialect: str, model: str | None) -> None:
    """
    A JSON POST with a model and an input on a well-known path is a model call, wherever it goes.
    """
    found = CATALOG.looks_like_llm(method="POST", path=path, content_type="application/json", body_json=body)

    assert found is not None
    assert (found.provider, found.operation, found.dialect, found.model) == ("unknown", operation, dialect, model)


@pytest.mark.parametrize(
    ("method", "path", "content_type", "body"),
    [
        ("GET", "/v1/chat/completions", None, {"model": "m", "messages": []}),
        ("POST", "/v1/chat/completions", None, {"messages": []}),
        ("POST", "/v1/chat/completions", None, {"model": 3, "messages": []}),
        ("POST", "/v1/chat/completions", None, {"model": "m"}),
        ("POST", "/v1/chat/completions", None, ["model", "messages"]),
        ("POST", "/v1/chat/completions", None, None),
        ("POST", "/v1/chat/completions", "multipart/form-data; boundary=x", {"model": "m", "messages": []}),
        ("POST", "/cars", "application/json", {"model": "m", "input": "x"}),
        ("POST", "/v1/files", "application/json", {"model": "m", "input": "x"}),
    ],
)
def test_other_calls_to_unknown_hosts_are_left_alone(method: str, path: str, content_type: str | None, body: object) -> None:
    """
    Without the method, the path or the body of a model call there is none.
    """
    assert CATALOG.looks_like_llm(method=method, path=path, content_type=content_type, body_json=body) is None


def test_dialects_are_words() -> None:
    """
    Names of dialects and operations are plain words: they become labels and columns.
    """
    for provider in PROVIDERS.values():
        specs = [*provider.operations, *(spec for endpoint in provider.endpoints for spec in FAMILIES[endpoint.family].operations)]
        for spec in specs:
            assert re.fullmatch(r"[a-z0-9_-]+", spec.dialect)
            assert re.fullmatch(r"[a-z0-9_]+", spec.op)
