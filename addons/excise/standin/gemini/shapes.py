"""
The shape of a request for content: protocol buffers as JSON, so names may be in camel or in snake case.

Source: the Gemini API reference and the types of its Python SDK 3.4, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin.shapes import Either, Flag, Free, Items, Later, Number, Place, Record, Shape, Table, Text, Whole, Wrong

OBJECT = Table(Free())


class Enum(Shape):
    """
    A name of an enumeration, in any case, or its number; read as the name in capitals.
    """

    types = ("string", "integer")

    def __init__(self, *names: str) -> None:
        self._names = names

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        if isinstance(value, int) and 0 <= value < len(self._names):
            return self._names[value]
        if not isinstance(value, str) or value.upper() not in self._names:
            raise Wrong("choice", place, self._names, value)
        return value.upper()


class Repeated(Items):
    """
    A repeated message; one alone is as good as a list of one.
    """

    types: tuple[str, ...] = ("array", "object")

    def read(self, value: Any, place: Place = ()) -> Any:
        return super().read([value] if isinstance(value, dict) else value, place)


_TYPES = ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_COUNT = Either(Whole(), Text(r"-?\d+"))  # 64 bits travel as text


def message(need: dict[str, Shape] | None = None, may: dict[str, Shape] | None = None) -> Record:
    """
    A message of a protocol buffer.
    """
    return Record(need, may, camel=True)


SCHEMA: Record = message(
    {},
    {
        "type": Enum(*_TYPES),
        "format": Text(),
        "title": Text(),
        "description": Text(),
        "nullable": Flag(),
        "enum": Items(Text()),
        "maxItems": _COUNT,
        "minItems": _COUNT,
        "properties": Table(Later(lambda: SCHEMA)),
        "required": Items(Text()),
        "minProperties": _COUNT,
        "maxProperties": _COUNT,
        "minLength": _COUNT,
        "maxLength": _COUNT,
        "pattern": Text(),
        "example": Free(),
        "anyOf": Items(Later(lambda: SCHEMA)),
        "propertyOrdering": Items(Text()),
        "default": Free(),
        "items": Later(lambda: SCHEMA),
        "minimum": Number(),
        "maximum": Number(),
    },
)
_BLOB = message({}, {"mimeType": Text(), "data": Text(), "displayName": Text()})
_FILE = message({}, {"mimeType": Text(), "fileUri": Text(), "displayName": Text()})
PART = message(
    {},
    {
        "text": Text(),
        "inlineData": _BLOB,
        "fileData": _FILE,
        "functionCall": message({}, {"id": Text(), "name": Text(), "args": OBJECT}),
        "functionResponse": message(
            {},
            {
                "id": Text(),
                "name": Text(),
                "response": OBJECT,
                "willContinue": Flag(),
                "scheduling": Text(),
                "parts": Items(message({}, {"inlineData": _BLOB, "fileData": _FILE})),
            },
        ),
        "executableCode": message({}, {"id": Text(), "language": Text(), "code": Text()}),
        "codeExecutionResult": message({}, {"id": Text(), "outcome": Text(), "output": Text()}),
        "thought": Flag(),
        "thoughtSignature": Text(),
        "videoMetadata": OBJECT,
        "mediaResolution": OBJECT,
        "partMetadata": OBJECT,
        "toolCall": OBJECT,
        "toolResponse": OBJECT,
        "mediaProcessing": OBJECT,
    },
)
CONTENT = message({}, {"role": Text(), "parts": Repeated(PART)})
_DECLARATION = message(
    {},
    {
        "name": Text(),
        "description": Text(),
        "behavior": Enum("UNSPECIFIED", "BLOCKING", "NON_BLOCKING"),
        "parameters": SCHEMA,
        "parametersJsonSchema": OBJECT,
        "response": SCHEMA,
        "responseJsonSchema": OBJECT,
    },
)
_TOOL = message(
    {},
    {
        "functionDeclarations": Items(_DECLARATION),
        "googleSearchRetrieval": OBJECT,
        "codeExecution": OBJECT,
        "googleSearch": OBJECT,
        "computerUse": OBJECT,
        "urlContext": OBJECT,
        "fileSearch": OBJECT,
        "googleMaps": OBJECT,
        "mcpServers": Items(OBJECT),
    },
)
_TOOL_CONFIG = message(
    {},
    {
        "functionCallingConfig": message(
            {}, {"mode": Enum("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"), "allowedFunctionNames": Items(Text())}
        ),
        "retrievalConfig": OBJECT,
        "includeServerSideToolInvocations": Flag(),
    },
)
_CONFIG = message(
    {},
    {
        "stopSequences": Items(Text(least=1), most=5),
        "responseMimeType": Text(),
        "responseSchema": SCHEMA,
        "responseJsonSchema": OBJECT,
        "responseFormat": Free(),
        "responseModalities": Items(Enum("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO")),
        "candidateCount": Whole(1, 8),
        "maxOutputTokens": Whole(1),
        "temperature": Number(0, 2),
        "topP": Number(0, 1),
        "topK": Number(1),
        "seed": Whole(-(2**31), 2**31 - 1),
        "presencePenalty": Number(-2, 1.999999),
        "frequencyPenalty": Number(-2, 1.999999),
        "responseLogprobs": Flag(),
        "logprobs": Whole(0, 20),
        "enableEnhancedCivicAnswers": Flag(),
        "speechConfig": OBJECT,
        "thinkingConfig": message(
            {},
            {
                "includeThoughts": Flag(),
                "thinkingBudget": Whole(-1),
                "thinkingLevel": Enum("THINKING_LEVEL_UNSPECIFIED", "LOW", "HIGH", "MEDIUM", "MINIMAL", "XHIGH"),
            },
        ),
        "imageConfig": OBJECT,
        "mediaResolution": Text(),
        "audioTranscriptionConfig": OBJECT,
        "continuationToken": Text(),
    },
)
_GENERATE: dict[str, Shape] = {
    "model": Text(),
    "contents": Repeated(CONTENT),
    "tools": Items(_TOOL),
    "toolConfig": _TOOL_CONFIG,
    "safetySettings": Items(
        message({}, {"category": Either(Text(r"HARM_CATEGORY_[A-Z_]+"), Whole(0)), "threshold": Either(Text(), Whole(0))})
    ),
    "systemInstruction": CONTENT,
    "generationConfig": _CONFIG,
    "cachedContent": Text(),
    "serviceTier": Text(),
    "store": Flag(),
    "labels": Table(Text()),
}
GENERATE = message({}, _GENERATE)
VERTEX = message({}, {**_GENERATE, "modelArmorConfig": OBJECT})
COUNT = message(
    {},
    {
        **{name: _GENERATE[name] for name in ("model", "contents", "systemInstruction", "tools", "generationConfig")},
        "generateContentRequest": GENERATE,
    },
)
_EMBED: dict[str, Shape] = {
    "model": Text(),
    "content": CONTENT,
    "taskType": Text(r"[A-Z_]+"),
    "title": Text(),
    "outputDimensionality": Whole(1),
    "autoTruncate": Flag(),
}
EMBED = message({}, _EMBED)
EMBED_ALL = message({}, {"model": Text(), "requests": Items(EMBED, least=1, most=100)})
PREDICT = message(
    {},
    {
        "instances": Items(message({}, {"prompt": Text(least=1), "content": Text(), "taskType": Text(), "title": Text()}), least=1),
        "parameters": OBJECT,
    },
)
