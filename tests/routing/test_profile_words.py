"""
What profiles are told from: words with bounds, forms of material, the user's words without wrapping.
"""

from __future__ import annotations

import pytest

from excise.routing.profiling.lexicon import folded, hits_in
from excise.routing.profiling.shapes import shapes_of, without_fences
from excise.routing.profiling.words import GROUPS
from excise.routing.profiling.wrapping import is_coding_harness, unwrapped


def groups_in(text: str) -> list[str]:
    return [hit.group for hit in hits_in(folded(text))]


def test_words_are_written_as_texts_are_folded() -> None:
    """
    A word with an accent or a capital could never be found: all phrases are in folded form, none is empty or a lone star.
    """
    phrases = [phrase.strip().rstrip("*") for group in GROUPS.values() for phrase in group.split(",")]

    assert [phrase for phrase in phrases if phrase and phrase != folded(phrase)] == []
    assert [phrase for phrase in phrases if "*" in phrase or "  " in phrase or "\n" in phrase] == []


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Translate", ["translate"]),
        ("untranslated", []),
        ("classy repository", ["code"]),
        ("Übersetzung", ["translate"]),
        ("ÜBERSETZE", ["translate"]),
        ("Résumé", ["summarise"]),
        ("請翻譯一下", ["translate"]),
        ("переведите", ["translate"]),
        ("Przetłumacz", ["translate"]),
        ("code review", ["program"]),
        ("code", ["craft"]),
        ("summary of the conversation", ["compact"]),
    ],
)
def test_words_have_bounds(text: str, groups: list[str]) -> None:
    """
    Whole words, stems with any ending, no bounds in scripts without blanks; of two at one place the longer.
    """
    assert groups_in(text) == groups


FORMS = [
    ("diff --git a/x b/x\n", "diff"),
    ('  File "a.py", line 3', "stack_trace"),
    ("java.lang.IllegalStateException: no", "stack_trace"),
    ("    at com.acme.Main.run(Main.java:3)", "stack_trace"),
    ("def f(x):\n  pass", "code"),
    ("const x = 1", "code"),
    ("select a, b from c", "sql"),
    ("|a|b|\n|-|-|", "table"),
    ("a,b,c\n1,2,3\n4,5,6", "csv"),
    ("a;b;c\n1;2;3\n4;5;6\n", "csv"),
    ('{"a": 1}', "json"),
    ("2026-01-01T10:00:00 a\n2026-01-01T10:00:01 b", "log"),
    (r"\frac{1}{2}", "maths"),
    ("call load_all() first", "inline_code"),
    ("```\nx\n```", "fence"),
]


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_material_is_told_by_its_form(text: str, form: str) -> None:
    """
    Each form has its mark, in the midst of prose too.
    """
    assert form in shapes_of(text)
    assert form in shapes_of(f"Look at this, please:\n\n{text}\n\nThanks.")


def test_prose_has_no_form() -> None:
    """
    Commas, dashes, numbers, dates and quotes of an ordinary letter are none.
    """
    letter = (
        'Dear Ann, Bob, and Carl,\nwe met on 2026-01-01, at noon - as planned. Is 5 > 3, he asked, or "less"?\n'
        "It costs 12.50, or 14 with tea, so bring 20, just in case.\n* tea\n* milk\n"
        "Select a seat from the front, import nothing, return early; for now.\n"
    )

    assert shapes_of(letter) == frozenset()


def test_fences_are_no_words() -> None:
    """
    Closed and open ones, several of them.
    """
    assert without_fences("a ```py\nx``` b ``` c ``` d ``` e").split() == ["a", "¶", "b", "¶", "d", "¶"]


WRAPPED = [
    ("<system-reminder>no</system-reminder>yes", "yes"),
    ("yes<environment_details>no\n<context>no</context> no</environment_details>", "yes"),
    ("<task>yes</task>", "<task>yes</task>"),
    ("no</file_tree>yes", "yes"),
    ("yes<git_status>no", "yes"),
    ('<documents><document index="1">no</document></documents>yes', "yes"),
    ("Context:\nno\nQuestion: yes", "yes"),
    ("Context: it rained, so we stayed in", "Context: it rained, so we stayed in"),
    ("# Context from my IDE setup:\nno\n## My request for Codex:\nyes", "yes"),
    ("a < b and c > d", "a < b and c > d"),
]


@pytest.mark.parametrize(("text", "words"), WRAPPED)
def test_wrapping_is_taken_off(text: str, words: str) -> None:
    """
    Blocks of harnesses and of retrieval, whole or cut; nothing else.
    """
    assert unwrapped(text).strip() == words


@pytest.mark.parametrize(
    ("system", "is_one"),
    [
        ("You are Claude Code, Anthropic's official CLI for Claude.", True),
        ("You are a coding agent running in the Codex CLI", True),
        ("You are an expert AI coding assistant.", True),
        ("You are a helpful assistant.", False),
        ("You are a translator of software manuals.", False),
        ("", False),
    ],
)
def test_coding_agents_are_known_by_their_system_text(system: str, is_one: bool) -> None:
    """
    By name or by trade, at the head of it.
    """
    assert is_coding_harness(system) is is_one
