"""
Calls, models and hosts that keep what they are sent, whatever the request says.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from excise.privacy.retention.receipt import Outcome
from excise.privacy.retention.where import Facts
from privacy.retention.shipped import facts, planned

OF_OPENAI = """
    POST /v1/files, GET /v1/files/file-1/content, POST /v1/uploads, POST /v1/uploads/u/parts, POST /v1/batches, POST /v1/fine_tuning/jobs,
    POST /v1/assistants, POST /v1/threads, POST /v1/threads/t/runs, POST /v1/vector_stores, POST /v1/conversations, POST /v1/containers,
    POST /v1/evals, POST /v1/videos, GET /v1/responses/resp_1, GET /v1/responses/resp_1/input_items, POST /v1/responses/resp_1/cancel,
    DELETE /v1/responses/resp_1, GET /v1/chat/completions/chatcmpl-1, GET /v1/chat/completions/chatcmpl-1/messages
"""
OF_GEMINI = """
    POST /v1beta/cachedContents, GET /v1beta/cachedContents/c, POST /upload/v1beta/files, GET /v1beta/files/f,
    POST /v1beta/models/g:batchGenerateContent, POST /v1beta/models/g:asyncBatchEmbedContent, POST /v1beta/fileSearchStores,
    GET /v1beta/interactions/i, DELETE /v1beta/interactions/i, POST /v1beta/models/veo:predictLongRunning,
    GET /v1beta/models/veo/operations/o, POST /v1beta/openai/batches
"""
OF_OTHERS = {
    "x.openai.azure.com": """
        POST /openai/files, POST /openai/batches, POST /openai/v1/files,
        POST /openai/assistants, POST /openai/threads
    """,
    "api.anthropic.com": """
        POST /v1/messages/batches, GET /v1/messages/batches/b/results, POST /v1/files,
        GET /v1/files/f/content, POST /v1/skills
    """,
    "us-central1-aiplatform.googleapis.com": """
        POST /v1/projects/p/locations/l/cachedContents, POST /v1/projects/p/locations/l/batchPredictionJobs,
        
    """,
    "api.mistral.ai": """
        POST /v1/agents, POST /v1/agents/completions, POST /v1/conversations, POST /v1/libraries,
        POST /v1/files, POST /v1/batch/jobs
    """,
    "api.groq.com": "POST /openai/v1/batches, POST /openai/v1/files, POST /openai/v1/fine_tunings",
    "api.x.ai": """
        POST /v1/files, POST /v1/batches, GET /v1/chat/deferred-completion/d,
        POST /xai_api.Chat/GetCompletion, GET /v1/responses/r
    """,
    "management-api.x.ai": "POST /v1/collections",
    "api.fireworks.ai": "POST /v1/accounts/a/datasets, GET /inference/v1/responses/r",
    "api.together.ai": "POST /v1/files",
    "api.cohere.com": "POST /v1/embed-jobs",
    "api.perplexity.ai": "POST /async/chat/completions",
    "bedrock-runtime.us-east-1.amazonaws.com": "POST /async-invoke",
    "bedrock-mantle.us-east-1.api.aws": "POST /v1/files",
    "bedrock-agent-runtime.us-east-1.amazonaws.com": "POST /retrieveAndGenerate, POST /agents/a/agentAliases/b/sessions/c/text",
    "dashscope.aliyuncs.com": "POST /compatible-mode/v1/files",
}
STATEFUL = [
    (host, *call.split())
    for host, calls in {"api.openai.com": OF_OPENAI, "generativelanguage.googleapis.com": OF_GEMINI, **OF_OTHERS}.items()
    for call in calls.split(",")
    if call.strip()
]


@pytest.mark.parametrize(("host", "method", "path"), STATEFUL)
def test_stateful_endpoints_are_refused(host: str, method: str, path: str) -> None:
    """
    Whatever is attested, however the path is written, and whether or not the catalogue knows its operation.
    """
    for written in (path, path + "/", "/" + path, path.replace("/v1", "/V1"), path + "?x=1"):
        about = facts(host, written, method=method)
        for operation in (about.operation, "unknown"):
            named = replace(about, operation=operation)
            made = planned(named, {}, about.provider, f"{about.provider}/{operation}")

            assert any(outcome is Outcome.FORBIDDEN and rule.startswith("forbid") for rule, outcome in made.receipt), written


@pytest.mark.parametrize(
    ("about", "refused"),
    [
        (facts("router.huggingface.co", "/v1/chat/completions", model="meta/llama"), True),
        (facts("router.huggingface.co", "/v1/chat/completions", model="meta/llama:fastest"), True),
        (facts("router.huggingface.co", "/v1/chat/completions", model="meta/llama:groq"), False),
        (facts("router.huggingface.co", "/groq/openai/v1/chat/completions", model="llama"), False),
        (facts("router.huggingface.co", "/v1/models", method="GET"), False),
        (facts("ollama.com", "/api/chat", model="gpt-oss:120b"), True),
        (replace(facts("ollama.com", "/api/chat", model="gpt-oss:120b-cloud"), host="localhost"), True),
        (replace(facts("ollama.com", "/api/chat", model="llama3"), host="localhost"), False),
        (facts("api.anthropic.com", "/v1/messages", model="claude-fable-5"), True),
        (facts("bedrock-runtime.us-east-1.amazonaws.com", "/model/us.anthropic.claude-fable-5-v1:0/converse"), True),
        (facts("api.meta.ai", "/v1/chat/completions", model="muse-spark-1.3-contributor"), True),
        (facts("api.meta.ai", "/v1/chat/completions", model="muse-spark-1.3"), False),
        (facts("openrouter.ai", "/api/v1/chat/completions", model="openai/gpt-5.2:online"), True),
        (facts("api.mistral.ai", "/v1/chat/completions", model="labs-devstral"), True),
    ],
)
def test_models_and_hosts_that_keep_or_train(about: Facts, refused: bool) -> None:
    """
    A model is refused where it alone decides what is kept.
    """
    assert bool(planned(about, {"model": about.model}).refusals) is refused
