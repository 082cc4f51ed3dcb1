"""
From request bytes to a prompt.
"""

from __future__ import annotations

import gzip
import json
from urllib.parse import urlsplit

import pytest

from excise.errors import BadRequest, ExciseError, TooLarge, WireError
from excise.exchange import Call, HttpRequest
from excise.wire.request import read_prompt
from recordings import header, headers, records, request_body, require_recordings

CHAT = Call("openai", "chat", "openai-chat", "body")
LIMIT = 1 << 20


def request(body: bytes | dict, *, method="POST", path="/v1/x", fields=(("content-type", "application/json"),)) -> HttpRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest(method, "https", "api.example", 443, path, tuple((k.encode(), v.encode()) for k, v in fields), raw)


def read(call: Call, body: bytes | dict, **how):
    return read_prompt(call, request(body, **how), limit=LIMIT, pseudonym=lambda value: "eu_" + str(len(value)))


def test_a_chat_request():
    """
    Everything policy and metering ask for.
    """
    body = {
        "model": "gpt-x",
        "stream": True,
        "max_tokens": 9,
        "max_completion_tokens": 7,
        "reasoning_effort": "high",
        "user": "alice@example.com",
        "stream_options": {"include_usage": False},
        "messages": [],
    }

    prompt = read(CHAT, body)

    assert (prompt.model, prompt.stream, prompt.max_tokens, prompt.reasoning_level) == ("gpt-x", True, 7, "high")
    assert (prompt.consumer_id, prompt.include_usage) == ("eu_17", False)
    assert prompt.json == body
    assert prompt.body == json.dumps(body).encode()


def test_what_is_not_said_is_none():
    """
    Missing is not zero, and not false.
    """
    prompt = read(CHAT, {"messages": []})

    assert (prompt.model, prompt.max_tokens, prompt.reasoning_level, prompt.consumer_id, prompt.include_usage) == (None,) * 5
    assert prompt.stream is False


def test_a_coded_body_is_decoded():
    """
    `body` is what the codings leave; the wire's bytes stay in the request.
    """
    fields = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))

    prompt = read(CHAT, gzip.compress(b'{"model":"m"}'), fields=fields)

    assert (prompt.model, prompt.body) == ("m", b'{"model":"m"}')


@pytest.mark.parametrize(
    "fields",
    [
        (("content-encoding", "gzip"), ("content-encoding", "gzip")),
        (("content-encoding", "identity"), ("content-encoding", "gzip")),
        (("content-encoding", "x-gzip"),),
        (("content-encoding", "utf-8"),),
    ],
)
def test_layers_and_unknown_codings_are_refused(fields):
    """
    A second header line is a second layer.
    """
    with pytest.raises(WireError):
        read(CHAT, gzip.compress(b"{}"), fields=fields)


@pytest.mark.parametrize("body", [b" " * (LIMIT + 1), b'{"a":"' + b"x" * LIMIT + b'"}'])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_body_over_the_limit_is_too_large(body, coding):
    """
    Before and after its coding: 413.
    """
    packed = gzip.compress(body) if coding == "gzip" else body

    with pytest.raises(TooLarge) as raised:
        read(CHAT, packed, fields=(("content-encoding", coding),))
    assert raised.value.status == 413


@pytest.mark.parametrize(
    "label", ["application/json; charset=utf-16", "application/json;charset=rot13", "application/json; charset=iso-8859-1"]
)
def test_another_charset_is_refused(label):
    """
    The provider might read other letters than we do.
    """
    with pytest.raises(BadRequest):
        read(CHAT, b"{}", fields=(("content-type", label),))


@pytest.mark.parametrize(
    "label", ["application/json", "application/json; charset=UTF-8", 'application/json; charset="utf-8"', "text/plain", ""]
)
def test_a_chat_body_is_json_whatever_its_label(label):
    """
    Providers read it as JSON, so do we.
    """
    assert read(CHAT, b'{"model":"m"}', fields=(("content-type", label),)).model == "m"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"a=b", b'{"model":"a","model":"b"}', b"\x1f\x8b"])
@pytest.mark.parametrize(
    "label", ["application/json", "application/x-www-form-urlencoded", "application/octet-stream", "multipart/form-data; boundary=x"]
)
def test_a_chat_body_that_is_no_object_is_refused(body, label):
    """
    Nothing is sent that policy has not read.
    """
    with pytest.raises(ExciseError):
        read(CHAT, body, fields=(("content-type", label),))


def test_two_content_types_are_refused():
    """
    One reader takes the first, another the last.
    """
    with pytest.raises(BadRequest):
        read(CHAT, b"{}", fields=(("content-type", "application/json"), ("Content-Type", "text/plain")))


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_an_empty_body_is_no_json(method):
    """
    Lists, deletions, and requests whose refusal is the provider's business.
    """
    prompt = read(Call("openai", "models", "models", "none", stream_at="none"), b"", method=method)

    assert (prompt.json, prompt.body, prompt.model, prompt.stream) == (None, b"", None, False)


@pytest.mark.parametrize("spelling", ["Model", "MODEL", "mode\u006c"])
def test_one_other_spelling_is_read_as_go_servers_do(spelling):
    """
    `Model` names the model for servers that fold case.
    """
    assert read(CHAT, {spelling: "m"}).model == "m"


@pytest.mark.parametrize("spelling", ["Model", "\u017ftream", "Stream"])
def test_two_spellings_are_refused(spelling):
    """
    Go folds `ſ` to s as well, and takes the last.
    """
    with pytest.raises(BadRequest):
        read(CHAT, {"model": "a", "stream": False, spelling: "b"})


@pytest.mark.parametrize("model", [7, ["m"], {"a": 1}, "x" * 3000, "m\nx"])
def test_a_model_that_is_no_name_is_refused(model):
    """
    It goes into the ledger and is compared with policy.
    """
    with pytest.raises(BadRequest):
        read(CHAT, {"model": model})


@pytest.mark.parametrize(
    ("call", "body", "model"),
    [
        (Call("gemini", "chat", "gemini", "path", model="gemini-x"), {"contents": []}, "gemini-x"),
        (Call("azure-openai", "chat", "openai-chat", "path", model="deployment"), {"model": "other"}, "deployment"),
        (Call("watsonx", "chat", "watsonx-chat", "body"), {"model_id": "granite"}, "granite"),
        (Call("oci", "chat", "oci-native", "body"), {"servingMode": {"modelId": "c"}}, "c"),
        (Call("openai", "realtime_token", "openai-realtime-rest", "body"), {"session": {"model": "rt"}}, "rt"),
        (Call("tencent", "chat", "tencent-cloud-api", "body"), {"Model": "hunyuan"}, "hunyuan"),
        (Call("openai", "responses", "openai-responses", "body"), {"prompt": {"id": "p"}}, None),
        (Call("openai", "files", "openai-files", "none"), {"model": "m"}, None),
    ],
)
def test_where_the_model_stands(call, body, model):
    """
    The path wins over the body; other names for it are known.
    """
    assert read(call, body).model == model


@pytest.mark.parametrize(
    ("call", "body", "fields", "stream"),
    [
        (Call("p", "chat", "openai-chat", "body"), {"stream": True}, (), True),
        (Call("p", "chat", "openai-chat", "body"), {"stream": "true"}, (), True),
        (Call("p", "chat", "openai-chat", "body"), {"stream": 1}, (), True),
        (Call("p", "chat", "openai-chat", "body"), {"stream": None}, (), False),
        (Call("p", "chat", "gemini", "path", "m", stream_at="path", streams=True), {"stream": False}, (), True),
        (Call("p", "chat", "gemini", "path", "m", stream_at="none", streams=False), {"stream": True}, (), False),
        (Call("p", "chat", "ollama", "body", stream_at="default-on"), {}, (), True),
        (Call("p", "chat", "ollama", "body", stream_at="default-on"), {"stream": False}, (), False),
        (Call("p", "chat", "dashscope-native", "body", stream_at="header"), {}, (("X-DashScope-SSE", "enable"),), True),
        (Call("p", "chat", "dashscope-native", "body", stream_at="header"), {}, (("Accept", "text/event-stream"),), True),
        (Call("p", "chat", "dashscope-native", "body", stream_at="header"), {}, (("X-DashScope-SSE", "disable"),), False),
        (Call("p", "responses", "openai-responses", "body", stream_at="always"), {}, (), True),
        (Call("p", "speech", "openai-audio", "body"), {"stream_format": "sse"}, (("content-type", "application/json"),), True),
        (Call("p", "models", "models", "none", stream_at="none"), {"stream": True}, (), False),
    ],
)
def test_how_a_stream_is_asked_for(call, body, fields, stream):
    """
    Flag, path, header, default; read as widely as the most lenient server.
    """
    assert read(call, body, fields=fields).stream is stream


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ({"max_output_tokens": 5}, 5),
        ({"generationConfig": {"maxOutputTokens": 5}}, 5),
        ({"inferenceConfig": {"maxTokens": 5}}, 5),
        ({"options": {"num_predict": 5}}, 5),
        ({"options": {"num_predict": -1}}, None),
        ({"max_tokens_to_sample": 5.0}, 5),
        ({"max_gen_len": 5}, 5),
        ({"max_tokens": True}, None),
        ({"max_tokens": "5"}, None),
        ({"max_tokens": 5.5}, None),
        ({"max_tokens": None, "parameters": {"max_new_tokens": 0}}, 0),
        ({"inferenceConfig": "x"}, None),
    ],
)
def test_every_dialects_name_for_the_longest_answer(body, most):
    """
    Numbers only; what is no number was not said.
    """
    assert read(CHAT, body).max_tokens == most


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ({"reasoning": {"effort": "low", "summary": "auto"}}, "low"),
        ({"output_config": {"effort": "max"}}, "max"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "budget"),
        ({"thinking": {"type": "disabled"}}, "off"),
        ({"thinking": {"type": "adaptive"}}, "adaptive"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}}, "high"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, "off"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}, "dynamic"),
        ({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 9}}}, "budget"),
        ({"think": True}, "on"),
        ({"think": "medium"}, "medium"),
        ({"enable_thinking": False}, "off"),
        ({"reasoning": {"enabled": True}}, "on"),
        ({"reasoning_effort": "my secret"}, "other"),
        ({"thinking": {"type": "my secret"}}, "other"),
        ({"reasoning": {"summary": "auto"}}, None),
    ],
)
def test_every_dialects_name_for_effort(body, level):
    """
    A closed list: no text of the client's reaches the ledger by this way.
    """
    assert read(CHAT, body).reasoning_level == level


@pytest.mark.parametrize("body", [{"safety_identifier": "abc"}, {"user": "abc"}, {"metadata": {"user_id": "abc"}}])
def test_the_end_user_is_hashed(body):
    """
    Whatever the dialect calls him.
    """
    assert read(CHAT, body).consumer_id == "eu_3"


@pytest.mark.parametrize("body", [{"user": ""}, {"user": 7}, {"metadata": "abc"}, {"user": None}])
def test_no_end_user_is_none(body):
    """
    Nothing is hashed that was not said.
    """
    assert read(CHAT, body).consumer_id is None


FORM = (("content-type", "multipart/form-data; boundary=b"),)
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="stream"\r\n\r\ntrue\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\xff\xfe\r\n--b--\r\n'
)


def test_a_form_names_its_model():
    """
    Transcriptions and edits of pictures come as forms.
    """
    prompt = read(Call("openai", "transcription", "openai-audio", "form", stream_at="form"), UPLOAD, fields=FORM)

    assert (prompt.model, prompt.stream, prompt.json, prompt.body) == ("whisper-1", True, None, UPLOAD)


def test_a_chat_form_is_refused():
    """
    An operation that reads JSON is not let through unread because of a label.
    """
    with pytest.raises(WireError):
        read(CHAT, UPLOAD, fields=FORM)


@pytest.mark.parametrize("label", ["audio/mpeg", "application/octet-stream", "application/sdp", ""])
def test_media_pass_unread(label):
    """
    Where an operation takes more than JSON.
    """
    call = Call("deepgram", "transcription", "deepgram", "query", model="nova")

    prompt = read(call, b"\xff\xfb\x00", fields=(("content-type", label),))

    assert (prompt.json, prompt.model) == (None, "nova")


def test_json_is_strict_there_too():
    """
    A label that says JSON is believed.
    """
    with pytest.raises(WireError):
        read(Call("deepgram", "speech", "deepgram", "query"), b"{", fields=(("content-type", "application/json"),))


@require_recordings
def test_recorded_requests_are_read():
    """
    Every recorded request whose bytes were kept: the model recorded for it, and streams only where they were asked for.
    """
    read_count = 0
    for record in records():
        meta, sent = record["meta"], record["request"]
        body = request_body(record)
        if not body or b"form data omitted" in body or meta["model"] is None or not body.lstrip().startswith((b"{", b"-")):
            continue
        form = "multipart" in (header(sent, "content-type") or "")
        call = Call(meta["provider"], meta["operation"], meta["protocol"], "form" if form else "body", stream_at="form" if form else "body")
        url = urlsplit(sent["url"])
        http = HttpRequest(sent["method"], "https", url.hostname or "", 443, url.path, headers(sent), body)
        try:
            prompt = read_prompt(call, http, limit=32 << 20, pseudonym=lambda _: "h")
        except WireError:
            assert record["response"]["status"] >= 400, record["id"]  # the provider could not read it either
            continue
        if prompt.model is not None:
            assert prompt.model == meta["model"], record["id"]
        read_count += 1

    assert read_count > 600
