"""
The shape of a request to converse.

Source: the Bedrock Runtime service model of botocore 1.44, read 2026-11.
"""

from __future__ import annotations

from excise.standin.shapes import Flag, Free, Items, Number, Place, Record, Shape, Table, Text, Whole, Word, Wrong

OBJECT = Table(Free())
NAME = Text(r"[a-zA-Z0-9_-]+", least=1, most=64)
TOOL_ID = Text(r"[a-zA-Z0-9_.:-]+", least=1, most=64)
_BYTES = Text(least=1)


class OneOf(Record):
    """
    A union: an object with exactly one of some fields.
    """

    def __init__(self, **fields: Shape) -> None:
        super().__init__({}, fields)

    def read(self, value: object, place: Place = ()) -> object:
        clean: dict[str, object] = super().read(value, place)
        if len(clean) != 1:
            raise Wrong("value", place, f"exactly one of {', '.join(self.fields)} must be set", value)
        return clean


_S3 = Record({"uri": Text(r"s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?", most=1024)}, {"bucketOwner": Text(r"[0-9]{12}")})
_IMAGE = Record({"format": Word("png", "jpeg", "gif", "webp"), "source": OneOf(bytes=_BYTES, s3Location=_S3)})
_DOCUMENT = Record(
    {
        "name": Text(least=1, most=200),
        "source": OneOf(bytes=_BYTES, s3Location=_S3, text=Text(), content=Items(OneOf(text=Text()))),
    },
    {
        "format": Word("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
        "context": Text(),
        "citations": Record({"enabled": Flag()}),
    },
)
_VIDEO = Record(
    {
        "format": Word("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"),
        "source": OneOf(bytes=_BYTES, s3Location=_S3),
    }
)
_AUDIO = Record({"format": Text(least=1), "source": OneOf(bytes=_BYTES, s3Location=_S3)})
_CACHE_POINT = Record({"type": Word("default")}, {"ttl": Word("5m", "1h")})
_SEARCH = Record({"source": Text(), "title": Text(), "content": Items(Record({"text": Text()}))}, {"citations": OBJECT})
_RESULT = Record(
    {
        "toolUseId": TOOL_ID,
        "content": Items(OneOf(json=Free(), text=Text(), image=_IMAGE, document=_DOCUMENT, video=_VIDEO, searchResult=_SEARCH)),
    },
    {"status": Word("success", "error"), "type": Text()},
)
BLOCK = OneOf(
    text=Text(),
    image=_IMAGE,
    document=_DOCUMENT,
    video=_VIDEO,
    audio=_AUDIO,
    toolUse=Record({"toolUseId": TOOL_ID, "name": NAME, "input": OBJECT}, {"type": Text()}),
    toolResult=_RESULT,
    guardContent=OBJECT,
    cachePoint=_CACHE_POINT,
    reasoningContent=OneOf(reasoningText=Record({"text": Text()}, {"signature": Text()}), redactedContent=Text()),
    citationsContent=OBJECT,
    searchResult=_SEARCH,
)
MESSAGE = Record({"role": Word("user", "assistant", "system"), "content": Items(BLOCK)})
_TOOL = OneOf(
    toolSpec=Record({"name": NAME, "inputSchema": OneOf(json=Free())}, {"description": Text(least=1), "strict": Flag()}),
    systemTool=Record({"name": NAME}),
    cachePoint=_CACHE_POINT,
)
_CHOICE = OneOf(auto=Record(), any=Record(), tool=Record({"name": NAME}))
_SYSTEM = Items(OneOf(text=Text(least=1), guardContent=OBJECT, cachePoint=_CACHE_POINT))
_TOOLS = Record({"tools": Items(_TOOL, least=1)}, {"toolChoice": _CHOICE})
CONVERSE = Record(
    {},
    {
        "messages": Items(MESSAGE),
        "system": _SYSTEM,
        "inferenceConfig": Record(
            {},
            {
                "maxTokens": Whole(1),
                "temperature": Number(0, 1),
                "topP": Number(0, 1),
                "stopSequences": Items(Text(least=1), most=2500),
            },
        ),
        "toolConfig": _TOOLS,
        "guardrailConfig": OBJECT,
        "additionalModelRequestFields": OBJECT,
        "promptVariables": OBJECT,
        "additionalModelResponseFieldPaths": Items(Text(least=1, most=256), most=10),
        "requestMetadata": Table(Text(r"[a-zA-Z0-9\s:_@$#=/+,.-]*", most=256), most=16, key=Text(r"[a-zA-Z0-9\s:_@$#=/+,.-]+", most=256)),
        "performanceConfig": Record({}, {"latency": Word("standard", "optimized")}),
        "serviceTier": Record({"type": Word("priority", "default", "flex", "reserved")}),
        "outputConfig": Record(
            {},
            {
                "textFormat": Record(
                    {
                        "type": Word("json_schema"),
                        "structure": OneOf(jsonSchema=Record({"schema": Text()}, {"name": Text(), "description": Text()})),
                    }
                ),
                "effort": Text(most=16),
            },
        ),
    },
)
COUNT = Record(
    {
        "input": OneOf(
            converse=Record(
                {},
                {"messages": Items(MESSAGE), "system": _SYSTEM, "toolConfig": _TOOLS, "additionalModelRequestFields": OBJECT},
            ),
            invokeModel=Record({"body": Text(least=1)}),
        )
    }
)
TITAN = Record(
    {"inputText": Text(least=1)},
    {"dimensions": Whole(1), "normalize": Flag(), "embeddingTypes": Items(Word("float", "binary"))},
)
COHERE = Record(
    {
        "texts": Items(Text(), least=1, most=96),
        "input_type": Word("search_document", "search_query", "classification", "clustering"),
    },
    {"truncate": Word("NONE", "START", "END"), "embedding_types": Items(Text())},
)
