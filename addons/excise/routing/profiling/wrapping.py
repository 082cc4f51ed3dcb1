"""
What a harness wraps around its user's words: taken off before anything is read.

Agents put reminders, file trees, editor state and tool instructions into user turns, retrieval puts documents there; read as the user's
words, these would decide every call. Samples may begin or end inside of such a block, so a lone mark takes everything on its side.

Source: recorded requests of the harnesses named in `_HARNESSES`, and their published prompts, by the marks they use, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Final

import re2

# Blocks that hold what is not the user's; the words in all other tags stay.
_BLOCKS: Final = r"""
    system[-_]reminder|environment_details|environment_context|env|user_instructions|system_instructions?|tool_instructions|instructions_for_tools|
    available_tools|tools?|tool_use|functions|file_tree|project_layout|project_structure|repo(?:sitory)?_map|git_?status|git_context|
    additional_data|attached_files?|current_file|open_files|open_and_recently_viewed_files|recently_viewed_files|visible_files|
    editor_?context|workspace_?info|workspace_context|rules|user_rules|cursor_rules|always_applied_workspace_rules?|agent_skills|memories|
    user_info|linter_errors|command-(?:name|message|args|contents)|local-command-(?:stdout|stderr|caveat)|context|reminder_?instructions|reminder|
    documents?|search_results|retrieved_context|sources|custom_instructions|file_content|final_file_content|slash_commands?|permissions
"""
_TAG: Final = re.compile(rf"<(/?)({''.join(_BLOCKS.split())})(?:\s[^<>]{{0,200}})?>", re.IGNORECASE)
# Retrieval: documents after a heading, the question after another.
_MATERIAL_HEAD: Final = re.compile(
    r"^[#* \t]{0,6}(?:context(?: information)?|retrieved (?:documents|context|passages)|documents|sources|passages|search results"
    r"|background|kontext|contexte|contexto|contesto|bronnen|kontekst|контекст|上下文|参考资料|参考情報|コンテキスト)\**\s*[:：]\**",
    re.IGNORECASE | re.MULTILINE,
)
_ASK_HEAD: Final = re.compile(
    r"^[#* \t]{0,6}(?:(?:user )?(?:question|query|request|task|message|input)|frage|aufgabe"
    r"|question|pregunta|domanda|pergunta|vraag|pytanie|вопрос|问题|質問)"
    r"\**\s*[:：]\**",
    re.IGNORECASE | re.MULTILINE,
)
# Harnesses that write files and words into one text.
_FILES_GIVEN: Final = re2.compile(
    r"(?i)i have \*?added these files to the chat|here are summaries of some files|these are the \*?read-write\*? files"
    r"|# context from my ide setup"
)
_REQUEST_HEAD: Final = re.compile(r"^#+ my request(?: for [\w ]+)?\s*:\s*", re.IGNORECASE | re.MULTILINE)

_NAMES: Final = (
    "claude code|codex|cursor|cline|roo|kilo code|opencode|windsurf|cascade|github copilot|aider|gemini cli|amp|devin|goose|zed|continue"
    "|augment|junie|warp"
)
_TRADES: Final = "coding (?:agent|assistant)|cli agent|software engineer(?:ing)? agent|software developer|pair programmer"
_HARNESSES: Final = re2.compile(
    rf"(?i)you are (?:{_NAMES})\b|you are (?:an? )?(?:[\w-]+ ){{0,5}}(?:{_TRADES})|official cli for claude"
    r"|act as an expert software developer|pair programming with a user|interactive (?:cli|agent|tool)[\w ]{0,30}software engineering"
)
_HARNESS_SEEN: Final = 1200  # characters of a system text; a harness says at once who it is


def unwrapped(text: str) -> str:
    """
    `text` (a sample, without lone surrogates) without blocks that are not its user's words; empty where there are only blocks.
    """
    if "<" in text:
        text = _without_blocks(text)
    # Words without which an expression cannot match come first: most texts have none of them.
    if "#" in text and (request := _last(_REQUEST_HEAD, text)) is not None:
        return text[request:]
    low = text.casefold()
    if ("files" in low or "ide setup" in low) and (given := _FILES_GIVEN.search(text)):
        return text[: given.start()]
    if not (":" in text or "：" in text) or (head := _MATERIAL_HEAD.search(text)) is None:
        return text
    if (ask := _last(_ASK_HEAD, text)) is not None and ask > head.end():
        return f"{text[: head.start()]}\n{text[ask:]}"
    return text


def _without_blocks(text: str) -> str:
    kept: list[str] = []
    at, inside = 0, ""
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if not tag[1]:
            if not inside:
                kept.append(text[at : tag.start()])
                inside = name
        elif name == inside:
            at, inside = tag.end(), ""
        elif not inside and tag.start() >= at:
            # Its beginning lies before the sample.
            kept, at = [], tag.end()
    if not inside:
        kept.append(text[at:])
    return " ".join(kept).strip()


def _last(mark: re.Pattern[str], text: str) -> int | None:
    end = None
    for found in mark.finditer(text):
        end = found.end()
    return end


def is_coding_harness(system: str) -> bool:
    """
    Whether a system text is that of a coding agent.
    """
    return _HARNESSES.search(system[:_HARNESS_SEEN]) is not None
