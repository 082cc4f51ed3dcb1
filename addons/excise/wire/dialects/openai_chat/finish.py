"""
Why an answer ended: the words of the many providers of this dialect, and back.

Source: recorded answers and the providers' API references, read 2026-11.
"""

from __future__ import annotations

from excise.wire.neutral import Candidate, Finish, Refusal

_WORDS: dict[Finish, str] = {
    Finish.STOP: "stop eos eos_token end_turn end complete completed normal done finished im_end",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "length max_tokens model_length max_output_tokens max_length token_limit model_context_window_exceeded",
    Finish.TOOL: "tool_calls function_call tool_call tool_use tool",
    Finish.FILTER: "content_filter content_filtered sensitive safety recitation blocklist prohibited_content spii guardrail_intervened",
    Finish.REFUSAL: "refusal",
}
WORDS = {word: finish for finish, words in _WORDS.items() for word in words.split()}
# The answer failed, whatever is there of it: OpenRouter and Mistral, DeepSeek, Z.ai. A word that nobody knows is BROKEN, too, unless there
# is a call: those are not all of the words for one.
_FAILED = frozenset(("error", "insufficient_system_resource", "network_error"))


def finish_of(word: object, *, called: bool, refused: bool, said: bool) -> Finish:
    """
    What the word means.

    Args:
        word: As the provider gives it; no text or an empty one where it gives none (Snowflake).
        called: The answer calls a tool, which decides where the word does not say that it was cut or failed.
        refused: The answer is a refusal.
        said: The answer says anything.
    """
    if called:
        if type(word) is not str:
            return Finish.TOOL
        meant = WORDS.get(word.lower(), Finish.TOOL)
        return meant if meant.cut else Finish.BROKEN if word in _FAILED else Finish.TOOL
    if type(word) is not str:
        return (Finish.REFUSAL if refused else Finish.STOP) if word is None and said else Finish.BROKEN
    if not word:
        return (Finish.REFUSAL if refused else Finish.STOP) if said else Finish.BROKEN
    finish = WORDS.get(word) or WORDS.get(word.lower(), Finish.BROKEN)
    if finish is Finish.STOP and refused:
        return Finish.REFUSAL
    if finish is Finish.TOOL:
        return Finish.STOP if said else Finish.BROKEN
    return finish


def word_of(candidate: Candidate) -> str:
    """
    A finish in OpenAI's words. What it has no word for, and what broke, was cut short: "length".
    """
    return word_for(candidate.finish, refused=any(isinstance(part, Refusal) for part in candidate.parts))


def word_for(finish: Finish, *, refused: bool) -> str:
    """
    The same of a finish alone; a refusal in words ends with "stop", as the model's own do.
    """
    if finish is Finish.REFUSAL:
        return "stop" if refused else "content_filter"
    return _FOR[finish]


_FOR = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL: "tool_calls",
    Finish.FILTER: "content_filter",
    Finish.PAUSE: "length",
    Finish.BROKEN: "length",
}


def stop_sequence_of(choice: dict[str, object], finish: Finish) -> str | None:
    """
    Which stop sequence ended a choice, where the provider says so (vLLM `stop_reason`, SGLang and Azure `matched_stop`).
    """
    if finish is not Finish.STOP:
        return None
    matched = choice.get("stop_reason") or choice.get("matched_stop")
    return matched if type(matched) is str else None
