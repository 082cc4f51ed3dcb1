"""
Every recorded call to a public host is recognised as what it was.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from excise.catalog.providers import Catalog
from recordings import header, records, require_recordings

CATALOG = Catalog.load()

# Names of the recordings that are not ours.
PROVIDERS = {"azure": "azure-openai", "ollama-cloud": "ollama"}

# The recordings say how a body looks where we say what was asked for, or were labelled by a rougher rule. (provider, theirs) -> ours.
OPERATIONS = {
    ("openai", "files", "openai-files"): {("vector_stores", "openai-vector-stores")},  # /vector_stores/{id}/files is the store's
    ("openai", "moderation", "openai-moderations"): {("admin", "openai-admin")},  # /organization/usage/moderations is a report
    ("anthropic", "files", "openai-files"): {("files", "anthropic-files")},  # one shape of path, two APIs
    ("gemini", "batches", "openai-batches"): {("batches", "gemini")},  # /v1beta/batches is Gemini's own
    ("gemini", "models", "models"): {("operations", "gemini")},  # /models/{model}/operations/{id}
    ("huggingface", "models", "models"): {("task", "hf-inference")},  # POST /models/{org}/{name} runs it
    ("replicate", "models", "models"): {("predictions", "replicate")},  # likewise
    ("replicate", "predictions", "replicate"): {("stream", "replicate")},  # the second GET that carries the stream
    ("portkey", "completions", "openai-completions"): {("prompt", "openai-chat")},  # a stored prompt, answered as chat
    ("vertex", "messages", "vertex-rawpredict"): {("messages", "anthropic-messages")},  # Anthropic's body on Vertex' path
    ("vertex", "messages", "anthropic-vertex"): {("messages", "anthropic-messages")},
    ("writer", "chat", "writer"): {("chat", "openai-chat")},  # body and answer are OpenAI's
}

SELF_HOSTED = {"ollama", "vllm", "llama.cpp", "litellm-proxy", "gpustack", "local-openai"}


@require_recordings
def test_every_recorded_call_is_recognised() -> None:
    """
    Provider, operation and dialect of all recordings are found from method and URL; self-hosted servers are not in the catalogue.
    """
    checked = 0
    for record in records():
        meta, request = record["meta"], record["request"]
        url = urlsplit(request["url"])
        path = url.path + (f"?{url.query}" if url.query else "")
        found = CATALOG.recognise(host=url.hostname or "", method=request["method"], path=path, upgrade=header(request, "upgrade"))
        if found is None:
            assert meta["provider"] in SELF_HOSTED, record["id"]
            continue
        checked += 1
        key = (meta["provider"], meta["operation"], meta["protocol"])
        assert found.provider == PROVIDERS.get(meta["provider"], meta["provider"]), record["id"]
        assert (found.operation, found.dialect) in OPERATIONS.get(key, set()) | {key[1:]}, record["id"]
        if found.streams is not None and meta["response_body_fidelity"] != "absent" and record["response"]["status"] == 200:
            assert found.streams or not meta["stream"], record["id"]
    assert checked > 800


@require_recordings
def test_the_model_of_the_path_is_the_recorded_one() -> None:
    """
    Where the path names the model, it is the one recorded; but a name that somebody chose for a deployment says nothing.
    """
    checked = 0
    for record in records():
        meta, request = record["meta"], record["request"]
        url = urlsplit(request["url"])
        found = CATALOG.recognise(host=url.hostname or "", method=request["method"], path=url.path, upgrade=None)
        if found is None or found.model_at != "path" or found.provider in ("azure-openai", "sagemaker") or found.operation == "models":
            continue
        checked += 1
        assert found.model is not None, record["id"]
        expected = meta["model"]
        if expected is not None and found.model != expected:
            # The recordings cut Bedrock's ids at the colon of the version and other names at a slash, and keep Gemini's `models/`.
            assert expected == f"models/{found.model}" or (found.model.startswith(expected) and found.model[len(expected)] in ":/"), record[
                "id"
            ]
    assert checked > 150


@require_recordings
@pytest.mark.parametrize("provider", sorted(SELF_HOSTED - {"litellm-proxy"}))
def test_recorded_calls_to_self_hosted_servers_look_like_model_calls(provider: str) -> None:
    """
    A model call to a host outside the catalogue is noticed by its shape.
    """
    for record in records(provider=provider):
        request, meta = record["request"], record["meta"]
        if request["method"] != "POST" or meta["operation"] == "models" or not request.get("body"):
            continue
        found = CATALOG.looks_like_llm(
            method="POST",
            path=urlsplit(request["url"]).path,
            content_type=header(request, "content-type"),
            body_json=json.loads(request["body"]),
        )
        assert found is not None, record["id"]
        assert (found.operation, found.dialect) == (meta["operation"], meta["protocol"]), record["id"]
