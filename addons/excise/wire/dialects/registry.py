"""
Which dialect a provider speaks, by the catalogue's names.
"""

from __future__ import annotations

from excise.wire.dialect import Dialect
from excise.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES, ANTHROPIC_VERTEX
from excise.wire.dialects.bedrock_converse import BEDROCK_CONVERSE
from excise.wire.dialects.cohere_v2 import COHERE_V2
from excise.wire.dialects.gemini import GEMINI
from excise.wire.dialects.mistral import MISTRAL
from excise.wire.dialects.ollama import OLLAMA
from excise.wire.dialects.openai_chat import OPENAI_CHAT
from excise.wire.dialects.openai_responses import OPENAI_RESPONSES

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        OPENAI_CHAT,
        OPENAI_RESPONSES,
        ANTHROPIC_MESSAGES,
        GEMINI,
        BEDROCK_CONVERSE,
        COHERE_V2,
        MISTRAL,
        OLLAMA,
    )
}

# Providers whose form of a dialect is one of its own.
_OWN = {("mistral", "openai-chat"): MISTRAL, ("vertex", "anthropic-messages"): ANTHROPIC_VERTEX}


def dialect_of(provider: str, dialect: str) -> Dialect | None:
    """
    The dialect a provider speaks where the catalogue says `dialect`; `None` where we cannot translate it.
    """
    return _OWN.get((provider, dialect)) or DIALECTS.get(dialect)


def speaks(provider: str, dialect: str) -> bool:
    return dialect_of(provider, dialect) is not None
