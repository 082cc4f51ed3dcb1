"""
What Gemini refuses beyond the shape of a request.

Source: the Gemini API reference and errors as people report them, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Any

from excise.standin import schemas, signing
from excise.standin.call import Refusal
from excise.standin.gemini.errors import refuse
from excise.standin.media import PICTURES, decoded, sniffed
from excise.standin.models import Model

MAKER = "gemini"
# Google's own words for a call that no Gemini made.
DUMMIES = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult")
_MEDIA = ("image/", "audio/", "video/", "text/", "application/pdf", "application/json", "application/x-javascript", "application/rtf")
_STRING_FORMATS = ("enum", "date-time")
_FORMATS = {"NUMBER": ("float", "double"), "INTEGER": ("int32", "int64")}
_BUDGETS = {"gemini-2.5-flash": (0, 24_576), "gemini-2.5-pro": (128, 32_768)}
_JSON_KEYWORDS = frozenset(
    {
        *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "const", "default", "examples", "enum", "items"),
        *("prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties"),
        *("required", "propertyOrdering", "minLength", "maxLength", "pattern", "nullable", "$schema", "minProperties", "maxProperties"),
    }
)


def bad(message: str) -> Refusal:
    """
    400 with this message.
    """
    return refuse(400, message)


def check(body: dict[str, Any], model: Model) -> None:
    """
    All of it.

    Raises:
        Refusal: The first fault.
    """
    contents = body["contents"]
    for at, turn in enumerate(contents):
        if turn.get("role", "user") not in ("user", "model", "function"):
            raise bad("Please use a valid role: user, model.")
        if not turn.get("parts"):
            raise bad("* GenerateContentRequest.contents.parts: contents.parts must not be empty.\n")
        for place, part in enumerate(turn["parts"]):
            _check_part(part, f"contents[{at}].parts[{place}]", turn.get("role", "user"))
    if any("text" not in part for part in body.get("systemInstruction", {}).get("parts", ())):
        raise bad("* GenerateContentRequest.system_instruction.parts: only text is supported in a system instruction.\n")
    _check_order(contents)
    _check_signatures(contents, model)
    _check_tools(body)
    _check_config(body, model)
    if "cachedContent" in body:
        raise refuse(403, "CachedContent not found (or permission denied)")


def _check_part(part: dict[str, Any], place: str, role: str) -> None:
    filled = [name for name in _DATA if name in part]
    if len(filled) > 1:
        raise bad(f"Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set '{filled[1]}'")
    if not filled and not {"toolCall", "toolResponse"} & part.keys():
        raise bad(f"* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field\n")
    if [role, *filled] in (["model", "functionResponse"], ["user", "functionCall"]):
        raise bad(f"* GenerateContentRequest.{place}: a part of this kind cannot stand in a turn of role '{role}'.\n")
    for name in ("functionCall", "functionResponse"):
        if name in part and not part[name].get("name"):
            field = "function_call" if name == "functionCall" else "function_response"
            raise bad(f"* GenerateContentRequest.{place}.{field}.name: Name cannot be empty.\n")
    if "functionResponse" in part and "response" not in part["functionResponse"]:
        raise bad(f"* GenerateContentRequest.{place}.function_response.response: response is not specified.\n")
    if (blob := part.get("inlineData")) is not None:
        _check_blob(blob, f"{place}.inline_data")
    if (file := part.get("fileData")) is not None:
        uri = file.get("fileUri", "")
        if "/files/" in uri:
            raise refuse(403, f"You do not have permission to access the File {uri.rpartition('/')[2]} or it may not exist.")
        if not uri.startswith(("https://", "gs://")):
            raise bad(f"* GenerateContentRequest.{place}.file_data.file_uri: Unsupported file uri: {uri}\n")


def _check_blob(blob: dict[str, Any], place: str) -> None:
    data, kind = decoded(blob.get("data", "").replace("-", "+").replace("_", "/")), blob.get("mimeType", "")
    if data is None or not data:
        raise bad(f"Invalid value at '{place}.data' (TYPE_BYTES), Base64 decoding failed")
    if not kind:
        raise bad(f"* GenerateContentRequest.{place}.mime_type: mime_type is not specified.\n")
    if not kind.startswith(_MEDIA):
        raise bad(f"Unsupported MIME type: {kind}")
    if kind in PICTURES and sniffed(data) is None:
        raise bad("Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")


def _check_order(contents: list[dict[str, Any]]) -> None:
    calls = 0
    for turn in contents:
        given = sum("functionResponse" in part for part in turn["parts"])
        if given and not calls:
            raise bad("Please ensure that function response turn comes immediately after a function call turn.")
        if calls and given != calls:
            text = "Please ensure that the number of function response parts is equal to the number of function call parts"
            raise bad(f"{text} of the function call turn.")
        calls = sum("functionCall" in part for part in turn["parts"])
    if calls:
        raise bad("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")


def _check_signatures(contents: list[dict[str, Any]], model: Model) -> None:
    for turn in contents:
        for part in turn["parts"]:
            if "thoughtSignature" in part and not _signed(part):
                raise bad("Corrupted thought signature.")
    if "unsigned" not in model.lacks:
        return
    start = max((at for at, turn in enumerate(contents) if _asks(turn)), default=-1)
    for at, turn in enumerate(contents[start + 1 :], start + 1):
        first = next((place for place, part in enumerate(turn["parts"]) if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in turn["parts"][first]:
            name = turn["parts"][first]["functionCall"]["name"]
            text = "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly,"
            text += " and missing thought_signature may lead to degraded model performance."
            raise bad(f"{text} Additional data, function call `default_api:{name}`, position {at + 1}.")


def _asks(turn: dict[str, Any]) -> bool:
    """
    Whether the user says something new in this turn.
    """
    return turn.get("role", "user") != "model" and not any("functionResponse" in part for part in turn["parts"])


def _signed(part: dict[str, Any]) -> bool:
    signature = part["thoughtSignature"]
    if signature in DUMMIES or decoded(signature) in {dummy.encode() for dummy in DUMMIES}:
        return True
    return signing.genuine(MAKER, signed_text(part), signature)


def signed_text(part: dict[str, Any]) -> str:
    """
    What of a part its signature vouches for.
    """
    return str(part["functionCall"].get("name", "")) if "functionCall" in part else ""


def _check_tools(body: dict[str, Any]) -> None:
    names: list[str] = []
    for at, tool in enumerate(body.get("tools", ())):
        for place, declared in enumerate(tool.get("functionDeclarations", ())):
            where = f"GenerateContentRequest.tools[{at}].function_declarations[{place}]"
            name = declared.get("name", "")
            if not _NAME.fullmatch(name):
                rule = (
                    "Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:),"
                )
                raise bad(f"* {where}.name: Invalid function name. {rule} or dashes (-), with a maximum length of 64.\n")
            if name in names:
                raise bad(f"Duplicate function declaration found: {name}")
            names.append(name)
            if "parameters" in declared and "parametersJsonSchema" in declared:
                raise bad(f"* {where}: only one of parameters and parameters_json_schema can be set.\n")
            if "parameters" in declared:
                _check_schema(declared["parameters"], f"{where}.parameters")
                if declared["parameters"].get("type") != "OBJECT":
                    raise bad(f"* {where}.parameters: parameters schema should be of type OBJECT\n")
            if "parametersJsonSchema" in declared:
                _check_json_schema(declared["parametersJsonSchema"], f"{where}.parameters_json_schema")
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    if calling.get("allowedFunctionNames") and calling.get("mode") not in ("ANY", "VALIDATED"):
        raise bad("Function calling config is set without function_declarations or with a mode that allows no function names.")
    if missing := [name for name in calling.get("allowedFunctionNames", ()) if name not in names]:
        raise bad(f"allowed_function_names contains a function that is not declared: {missing[0]}")
    if calling.get("mode") in ("ANY", "VALIDATED") and not names:
        raise bad("Function calling config is set without function_declarations.")


def _check_schema(schema: dict[str, Any], where: str) -> None:
    kind = schema.get("type", "")
    if not kind and "anyOf" not in schema:
        raise bad(f"* {where}.type: must be specified\n")
    if kind != "OBJECT" and ("properties" in schema or "required" in schema):
        raise bad(f"* {where}.properties: only allowed for OBJECT type\n")
    if kind == "ARRAY" and "items" not in schema:
        raise bad(f"* {where}.items: missing field.\n")
    if kind != "ARRAY" and "items" in schema:
        raise bad(f"* {where}.items: field predicate failed: $type == Type.ARRAY\n")
    if schema.get("enum") is not None and kind != "STRING":
        raise bad(f"* {where}.enum: only allowed for STRING type\n")
    if any(not value for value in schema.get("enum", ())):
        raise bad(f"* {where}.enum[0]: cannot be empty\n")
    if (form := schema.get("format")) and form not in (_STRING_FORMATS if kind == "STRING" else _FORMATS.get(kind, (form,))):
        raise bad(f"* {where}.format: only 'enum' and 'date-time' are supported for STRING type\n")
    for name in schema.get("required", ()):
        if name not in schema.get("properties", {}):
            raise bad(f"* {where}.required[0]: property is not defined\n")
    for name, part in schema.get("properties", {}).items():
        _check_schema(part, f"{where}.properties[{name}]")
    if "items" in schema:
        _check_schema(schema["items"], f"{where}.items")
    for at, part in enumerate(schema.get("anyOf", ())):
        _check_schema(part, f"{where}.any_of[{at}]")


def _check_json_schema(schema: dict[str, Any], where: str) -> None:
    if (fault := schemas.malformed(schema)) is not None:
        raise bad(f"* {where}: {fault}\n")
    for _, node in schemas.nodes(schema):
        if unknown := [name for name in node if name not in _JSON_KEYWORDS]:
            raise bad(f"* {where}: unsupported keyword in JSON schema: {unknown[0]}\n")


def _check_config(body: dict[str, Any], model: Model) -> None:
    config = body.get("generationConfig", {})
    if config.get("maxOutputTokens", 1) > model.most:
        text = f"Unable to submit request because it has a maxOutputTokens value of {config['maxOutputTokens']} but the supported range is"
        raise bad(f"{text} from 1 (inclusive) to {model.most + 1} (exclusive). Update the value and try again.")
    if "penalties" in model.lacks and any(config.get(name) for name in ("presencePenalty", "frequencyPenalty")):
        raise bad(f"Penalty is not enabled for models/{model.name}")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        raise bad("logprobs is only allowed when response_logprobs is true.")
    kind = config.get("responseMimeType", "text/plain")
    if kind not in ("text/plain", "application/json", "text/x.enum"):
        raise bad(f"* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are listed, got {kind}\n")
    shaped = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(shaped) > 1:
        raise bad("* GenerateContentRequest.generation_config: only one of response_schema and response_json_schema can be set.\n")
    if shaped and kind == "text/plain":
        raise bad("* GenerateContentRequest.generation_config.response_schema: only allowed when response_mime_type is application/json\n")
    if "responseSchema" in config:
        _check_schema(config["responseSchema"], "GenerateContentRequest.generation_config.response_schema")
    if "responseJsonSchema" in config:
        _check_json_schema(config["responseJsonSchema"], "GenerateContentRequest.generation_config.response_json_schema")
    if kind != "text/plain" and "unsigned" not in model.lacks and any(tool.get("functionDeclarations") for tool in body.get("tools", ())):
        raise bad(f"Function calling with a response mime type: '{kind}' is unsupported")
    if modalities := [name for name in config.get("responseModalities", ()) if name != "TEXT"]:
        text = f"The requested combination of response modalities ({', '.join(modalities)}) is not supported by the model."
        raise bad(f"{text} models/{model.name} accepts the following combination of response modalities:\n* TEXT\n")
    _check_thinking(config.get("thinkingConfig", {}), model)


def _check_thinking(config: dict[str, Any], model: Model) -> None:
    budget, level = config.get("thinkingBudget"), config.get("thinkingLevel", "")
    if budget is not None and level:
        raise bad("You can only set only one of thinking budget and thinking level.")
    if level and not model.efforts:
        raise bad("Thinking level is not supported for this model.")
    if level and level not in model.efforts:
        raise bad(f"Thinking level {level} is not supported for this model. Please retry with other thinking level.")
    if budget == 0 and "off" in model.lacks:
        raise bad("Budget 0 is invalid. This model only works in thinking mode.")
    low, high = _BUDGETS.get(model.name, (0, 32_768))
    if budget is not None and budget not in (-1, 0) and not low <= budget <= high:
        raise bad(f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}.")
