"""
What a call asks for, as far as routing wants to know: the kind of work, how hard it is, how long, what the model must be able to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """
    Kinds of work. `unknown` is a value like any other: nothing said clearly what this is.
    """

    CONVERSATION = "conversation"
    SUMMARISATION = "summarisation"
    CODE = "code"
    ANALYSIS = "analysis"
    EXTRACTION = "extraction"
    TRANSLATION = "translation"
    AGENTIC = "agentic"
    UNKNOWN = "unknown"


class Need(StrEnum):
    """
    What the model must be able to do, read from the request's structure alone.
    """

    TOOLS = "tools"
    VISION = "vision"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    JSON_SCHEMA = "json_schema"
    REASONING = "reasoning"
    PREFILL = "prefill"


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What a call asks for. Nothing in here is content.

    Attributes:
        task: The kind of work.
        confidence: Of `task`, 0 to 1; 0 where it is unknown.
        complexity: How hard it looks, 0 (a greeting) to 1.
        needs: What the model must be able to do.
        input_tokens: Estimated; `None`: cannot be told.
        output_tokens: Expected, at most what the client allows.
        max_tokens: What the client allows; `None`: it does not say.
        turns: Turns of the conversation so far, without the system text.
        signals: Names of what decided, strongest first: `tools`, `code_fence`, `verb:translate` …
        conversation: Digest of how the conversation began (system text, tools, first turn), 16 bytes; equal for all its calls. Empty: none.
    """

    task: Task = Task.UNKNOWN
    confidence: float = 0.0
    complexity: float = 0.5
    needs: frozenset[Need] = frozenset()
    input_tokens: int | None = None
    output_tokens: int | None = None
    max_tokens: int | None = None
    turns: int = 0
    signals: tuple[str, ...] = ()
    conversation: bytes = b""
