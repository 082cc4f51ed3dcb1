from pathlib import Path

import pytest

from excise.catalog.quality import Quality, load_quality
from excise.errors import SettingsError


def _load(tmp_path: Path, text: str) -> Quality:
    file = tmp_path / "quality.yml"
    file.write_text(text)
    return load_quality(file)


ENTRY = "- models: [{glob}]\n  scores: {{{scores}}}\n  source: our own evaluation\n  date: 2026-10-01\n"


def test_an_operators_entry_goes_before_the_shipped_one(tmp_path: Path) -> None:
    """
    With a general score it replaces the shipped entry whole, at every provider.
    """
    quality = _load(tmp_path, "families:\n" + ENTRY.format(glob="GPT-4o*", scores="general: 0.9, code: 0.1"))
    judged = quality.of("openai/gpt-4o-2024-11-20")

    assert judged.scores["code"] == 0.1
    assert judged.scores["agentic"] == judged.scores["general"] == 0.9
    assert judged.source == "our own evaluation (2026-10-01)"
    assert quality.of("gpt-4.1").scores == load_quality().of("gpt-4.1").scores


def test_one_task_can_be_corrected_alone(tmp_path: Path) -> None:
    """
    Without a general score the rest is the shipped entry's, and both sources are named.
    """
    judged = _load(tmp_path, "families:\n" + ENTRY.format(glob="claude-haiku-4-5*", scores="extraction: 0.95")).of("claude-haiku-4-5")
    shipped = load_quality().of("claude-haiku-4-5")

    assert judged.scores == {**shipped.scores, "extraction": 0.95}
    assert judged.source == f"our own evaluation (2026-10-01); {shipped.source}"


def test_a_model_nobody_knows_can_be_scored_and_a_known_one_left_out(tmp_path: Path) -> None:
    """
    An own model with one score has that one only; `without` takes a shipped family's scores away.
    """
    quality = _load(tmp_path, "without: ['grok-*']\nfamilies:\n" + ENTRY.format(glob="acme-large", scores="code: 0.5"))

    assert quality.of("acme/acme-large").scores == {"code": 0.5}
    assert quality.of("grok-4.3").scores == {}


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("families:\n- models: [a]\n  scores: {general: 1.5}\n  source: x\n  date: 2026-10-01\n", "3:12", "general"),
        ("families:\n- models: [a]\n  scores: {general: nan}\n  source: x\n  date: 2026-10-01\n", "3:12", "general"),
        ("families:\n- models: [a]\n  scores: {coding: 0.5}\n  source: x\n  date: 2026-10-01\n", "3:12", "coding"),
        ("families:\n- models: [a]\n  scores: {}\n  source: x\n  date: 2026-10-01\n", "3:3", "no score"),
        ("families:\n- models: []\n  scores: {general: 0.5}\n  source: x\n  date: 2026-10-01\n", "2:3", "models"),
        ("families:\n- models: [a]\n  scores: {general: 0.5}\n  date: 2026-10-01\n", "2:3", "source"),
        ("families:\n- models: [a]\n  scores: {general: 0.5}\n  source: x\n  date: soon\n", "5:3", "date"),
        ("family: []\n", "1:1", "family"),
        ("version: 2\n", "1:1", "version"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, text: str, place: str, word: str) -> None:
    """
    File, line and column, and which word is wrong.
    """
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)

    assert f"quality.yml:{place}: " in str(caught.value) and word in str(caught.value)
