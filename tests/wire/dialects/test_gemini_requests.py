"""
Requests in Gemini's words: what each field means, what the models of each generation are told, and what is lost on the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from gemini_cases import ARRAY, PLAIN, STREAM, assistant, body_of, encoded, foreign, losses_of, system, target, user

from excise.errors import BadRequest
from excise.wire.dialect import Envelope, Verdict
from excise.wire.dialects.gemini import GEMINI
from excise.wire.keepsake import wrap
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    Extra,
    FileId,
    Image,
    Link,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningAsk,
    Refusal,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Video,
)
from excise.wire.tool_ids import made

PNG = "iVBORw0KGgo="
GEMINI_3 = target("gemini-3-flash-preview")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "Weather now.", SCHEMA)


def read(body: Any, envelope: Envelope = PLAIN) -> Request:
    return GEMINI.decode_request({"contents": [], **body}, envelope)


def parts_read(*parts: Any, role: str = "user") -> tuple[Part, ...]:
    return read({"contents": [{"role": role, "parts": list(parts)}]}).turns[0].parts


def config_read(**config: Any) -> Request:
    return read({"generationConfig": config})


# -- reading: spelling and shape -------------------------------------------------------------------------------------------------------

CAMEL = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}, {"fileData": {"fileUri": "gs://b/a.pdf"}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a_b": 1}}, "thoughtSignature": "QUJD"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a_b": 2}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "maxOutputTokens": 5,
        "topP": 0.5,
        "topK": 3,
        "stopSequences": ["x"],
        "candidateCount": 2,
        "thinkingConfig": {"thinkingBudget": 7, "includeThoughts": False},
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "anyOf": [{"type": "STRING"}]},
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "cachedContent": "cachedContents/1",
}


def snake(value: Any) -> Any:
    """
    The same with every key of the API in snake case; what stands in `args` and `response` is the client's.
    """
    if isinstance(value, list):
        return [snake(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key): one if key in ("args", "response") else snake(one)
        for key, one in value.items()
    }


def test_both_spellings_mean_the_same() -> None:
    """
    The API takes camelCase and snake_case; the SDK for Python sends both in one request.
    """
    assert "system_instruction" in snake(CAMEL)
    assert GEMINI.decode_request(snake(CAMEL), PLAIN) == GEMINI.decode_request(CAMEL, PLAIN)


def test_a_request_in_snake_case_is_written_back_in_it() -> None:
    """
    Nothing is respelled that did not change.
    """
    body = snake(CAMEL)

    assert GEMINI.encode_request(GEMINI.decode_request(body, PLAIN), target()).body == body


@pytest.mark.parametrize(
    "given",
    [
        "Be kind.",
        {"parts": [{"text": "Be kind."}]},
        {"parts": {"text": "Be kind."}},
        {"role": "system", "parts": [{"text": "Be kind."}]},
    ],
)
def test_system_text_has_several_forms(given: Any) -> None:
    """
    A content, with or without a role, its parts a list or alone; or the bare text.
    """
    assert read({"system_instruction": given}).turns == (system("Be kind."),)


@pytest.mark.parametrize("role", ["user", "function", "tool", None])
def test_a_content_may_be_alone_and_without_a_role(role: str | None) -> None:
    """
    One content in place of a list, and whoever is not the model is the user.
    """
    assert read({"contents": {"role": role, "parts": {"text": "Hi"}}}).turns == (user("Hi"),)


def test_the_path_says_model_and_stream() -> None:
    """
    The body says neither; a model in it counts where the path has none.
    """
    request = read({"model": "models/gemini-x"}, Envelope())
    assert (request.model, request.stream, request.include_usage) == ("gemini-x", False, None)
    assert (read({}, STREAM).stream, read({}, ARRAY).include_usage) == (True, True)


# -- reading: parts --------------------------------------------------------------------------------------------------------------------


def test_media_are_told_by_their_type() -> None:
    """
    One field holds pictures, sound, film and documents alike.
    """

    def inline(kind: str) -> dict[str, Any]:
        return {"inlineData": {"mimeType": kind, "data": PNG}}

    assert parts_read(inline("image/PNG"), inline("audio/wav; rate=1"), inline("video/mp4"), inline("application/pdf")) == (
        Image(source=Blob("image/png", PNG)),
        Audio(source=Blob("audio/wav", PNG)),
        Video(source=Blob("video/mp4", PNG)),
        Document(source=Blob("application/pdf", PNG)),
    )


def test_base64_is_made_standard() -> None:
    """
    Google's SDKs write the URL-safe alphabet and may leave the padding out; no other API takes that.
    """
    assert parts_read({"inlineData": {"mimeType": "image/png", "data": "_-8"}}) == (Image(source=Blob("image/png", "/+8=")),)


def test_links_and_stored_files_differ() -> None:
    """
    A link may be fetched by anybody; a file of the Files API only by Google.
    """
    stored = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    assert parts_read(
        {"fileData": {"fileUri": "https://example.com/a.png?x=1"}},
        {"fileData": {"fileUri": stored, "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
        {"fileData": {"fileUri": "gs://bucket/a", "mimeType": "audio/mpeg"}, "videoMetadata": {}},
    ) == (
        Image(source=Link("https://example.com/a.png?x=1", "image/png")),
        Image(source=FileId(stored, "image/png")),
        Video(source=Link("https://www.youtube.com/watch?v=1", "video/mp4")),
        Video(source=Link("gs://bucket/a", "audio/mpeg")),
    )


def test_what_the_model_made_is_opaque() -> None:
    """
    A picture in the model's turn is one it made: no other dialect lets a model show pictures.
    """
    assert parts_read({"inlineData": {"mimeType": "image/png", "data": PNG}}, role="model") == (Opaque(kind="image"),)


def test_a_signature_is_a_thought_before_its_part() -> None:
    """
    On a call or a text it is bound to that part; on an empty text it stands alone, and is kept.
    """
    assert parts_read(
        {"functionCall": {"id": "c", "name": "f"}, "thoughtSignature": "A"},
        {"text": "Hi", "thought_signature": "B"},
        {"text": "", "thoughtSignature": "C"},
        {"text": "Hm", "thought": True, "thoughtSignature": "D"},
        role="model",
    ) == (
        Reasoning(signature="A", attached=True),
        ToolCall(id="c", name="f", arguments={}),
        Reasoning(signature="B", attached=True),
        Text(text="Hi"),
        Reasoning(signature="C"),
        Reasoning(text="Hm", signature="D", summary=True),
    )


def test_a_proof_of_another_provider_comes_home() -> None:
    """
    What was wrapped for a client of this dialect is unwrapped, whether it proves a seen thought, a hidden one, or none.
    """
    proof = wrap("anthropic", "sig")
    assert parts_read(
        {"text": "Hm", "thought": True, "thoughtSignature": proof},
        {"text": "", "thought": True, "thoughtSignature": proof},
        {"functionCall": {"id": "c", "name": "f"}, "thoughtSignature": proof},
        role="model",
    ) == (
        Reasoning(text="Hm", signature="sig", origin="anthropic", summary=True),
        Reasoning(signature="sig", origin="anthropic", summary=True, redacted=True),
        Reasoning(signature="sig", origin="anthropic", attached=True),
        ToolCall(id="c", name="f", arguments={}),
    )


def test_a_streamed_thought_is_joined_with_its_proof() -> None:
    """
    Clients give a streamed thought back in pieces, each in a content of its own; its maker wants it whole.
    """
    proof = wrap("anthropic", "sig")
    pieces = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "One ", "thought": True}]},
        {"role": "model", "parts": [{"text": "two", "thought": True}]},
        {"role": "model", "parts": [{"text": "", "thought": True, "thoughtSignature": proof}]},
        {"role": "model", "parts": [{"text": "Yes."}]},
    ]
    assert read({"contents": pieces}).turns == (
        user("Hi"),
        assistant(Reasoning(text="One two", signature="sig", origin="anthropic", summary=True)),
        assistant("Yes."),
    )


def test_unproven_thoughts_before_something_else_stay() -> None:
    """
    Only a proof gathers thoughts; where something else follows, they stand as they are.
    """
    proof = {"text": "", "thought": True, "thoughtSignature": wrap("anthropic", "sig")}
    pieces = [
        {"role": "model", "parts": [{"text": "One", "thought": True}, {"text": "Said."}]},
        {"role": "model", "parts": [{"text": "two", "thought": True}]},
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [proof, {"text": "three", "thought": True}]},
    ]
    one, two, three = (Reasoning(text=text, summary=True) for text in ("One", "two", "three"))
    hidden = Reasoning(signature="sig", origin="anthropic", summary=True, redacted=True)
    assert read({"contents": pieces}).turns == (assistant(one, "Said."), assistant(two), user("Hi"), assistant(hidden), assistant(three))


def test_results_find_their_calls() -> None:
    """
    By id where there is one, else by name and order; ids are made where Google gives none, alike in every turn.
    """
    calls = [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "g"}}, {"functionCall": {"id": "x", "name": "f"}}]
    results = [
        {"functionResponse": {"id": "x", "name": "f", "response": {"result": "1"}}},
        {"functionResponse": {"name": "f", "response": {"output": "2"}}},
        {"functionResponse": {"name": "g", "response": {"a": 1}}},
        {"functionResponse": {"name": "h"}},
    ]
    turns = read({"contents": [{"role": "model", "parts": calls}, {"role": "user", "parts": results}]}).turns

    assert [part.id for part in turns[0].parts if isinstance(part, ToolCall)] == [made("history", 0), made("history", 1), "x"]
    assert turns[1].parts == (
        ToolResult(call_id="x", name="f", parts=(Text(text="1"),)),
        ToolResult(call_id=made("history", 0), name="f", parts=(Text(text="2"),)),
        ToolResult(call_id=made("history", 1), name="g", value={"a": 1}),
        ToolResult(call_id=made("history", 3), name="h"),
    )


def test_results_hold_errors_values_and_pictures() -> None:
    """
    "error" marks what went wrong, "output" or "result" what was given, anything else is the result itself; media stand beside.
    """
    image = {"inlineData": {"mimeType": "image/png", "data": PNG, "displayName": "a"}}
    found = parts_read(
        {"functionResponse": {"id": "a", "name": "f", "response": {"error": "no"}}},
        {"functionResponse": {"id": "b", "name": "f", "response": {"result": [1]}, "parts": [image]}},
        {"functionResponse": {"id": "c", "name": "f", "response": {"error": None}}},
        {"functionResponse": {"id": "d", "name": "f", "response": {"error": "x", "output": "y"}}},
    )
    assert found == (
        ToolResult(call_id="a", name="f", parts=(Text(text="no"),), is_error=True),
        ToolResult(call_id="b", name="f", parts=(Image(source=Blob("image/png", PNG)),), value=[1]),
        ToolResult(call_id="c", name="f", value={"error": None}),
        ToolResult(call_id="d", name="f", value={"error": "x", "output": "y"}),
    )


@pytest.mark.parametrize("key", ["executableCode", "code_execution_result", "toolCall", "tool_response"])
def test_google_s_own_tools_stay_with_google(key: str) -> None:
    """
    What they did cannot be told to another provider, and is never left out in silence.
    """
    assert parts_read({key: {}}, role="model") == (Opaque(kind="tools.server", vital=True),)


def test_a_part_of_tomorrow_is_kept() -> None:
    """
    A kind of part nobody knows yet does not break the call, and is not lost; an empty part says nothing.
    """
    assert parts_read({"hologram": {}}, {}) == (Opaque(kind="part"), Opaque(kind="part", vital=False))


# -- reading: tools and settings -------------------------------------------------------------------------------------------------------


def test_schemas_become_json_schema() -> None:
    """
    Google's types are in capitals or numbers, and null is a property of its own; the names of properties are the client's.
    """
    schema = {
        "type": "OBJECT",
        "properties": {
            "any_of": {"type": 1, "nullable": True, "enum": ["a"], "format": "enum", "example": "a"},
            "type": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int64"}, "max_items": "3"},
            "either": {"any_of": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
        },
        "required": ["type"],
        "propertyOrdering": ["type"],
        "additionalProperties": {"type": "BOOLEAN"},
        "defs": {"x": {"type": "TYPE_UNSPECIFIED", "description": "d"}},
    }
    (tool,) = read({"tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}).tools

    assert tool.schema == {
        "type": "object",
        "properties": {
            "any_of": {"type": ["string", "null"], "enum": ["a", None]},
            "type": {"type": "array", "items": {"type": "integer", "format": "int64"}, "maxItems": 3},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        },
        "required": ["type"],
        "additionalProperties": {"type": "boolean"},
        "$defs": {"x": {"description": "d"}},
    }


def test_json_schema_is_taken_as_it_is() -> None:
    """
    `parametersJsonSchema` and `responseJsonSchema` are JSON Schema already.
    """
    schema = {"type": "object", "$defs": {"a": {"const": 1}}, "properties": {"a": {"$ref": "#/$defs/a"}}}
    request = read(
        {
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}, {"name": "g"}]}],
            "generationConfig": {"responseJsonSchema": schema},
        }
    )
    assert [tool.schema for tool in request.tools] == [schema, None]
    assert request.output == OutputFormat(schema)


def test_a_schema_without_end_is_refused() -> None:
    """
    A document that is deep enough to exhaust a reader is refused, naming where it begins.
    """
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(BadRequest, match="nested too deeply"):
        config_read(responseSchema=schema)


@pytest.mark.parametrize("tool", ["googleSearch", "code_execution", "urlContext", "googleMaps", "fileSearch", "computerUse", "tomorrow"])
def test_server_tools_are_vital(tool: str) -> None:
    """
    A tool that Google runs has no equal elsewhere.
    """
    request = read({"tools": [{tool: {}}]})

    assert [(extra.field, extra.vital) for extra in request.extras] == [("tools.server", True)]


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": 1}, ToolChoice("auto")),
        ({"mode": "none"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "ANY", "allowed_function_names": ["f"]}, ToolChoice("named", ("f",))),
        ({"mode": 2, "allowedFunctionNames": ["f", "g"]}, ToolChoice("required", ("f", "g"))),
        ({"mode": "VALIDATED"}, ToolChoice("auto")),
        ({"mode": "MODE_UNSPECIFIED"}, None),
        ({}, None),
    ],
)
def test_modes_of_calling(config: Any, choice: ToolChoice | None) -> None:
    """
    One allowed name under ANY is a call of that function; several leave the choice among them.
    """
    assert read({"toolConfig": {"functionCallingConfig": config}}).tool_choice == choice


@pytest.mark.parametrize(
    ("config", "ask"),
    [
        ({"thinkingBudget": 0}, ReasoningAsk(budget_tokens=0)),
        ({"thinkingBudget": -1}, ReasoningAsk(budget_tokens=-1, adaptive=True)),
        ({"thinking_budget": 99, "include_thoughts": True}, ReasoningAsk(budget_tokens=99, visible=True)),
        ({"thinkingLevel": "high"}, ReasoningAsk(effort="high")),
        ({"thinkingLevel": "XHIGH"}, ReasoningAsk(effort="xhigh")),
        ({"thinkingLevel": 1}, ReasoningAsk(effort="low")),
        ({"includeThoughts": False}, ReasoningAsk(visible=False)),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
        ({}, None),
    ],
)
def test_thinking(config: Any, ask: ReasoningAsk | None) -> None:
    """
    A level or a budget, and whether the client wants to see it.
    """
    assert config_read(thinkingConfig=config).reasoning == ask


def test_settings() -> None:
    """
    Every number has its place.
    """
    request = config_read(
        temperature=1, topP=0.9, topK=40.0, seed=7, presencePenalty=0.1, frequencyPenalty=0.2, maxOutputTokens=10,
        candidateCount=2, responseLogprobs=True, logprobs=3, stopSequences=["a", "b"], responseMimeType="application/json",
    )  # fmt: skip
    assert request.sampling == Sampling(1, 0.9, 40, None, 7, 0.2, 0.1)
    assert (request.max_tokens, request.candidates, request.logprobs, request.stop) == (10, 2, 3, ("a", "b"))
    assert request.output == OutputFormat()
    assert config_read(logprobs=3).logprobs is None
    assert config_read(responseLogprobs=True).logprobs == 0
    assert read({"labels": {"a": "b"}, "serviceTier": "FLEX"}).metadata == {"a": "b"}
    assert read({"serviceTier": "FLEX"}).service_tier == "flex"


@pytest.mark.parametrize(
    ("body", "field", "vital"),
    [
        ({"cachedContent": "cachedContents/1"}, "cachedContent", True),
        ({"continuation_token": "x"}, "continuationToken", True),
        ({"modelArmorConfig": {}}, "modelArmorConfig", True),
        ({"safetySettings": []}, "safetySettings", False),
        ({"store": False}, "store", False),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "responseModalities", True),
        ({"generationConfig": {"responseModalities": [3]}}, "responseModalities", True),
        ({"generationConfig": {"response_mime_type": "text/x.enum"}}, "responseMimeType", True),
        ({"generationConfig": {"speechConfig": {}}}, "speechConfig", False),
        ({"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}}, "mediaResolution", False),
        ({"generationConfig": {"hunter2": {}}}, "unknown", False),
        ({"hunter2": {}}, "unknown", False),
        ({"toolConfig": {"retrievalConfig": {}}}, "toolConfig.retrievalConfig", False),
        ({"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}}, "tool_choice", False),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "ENORMOUS"}}}, "reasoning.effort", False),
    ],
)
def test_what_has_no_neutral_word_is_noted(body: Any, field: str, vital: bool) -> None:
    """
    What would change the outcome makes another provider impossible, the rest is dropped with a note; names nobody knows are not repeated.
    """
    assert [(extra.field, extra.vital) for extra in read(body).extras] == [(field, vital)]


def test_text_alone_is_no_special_modality() -> None:
    """
    What every model gives needs no note.
    """
    assert config_read(responseModalities=["TEXT"], responseMimeType="text/plain").extras == ()


# -- writing: conversations ------------------------------------------------------------------------------------------------------------


def test_system_text_goes_to_its_place() -> None:
    """
    All of it, in order, wherever it stood; that it was moved is noted.
    """
    request = foreign(system("One."), user("Hi"), system("Two."), user("Ho"))

    assert body_of(request)["systemInstruction"] == {"parts": [{"text": "One."}, {"text": "Two."}]}
    assert body_of(request)["contents"] == [{"role": "user", "parts": [{"text": "Hi"}, {"text": "Ho"}]}]
    assert losses_of(request) == {("system.position", "changed")}


def test_a_conversation_begins_with_the_user() -> None:
    """
    Also one that has nothing but system text, or begins with the model.
    """
    for turns in ((system("One."),), (assistant("Hello."), user("Hi"))):
        contents = body_of(foreign(*turns))["contents"]
        assert contents[0]["role"] == "user"
        assert contents[0]["parts"][0]["text"]


CALLS = (
    user("Go"),
    assistant(
        "Let me look.",
        ToolCall(id="a", name="f", arguments={"x": 1}),
        ToolCall(id="b", name="g", arguments=None, text="{broken"),
    ),
    user(
        ToolResult(call_id="b", parts=(Text(text="no"),), is_error=True),
        "And now?",
        ToolResult(call_id="a", value={"y": 2}),
    ),
)


def test_calls_and_results() -> None:
    """
    Results stand in one content of their own, in the order of their calls; an error under "error", text under "result", an object as it is.
    """
    body = body_of(foreign(*CALLS))

    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "Let me look."},
                {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}},
                {"functionCall": {"id": "b", "name": "g", "args": {"input": "{broken"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"y": 2}}},
                {"functionResponse": {"id": "b", "name": "g", "response": {"error": "no"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And now?"}]},
    ]
    assert losses_of(foreign(*CALLS)) == {("tools.arguments", "changed")}


@pytest.mark.parametrize(
    ("result", "response"),
    [
        ({"parts": (Text(text="a"), Text(text="b"))}, {"result": "a\nb"}),
        ({"value": [1]}, {"result": [1]}),
        ({"value": {"error": "not one"}}, {"result": {"error": "not one"}}),
        ({"value": {"x": 1}, "is_error": True}, {"error": {"x": 1}}),
        ({"value": {"x": 1}, "parts": (Text(text="a"),)}, {"result": ["a", {"x": 1}]}),
        ({}, {"result": ""}),
    ],
)
def test_a_result_is_an_object(result: dict[str, Any], response: dict[str, Any]) -> None:
    """
    And never one that says something else than the tool did.
    """
    request = foreign(user("Go"), assistant(ToolCall(id="a", name="f", arguments={})), user(ToolResult(call_id="a", **result)))

    assert body_of(request)["contents"][2]["parts"][0]["functionResponse"]["response"] == response


def test_generation_3_wants_a_signature_on_the_first_call_of_each_step() -> None:
    """
    Histories of other models have none; the documented stand-in goes where Google's own is missing, and nowhere else.
    """
    step = (assistant(ToolCall(id="a", name="f", arguments={}), ToolCall(id="b", name="f", arguments={})),)
    results = user(ToolResult(call_id="a"), ToolResult(call_id="b"))
    own = Reasoning(signature="QUJD", origin="gemini")
    signed = assistant(own, ToolCall(id="c", name="f", arguments={}))
    contents = body_of(foreign(user("Go"), *step, results, signed, user(ToolResult(call_id="c"))), GEMINI_3)["contents"]

    assert [part.get("thoughtSignature") for part in contents[1]["parts"]] == ["skip_thought_signature_validator", None]
    assert [part.get("thoughtSignature") for part in contents[3]["parts"]] == ["QUJD"]
    assert "thoughtSignature" not in body_of(foreign(user("Go"), *step, results))["contents"][1]["parts"][0]


def test_thoughts_go_home_and_nowhere_else() -> None:
    """
    A thought with its proof goes back to who made it, in the place it had; any other is dropped with a note, never said as text.
    """
    own = Reasoning(text="Hm", signature="QQ==", origin="gemini", summary=True)
    bound = Reasoning(signature="Qg==", origin="gemini")
    request = foreign(user("Hi"), assistant(own, bound, "Yes.", replace(bound, signature="Qw==")), user("Ho"))

    assert body_of(request)["contents"][1]["parts"] == [
        {"text": "Hm", "thought": True, "thoughtSignature": "QQ=="},
        {"text": "Yes.", "thoughtSignature": "Qg=="},
        {"text": "", "thoughtSignature": "Qw=="},
    ]
    assert losses_of(request) == set()
    vertex = target(provider="vertex")
    assert body_of(request, vertex)["contents"][1]["parts"] == [{"text": "Yes."}]
    assert losses_of(request, vertex) == {("reasoning.history", "dropped")}


def test_pictures_in_results() -> None:
    """
    From generation 3 on they stand in the result; before, and links and sound always, they follow in a content of the user.
    """
    image, link = Image(source=Blob("image/jpg", PNG)), Image(source=Link("https://example.com/a"))
    sound = Audio(source=Blob("audio/wav", PNG))
    request = foreign(
        user("Go"),
        assistant(ToolCall(id="a", name="f", arguments={})),
        user(ToolResult(call_id="a", parts=(Text(text="x"), image, link, sound))),
    )
    written = {"inlineData": {"mimeType": "image/jpeg", "data": PNG}}
    linked = {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com/a"}}
    heard = {"inlineData": {"mimeType": "audio/wav", "data": PNG}}

    contents = body_of(request, GEMINI_3)["contents"]
    assert contents[2]["parts"][0]["functionResponse"]["parts"] == [written]
    assert contents[3] == {"role": "user", "parts": [linked, heard]}
    contents = body_of(request)["contents"]
    assert "parts" not in contents[2]["parts"][0]["functionResponse"]
    assert contents[3]["parts"][-3:] == [written, linked, heard]
    assert ("tool_result.media", "changed") in losses_of(request)


def test_media() -> None:
    """
    Bytes travel; links are Google's to fetch, with a type that is guessed where nobody said one; YouTube and buckets need no note.
    """
    request = foreign(
        user(
            Document(source=Blob("application/pdf", PNG), title="T", context="C", citations=True),
            Image(source=Link("https://example.com/a.webp"), detail="high"),
            Audio(source=Link("https://example.com/a")),
            Video(source=Link("https://youtu.be/1")),
            Video(source=Link("gs://b/a.mov")),
            Refusal(text="No."),
        )
    )
    assert body_of(request)["contents"][0]["parts"] == [
        {"text": "C"},
        {"inlineData": {"mimeType": "application/pdf", "data": PNG}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.com/a.webp"}},
        {"fileData": {"mimeType": "audio/mpeg", "fileUri": "https://example.com/a"}},
        {"fileData": {"fileUri": "https://youtu.be/1"}},
        {"fileData": {"mimeType": "video/quicktime", "fileUri": "gs://b/a.mov"}},
        {"text": "No."},
    ]
    assert losses_of(request) == {
        ("document.title", "dropped"),
        ("document.context", "changed"),
        ("citations", "dropped"),
        ("image.url", "changed"),
        ("image.detail", "dropped"),
        ("audio.url", "changed"),
    }


@pytest.mark.parametrize(
    ("request_", "to", "field"),
    [
        (foreign(user(Image(source=FileId("file-1")))), target(), "file_id"),
        (foreign(user(Image(source=Blob("image/png", PNG)))), target(vision=False), "image"),
        (foreign(user(Audio(source=Blob("audio/wav", PNG)))), target(audio_in=False), "audio"),
        (foreign(user(Document(source=Blob("application/pdf", PNG)))), target(pdf=False), "document"),
        (foreign(user(Opaque(kind="tools.server"))), target(), "tools.server"),
        (foreign(user("Hi"), assistant("So")), target(prefill=False), "prefill"),
        (foreign(tools=(WEATHER,)), target(tools=False), "tools"),
        (foreign(tools=(WEATHER,), tool_choice=ToolChoice("required")), target(forced_tools=False), "tool_choice"),
        (foreign(candidates=9), target(), "candidates"),
        (foreign(logprobs=0), target(), "logprobs"),
        (foreign(extras=(Extra("previous_response_id", True, "stored"),)), target(), "previous_response_id"),
    ],
)
def test_what_cannot_be_done_is_impossible(request_: Request, to: Any, field: str) -> None:
    """
    Nothing that would change the outcome is left out.
    """
    assert (field, "impossible") in losses_of(request_, to)
    assert encoded(request_, to).verdict is Verdict.IMPOSSIBLE


# -- writing: tools --------------------------------------------------------------------------------------------------------------------


def test_tools() -> None:
    """
    Schemas go as they are; a function that takes nothing has none; what the API does not know is noted.
    """
    recursive = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"const": 1}}}
    request = foreign(
        tools=(
            replace(WEATHER, strict=True, cache="5m"),
            Tool("now", None, {"type": "object", "properties": {}}),
            Tool("any", None, {"type": "object", "additionalProperties": True}),
            Tool("refers", None, recursive),
        ),
        parallel_tools=False,
    )
    assert body_of(request)["tools"] == [
        {
            "functionDeclarations": [
                {"name": "get_weather", "description": "Weather now.", "parametersJsonSchema": SCHEMA},
                {"name": "now"},
                {"name": "any", "parametersJsonSchema": {"type": "object", "additionalProperties": True}},
                {"name": "refers", "parametersJsonSchema": recursive},
            ]
        }
    ]
    assert losses_of(request) == {("tools.strict", "dropped"), ("cache", "dropped"), ("parallel_tools", "dropped")}


def test_a_reference_with_something_beside_it_is_written_out() -> None:
    """
    The API refuses keywords beside a reference.
    """
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a", "description": "d"}}, "$defs": {"a": {"type": "string"}}}
    (written,) = body_of(foreign(tools=(Tool("f", None, schema),)))["tools"][0]["functionDeclarations"]

    assert written["parametersJsonSchema"] == {"type": "object", "properties": {"a": {"type": "string", "description": "d"}}}


def test_names_of_functions_fit_and_come_back() -> None:
    """
    Dots, colons and dashes may stay; a name that may not stand is changed alike wherever it stands, and the answer has the client's.
    """
    long = "x" * 70
    request = foreign(
        user("Go"),
        assistant(ToolCall(id="a", name="1 f", arguments={})),
        user(ToolResult(call_id="a")),
        tools=(Tool("a.b:c-d"), Tool("1 f"), Tool("_1_f"), Tool(long)),
        tool_choice=ToolChoice("named", ("1 f",)),
    )
    result = encoded(request)
    names = [tool["name"] for tool in result.body["tools"][0]["functionDeclarations"]]

    assert names[0] == "a.b:c-d"
    assert names[2] == "_1_f"
    assert len(set(names)) == 4
    assert all(len(name) <= 64 for name in names)
    assert result.body["contents"][1]["parts"][0]["functionCall"]["name"] == names[1]
    assert result.body["contents"][2]["parts"][0]["functionResponse"]["name"] == names[1]
    assert result.body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [names[1]]
    assert result.sent.tool_names == {names[1]: "1 f", names[3]: long}
    assert ("tools.name", "changed") in losses_of(request)
    answer = GEMINI.decode_answer({"candidates": [{"content": {"parts": [{"functionCall": {"name": names[1]}}]}}]}, result.sent)
    assert [part.name for part in answer.candidates[0].parts if isinstance(part, ToolCall)] == ["1 f"]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("required", ("get_weather",)), {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
        (ToolChoice("named", ("get_weather",)), {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
    ],
)
def test_choices(choice: ToolChoice, config: Any) -> None:
    """
    Each has an equal.
    """
    request = foreign(tools=(WEATHER,), tool_choice=choice)

    assert body_of(request)["toolConfig"] == {"functionCallingConfig": config}
    assert losses_of(request) == set()


def test_a_choice_without_tools_is_not_sent() -> None:
    """
    The API refuses one; a forced choice among nothing is noted.
    """
    assert "toolConfig" not in body_of(foreign(tool_choice=ToolChoice("none")))
    assert losses_of(foreign(tool_choice=ToolChoice("required"))) == {("tool_choice", "dropped")}


# -- writing: output -------------------------------------------------------------------------------------------------------------------

NATIVE = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


def test_schemas_are_native() -> None:
    """
    Alone in every generation, beside functions from generation 3 on.
    """
    assert body_of(foreign(output=OutputFormat(SCHEMA)))["generationConfig"] == NATIVE
    assert body_of(foreign(output=OutputFormat(SCHEMA), tools=(WEATHER,)), GEMINI_3)["generationConfig"] == NATIVE
    assert body_of(foreign(output=OutputFormat()))["generationConfig"] == {"responseMimeType": "application/json"}
    assert losses_of(foreign(output=OutputFormat(SCHEMA))) == set()


def test_before_generation_3_the_answer_is_a_function_beside_functions() -> None:
    """
    The API refuses a schema beside functions; one of the functions must then be called, and the answer's is turned back into text.
    """
    request = foreign(output=OutputFormat(SCHEMA, name="place"), tools=(WEATHER, Tool("answer")))
    result = encoded(request)
    declared = result.body["tools"][0]["functionDeclarations"]

    assert "generationConfig" not in result.body
    assert declared[2]["name"] == result.sent.unwrap_tool == "answer_0"
    assert declared[2]["parametersJsonSchema"] == SCHEMA
    assert result.body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert losses_of(request) == {("output.schema", "emulated")}
    called = {"functionCall": {"name": "answer_0", "args": {"city": "Oslo"}}}
    reply = {"candidates": [{"content": {"parts": [called]}, "finishReason": "STOP"}]}
    (candidate,) = GEMINI.decode_answer(reply, result.sent).candidates
    assert (candidate.parts, candidate.finish.value) == ((Text(text='{"city":"Oslo"}'),), "stop")


@pytest.mark.parametrize(
    ("request_", "to", "loss"),
    [
        (foreign(output=OutputFormat(), tools=(WEATHER,)), target(), ("output.json_object", "emulated")),
        (foreign(output=OutputFormat({"type": "array"}), tools=(WEATHER,)), target(), ("output.schema", "emulated")),
        (foreign(output=OutputFormat(SCHEMA)), target("gemma-3", json_schema=False, tools=False), ("output.schema", "emulated")),
    ],
)
def test_where_nothing_else_helps_the_model_is_told(request_: Request, to: Any, loss: tuple[str, str]) -> None:
    """
    An instruction in the system text, and a note.
    """
    body = body_of(request_, to)

    assert "JSON" in body["systemInstruction"]["parts"][-1]["text"]
    assert "generationConfig" not in body
    assert losses_of(request_, to) - {("tools", "impossible")} == {loss}


def test_an_output_format_gives_way_to_a_choice() -> None:
    """
    Where a function must be called there is no text to have a format; where none may be, functions are left out.
    """
    forced = foreign(output=OutputFormat(SCHEMA), tools=(WEATHER,), tool_choice=ToolChoice("required"))
    assert "generationConfig" not in body_of(forced)
    assert losses_of(forced) == {("output.schema", "dropped")}
    none = foreign(output=OutputFormat(SCHEMA), tools=(WEATHER,), tool_choice=ToolChoice("none"))
    assert body_of(none)["generationConfig"] == NATIVE
    assert "tools" not in body_of(none)
    assert losses_of(none) == {("tools", "dropped")}


# -- writing: settings -----------------------------------------------------------------------------------------------------------------


def test_numbers_are_moved_into_range() -> None:
    """
    Never passed on to be refused, never moved in silence.
    """
    request = foreign(
        max_tokens=100_000,
        stop=("a", "b", "", "c", "d", "e", "f"),
        sampling=Sampling(3, 1.5, 0, 0.1, 1 << 40, 2, -3, {"1": 2}),
        candidates=2,
    )
    to = target(max_output_tokens=65_536)
    assert body_of(request, to)["generationConfig"] == {
        "maxOutputTokens": 65_536,
        "stopSequences": ["a", "b", "c", "d", "e"],
        "candidateCount": 2,
        "temperature": 2,
        "topP": 1,
        "topK": 1,
        "frequencyPenalty": 1.99,
        "presencePenalty": -2,
        "seed": 0,
    }
    assert losses_of(request, to) == {
        ("max_tokens", "clamped"),
        ("stop", "dropped"),
        ("stop", "clamped"),
        ("temperature", "clamped"),
        ("top_p", "clamped"),
        ("top_k", "clamped"),
        ("frequency_penalty", "clamped"),
        ("presence_penalty", "clamped"),
        ("seed", "changed"),
        ("min_p", "dropped"),
        ("logit_bias", "dropped"),
    }


def test_small_things_are_noted_too() -> None:
    """
    A limit of nothing, citations in the history, a part of a system text that is no text.
    """
    cited = assistant(Text(text="So.", citations=({"x": 1},)))
    request = foreign(system("Hi", Image(source=Blob("image/png", PNG))), user("Hi"), cited, user("Ho"), max_tokens=0)

    assert body_of(request)["generationConfig"] == {"maxOutputTokens": 1}
    assert body_of(request)["systemInstruction"] == {"parts": [{"text": "Hi"}]}
    assert losses_of(request) == {("max_tokens", "clamped"), ("citations", "dropped"), ("system.parts", "changed")}


def test_a_model_that_refuses_sampling_gets_none() -> None:
    """
    With a note for each.
    """
    request = foreign(sampling=Sampling(0.5, 0.5, 5, seed=1))

    assert body_of(request, target(sampling=False))["generationConfig"] == {"seed": 1}
    assert losses_of(request, target(sampling=False)) == {("temperature", "dropped"), ("top_p", "dropped"), ("top_k", "dropped")}


def test_what_the_api_has_no_word_for() -> None:
    """
    Dropped, with a note for each.
    """
    request = foreign(
        replace(user(Text(text="Hi", cache="5m")), name="ada"),
        user="u", metadata={"Team": "x"}, cache_key="k", verbosity="low", service_tier="scale",
        extras=(Extra("store", False, "no"),),
    )  # fmt: skip
    assert body_of(request).keys() == {"contents"}
    assert losses_of(request) == {
        (field, "dropped") for field in ("cache", "turns.name", "user", "metadata", "cache_key", "verbosity", "service_tier", "store")
    }


def test_tiers_and_labels() -> None:
    """
    The Gemini API has tiers, Vertex has labels; neither has the other's.
    """
    request = foreign(metadata={"team": "search"}, service_tier="flex")
    assert body_of(request)["serviceTier"] == "flex"
    assert losses_of(request) == {("metadata", "dropped")}
    vertex = target(provider="vertex")
    assert body_of(request, vertex)["labels"] == {"team": "search"}
    assert losses_of(request, vertex) == {("service_tier", "dropped")}
    for usual in ("auto", "default"):
        assert losses_of(foreign(service_tier=usual), vertex) == set()


@pytest.mark.parametrize(
    ("model", "ask", "config", "loss"),
    [
        ("gemini-2.5-flash", ReasoningAsk(effort="none"), {"thinkingBudget": 0}, None),
        ("gemini-2.5-flash", ReasoningAsk(budget_tokens=0), {"thinkingBudget": 0}, None),
        ("gemini-2.5-flash", ReasoningAsk(adaptive=True), {"thinkingBudget": -1, "includeThoughts": True}, None),
        ("gemini-2.5-flash", ReasoningAsk(budget_tokens=2000), {"thinkingBudget": 2000, "includeThoughts": True}, None),
        ("gemini-2.5-flash", ReasoningAsk(budget_tokens=2000, visible=False), {"thinkingBudget": 2000}, None),
        ("gemini-2.5-flash", ReasoningAsk(budget_tokens=90_000), {"thinkingBudget": 24_576, "includeThoughts": True}, "reasoning.budget"),
        ("gemini-2.5-flash-lite", ReasoningAsk(budget_tokens=9), {"thinkingBudget": 512, "includeThoughts": True}, "reasoning.budget"),
        ("gemini-2.5-flash", ReasoningAsk(effort="high"), {"thinkingBudget": 4096, "includeThoughts": True}, "reasoning.effort"),
        ("gemini-2.5-pro", ReasoningAsk(effort="none"), {"thinkingBudget": 128}, "reasoning.effort"),
        ("gemini-2.5-flash", ReasoningAsk(visible=True), {"includeThoughts": True}, None),
        ("gemini-2.0-flash", ReasoningAsk(effort="high"), None, "reasoning"),
        ("gemini-2.0-flash", ReasoningAsk(effort="none"), None, None),
        ("gemini-exp-1206", ReasoningAsk(budget_tokens=9), None, "reasoning"),
        ("gemini-3-flash-preview", ReasoningAsk(effort="minimal"), {"thinkingLevel": "MINIMAL", "includeThoughts": True}, None),
        ("gemini-3-flash-preview", ReasoningAsk(effort="max"), {"thinkingLevel": "HIGH", "includeThoughts": True}, "reasoning.effort"),
        ("gemini-3-flash-preview", ReasoningAsk(effort="none"), {"thinkingLevel": "MINIMAL"}, "reasoning.effort"),
        ("gemini-3.1-pro-preview", ReasoningAsk(effort="none"), {"thinkingLevel": "LOW"}, "reasoning.effort"),
        ("gemini-3-pro-preview", ReasoningAsk(effort="medium"), {"thinkingLevel": "LOW", "includeThoughts": True}, "reasoning.effort"),
        ("gemini-pro-latest", ReasoningAsk(budget_tokens=4096), {"thinkingLevel": "HIGH", "includeThoughts": True}, "reasoning.budget"),
        ("publishers/google/models/gemini-3.8-flash", ReasoningAsk(effort="low"), {"thinkingLevel": "LOW", "includeThoughts": True}, None),
    ],
)
def test_thinking_is_asked_for_in_the_model_s_way(model: str, ask: ReasoningAsk, config: Any, loss: str | None) -> None:
    """
    A budget before generation 3, a level from there on: each refuses the other. What is off stays off where it can.
    """
    request = foreign(reasoning=ask)

    assert body_of(request, target(model)).get("generationConfig", {}).get("thinkingConfig") == config
    assert {field for field, _ in losses_of(request, target(model))} == ({loss} if loss else set())


def test_what_the_catalogue_knows_of_thinking_goes_before_the_name() -> None:
    """
    Levels it takes, whether it can be switched off, whether it thinks at all.
    """
    high = foreign(reasoning=ReasoningAsk(effort="xhigh"))
    config = body_of(high, target("gemini-4-argon", efforts=("low", "xhigh")))["generationConfig"]
    assert config["thinkingConfig"]["thinkingLevel"] == "XHIGH"
    assert losses_of(high, target("gemini-3-x", reasoning="none")) == {("reasoning", "dropped")}
    off = foreign(reasoning=ReasoningAsk(effort="none"))
    assert body_of(off, target(always_thinks=True))["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 1}
    config = body_of(high, target("tuned-1", reasoning="budget"))["generationConfig"]
    assert config["thinkingConfig"] == {"thinkingBudget": 8192, "includeThoughts": True}


# -- in its own words ------------------------------------------------------------------------------------------------------------------


def test_what_was_changed_since_is_written_and_the_rest_is_as_it_came() -> None:
    """
    A policy may set a limit, add a system text or take a tool away; fields nobody here knows stay.
    """
    body = {
        "system_instruction": "Be kind.",
        "contents": [
            {"role": "user", "parts": [{"text": "Hi", "partMetadata": {"a": 1}}]},
            {"role": "model", "parts": [{"executableCode": {}, "thoughtSignature": "QUJD"}, {"functionCall": {"name": "f"}}]},
        ],
        "tools": [{"googleSearch": {}, "function_declarations": [{"name": "f", "behavior": "BLOCKING"}, {"name": "g"}]}],
        "generation_config": {"max_output_tokens": 500, "speechConfig": {"x": 1}, "temperature": 5},
        "tomorrow": {"a_b": 1},
    }
    request = read(body)
    less = replace(
        request,
        max_tokens=10,
        tools=request.tools[:1],
        tool_choice=ToolChoice("required"),
        turns=(system("Be kinder."), *request.turns[1:]),
    )
    written = GEMINI.encode_request(less, target()).body

    assert written == {
        "tomorrow": {"a_b": 1},
        "systemInstruction": {"parts": [{"text": "Be kinder."}]},
        "contents": body["contents"],
        "tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {"maxOutputTokens": 10, "speechConfig": {"x": 1}, "temperature": 5},
    }


def test_another_provider_s_proofs_do_not_reach_google() -> None:
    """
    They would be refused as broken signatures; what they stood on stays.
    """
    proof = wrap("anthropic", "sig")
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"text": "Hm", "thought": True, "thoughtSignature": proof}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": proof}, {"executableCode": {}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}, "scheduling": "SILENT"}}]},
        ]
    }
    written = GEMINI.encode_request(read(body), GEMINI_3).body

    assert written["contents"] == [
        body["contents"][0],
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"},
                {"executableCode": {}},
            ],
        },
        body["contents"][3],
    ]
