"""
From a request's bytes to a `Prompt`: read once, strictly, and refused where two readers could read two things.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from excise.errors import BadRequest, TooLarge, WireError
from excise.exchange import Call, HttpRequest, Prompt
from excise.wire import asked
from excise.wire.coding import decode_body
from excise.wire.multipart import form_fields
from excise.wire.strict_json import load

# Calls whose body may be something else than a JSON object: media, files, wrappers of foreign formats.
_FREE_DIALECT_NAMES = """
    anthropic-files anthropic-skills auth baseten-native bedrock-bidi bytez connect-protobuf cursor-admin deepgram
    deepinfra-native elevenlabs fireworks-image heroku hf-inference jina-reader native-media nvidia-native openai-audio
    openai-containers openai-files openai-images openai-realtime-rest openai-vector-stores openai-videos passthrough replicate
    sagemaker tgi unknown xai-audio xai-grpc
"""
_FREE_DIALECTS = frozenset(_FREE_DIALECT_NAMES.split())
_FREE_OPERATIONS = frozenset(("files", "uploads", "file_search_stores", "transcription", "speech", "images", "videos", "unknown"))
_FORM_FIELDS = frozenset(("model", "stream"))


def read_prompt(call: Call, http: HttpRequest, *, limit: int, pseudonym: Callable[[str], str]) -> Prompt:
    """
    Read what policy, routing and metering need to know of a request.

    A body is JSON where its content type says so, and where the operation takes nothing else, whatever the content type says; then it
    must be strict JSON (see `strict_json.load`), for most operations an object. Forms give `model` and `stream`. Anything else is
    let through unread, with `json` `None`. An empty body is always right here: the provider knows better what it misses.

    Args:
        call: What the catalogue made of host, path and method.
        http: The request, whole.
        limit: Most bytes of the decoded body.
        pseudonym: Keyed hash for end-user ids.

    Raises:
        TooLarge: The decoded body is longer than `limit`.
        WireError: The body is not what its coding or type says.
        BadRequest: It can be read in two ways: repeated keys, several content types or codings, a charset other than UTF-8.
    """
    content_type = _single(http, "content-type")
    body = decode_body(_codings(http), http.body, limit)
    if len(body) > limit:
        raise TooLarge(f"the body is longer than {limit} bytes")
    media_type = content_type.partition(";")[0].strip().lower()
    json: Any = None
    fields: dict[str, str] = {}
    if not body:
        pass
    elif media_type == "multipart/form-data" and _takes_anything(call):
        fields = form_fields(content_type, body, _FORM_FIELDS)
    elif not _takes_anything(call) or _says_json(media_type, body):
        json = _json(call, content_type, body)
    about = json if isinstance(json, dict) else {}
    consumer = asked.consumer(about)
    return Prompt(
        body=body,
        json=json,
        model=_model(call, about, fields),
        stream=_stream(call, http, about, fields),
        max_tokens=asked.max_tokens(about),
        reasoning_level=asked.reasoning_level(about),
        consumer_id=pseudonym(consumer) if consumer is not None else None,
        include_usage=asked.include_usage(about),
    )


def _takes_anything(call: Call) -> bool:
    return call.dialect in _FREE_DIALECTS or call.operation in _FREE_OPERATIONS or call.model_at == "form"


def _says_json(media_type: str, body: bytes) -> bool:
    return media_type == "application/json" or media_type.endswith("+json") or (not media_type and body.lstrip()[:1] in (b"{", b"["))


def _values(http: HttpRequest, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in http.headers if key.lower() == name]


def _codings(http: HttpRequest) -> str | None:
    # All of them, joined as RFC 9110 5.2 says: a second header line is a second layer, which we refuse.
    return ", ".join(value for value in _values(http, b"content-encoding") if value) or None


def _single(http: HttpRequest, name: str) -> str:
    values = set(_values(http, name.encode()))
    if len(values) > 1:
        raise BadRequest(f"the request has more than one {name}")
    return values.pop() if values else ""


def _json(call: Call, content_type: str, body: bytes) -> Any:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(" \"'").lower() not in ("utf-8", "utf8", "us-ascii"):
            raise BadRequest("the body must be UTF-8; its content type names another charset", kind="unsupported_charset")
    value = load(body)
    if not isinstance(value, dict) and not _takes_anything(call):
        raise WireError("the body must be a JSON object")
    return value


def _model(call: Call, about: dict[str, Any], fields: dict[str, str]) -> str | None:
    if call.model is not None:
        return call.model
    if call.model_at in ("body", "form"):
        return asked.name_of(fields["model"]) if "model" in fields else asked.model(about)
    return None


def _stream(call: Call, http: HttpRequest, about: dict[str, Any], fields: dict[str, str]) -> bool:
    if call.streams is not None:
        return call.streams
    said = asked.folded(about, "stream")
    match call.stream_at:
        case "always":
            return True
        case "default-on":
            return said is None or asked.truthy(said)
        case "header":
            return _asked_by_header(http)
        case "body" | "form":
            by_format = call.dialect == "openai-audio" and about.get("stream_format") == "sse"  # speech
            return asked.truthy(said) or asked.truthy(fields.get("stream")) or by_format
        case _:
            return False


def _asked_by_header(http: HttpRequest) -> bool:
    # DashScope takes either.
    return (http.header("x-dashscope-sse") or "").lower() == "enable" or "text/event-stream" in (http.header("accept") or "").lower()
