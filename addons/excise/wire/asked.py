"""
What a request asks for, under every dialect's name for it: model, stream, lengths, effort, end user.
"""

from __future__ import annotations

from typing import Any

from excise.errors import BadRequest

_MODEL_LIMIT = 2048  # characters; the longest real ones are ARNs

# Where dialects say how much may be written, the newer name first. Paths from the top of the body.
_MAX_TOKENS = (
    ("max_completion_tokens",),  # OpenAI chat
    ("max_output_tokens",),  # OpenAI Responses
    ("max_tokens",),  # OpenAI chat (old), completions, Anthropic, Mistral, Cohere
    ("max_tokens_to_sample",),  # Anthropic complete
    ("generationConfig", "maxOutputTokens"),  # Gemini
    ("generation_config", "max_output_tokens"),  # Gemini takes both spellings
    ("generationConfig", "max_output_tokens"),
    ("generation_config", "maxOutputTokens"),
    ("inferenceConfig", "maxTokens"),  # Bedrock Converse
    ("inferenceConfig", "max_new_tokens"),  # Nova invoke
    ("options", "num_predict"),  # Ollama
    ("parameters", "max_new_tokens"),  # TGI, Hugging Face, watsonx
    ("parameters", "max_tokens"),  # DashScope
    ("parameters", "maxOutputTokens"),  # Vertex predict
    ("textGenerationConfig", "maxTokenCount"),  # Titan
    ("max_gen_len",),  # Llama on Bedrock
    ("maxTokens",),  # AI21
    ("n_predict",),  # llama.cpp
    ("input", "max_tokens"),  # Replicate
    ("MaxTokens",),  # Tencent
)

_EFFORT = (
    ("reasoning_effort",),  # OpenAI chat
    ("reasoning", "effort"),  # OpenAI Responses, OpenRouter
    ("output_config", "effort"),  # Anthropic
    ("outputConfig", "effort"),  # Bedrock Converse
    ("generationConfig", "thinkingConfig", "thinkingLevel"),  # Gemini 3
    ("generation_config", "thinking_config", "thinking_level"),
    ("additionalModelRequestFields", "output_config", "effort"),  # Claude on Bedrock Converse
    ("additionalModelRequestFields", "reasoning_effort"),
    ("additionalModelRequestFields", "reasoning_config"),
    ("think",),  # Ollama
    ("enable_thinking",),  # Qwen
)
# Switches and budgets, where no level is said.
_THINKING = (
    ("thinking",),  # Anthropic, DeepSeek, Z.ai, Cohere
    ("additionalModelRequestFields", "thinking"),
    ("additionalModelRequestFields", "reasoning_config"),
    ("generationConfig", "thinkingConfig"),
    ("generation_config", "thinking_config"),
    ("reasoning",),  # OpenRouter: {"enabled": true}, {"max_tokens": n}
)
_BUDGETS = ("budget_tokens", "token_budget", "thinkingBudget", "thinking_budget", "max_tokens")

# The ledger takes no text of the client's: a level is one of these or "other".
_LEVEL_NAMES = """
    none minimal low medium high xhigh max auto on off adaptive between_tools budget dynamic other
"""
LEVELS = frozenset(_LEVEL_NAMES.split())

_CONSUMER = (("safety_identifier",), ("user",), ("metadata", "user_id"))
_TRUE = frozenset(("true", "1", "yes", "on"))


def _at(body: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def folded(body: dict[str, Any], name: str) -> Any:
    """
    The value of a top-level key in any case of letters; `None` where absent.

    Servers written in Go read keys without regard to case and take the last; others see only the exact one. So two spellings are refused.

    Raises:
        BadRequest: More than one spelling of the key is there.
    """
    found = [key for key in body if len(key) == len(name) and key.casefold() == name]
    if len(found) > 1:
        raise BadRequest(f"the key {name} is given in two spellings; readers would disagree on which one holds", kind="duplicate_key")
    return body[found[0]] if found else None


def model(body: dict[str, Any]) -> str | None:
    """
    The model a body names; `None` where it names none.

    Raises:
        BadRequest: It is given in two spellings, is no text, or is longer than any model's name.
    """
    value = folded(body, "model")
    for path in (("model_id",), ("modelId",), ("session", "model"), ("servingMode", "modelId"), ("agent",)):
        if value is not None:
            break
        value = _at(body, path)
        if not isinstance(value, str):
            value = None
    return name_of(value)


def name_of(value: Any) -> str | None:
    """
    A model's name, checked.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MODEL_LIMIT or not value.isprintable():
        raise BadRequest("the model is not given as a plain text")
    return value


def truthy(value: Any) -> bool:
    """
    Whether a switch is on, read as widely as the most lenient server does.
    """
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return value is True or (type(value) is int and value == 1)


def max_tokens(body: dict[str, Any]) -> int | None:
    """
    The most tokens the answer may have; `None` where it is left to the model. Of several statements the first in `_MAX_TOKENS`.
    """
    for path in _MAX_TOKENS:
        if path[0] not in body:
            continue
        value = _at(body, path)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is int and value >= 0:
            return value
    return None


def reasoning_level(body: dict[str, Any]) -> str | None:
    """
    How hard the model was asked to think, one of `LEVELS`; `None` where the request does not say.
    """
    for path in _EFFORT:
        if path[0] not in body:
            continue
        value = _at(body, path)
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, str) and value:
            level = value.lower().removeprefix("thinking_level_")
            return level if level in LEVELS else "other"
    for path in _THINKING:
        if path[0] not in body:
            continue
        thinking = _at(body, path)
        if isinstance(thinking, dict) and (level_of := _switch(thinking)) is not None:
            return level_of
    return None


def _switch(thinking: dict[str, Any]) -> str | None:
    kind = thinking.get("type")
    if kind == "disabled":
        return "off"
    if isinstance(kind, str) and kind != "enabled":
        return kind.lower() if kind.lower() in LEVELS else "other"
    budget = next((value for name in _BUDGETS if type(value := thinking.get(name)) is int), None)
    if budget is not None:
        return "off" if budget == 0 else "dynamic" if budget < 0 else "budget"
    if kind == "enabled" or thinking.get("enabled") is True:
        return "on"
    return "off" if thinking.get("enabled") is False else None


def consumer(body: dict[str, Any]) -> str | None:
    """
    The end user as the app names him, plain; `None` where it does not. To be hashed at once.
    """
    return next((value for path in _CONSUMER if isinstance(value := _at(body, path), str) and value), None)


def include_usage(body: dict[str, Any]) -> bool | None:
    """
    `stream_options.include_usage` as the client said it; `None` where it was left open.
    """
    value = _at(body, ("stream_options", "include_usage"))
    return value if isinstance(value, bool) else None
