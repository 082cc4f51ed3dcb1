"""
Names by Presidio and a model of the operator's: the same interface as every other rule, and nothing fetched.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from excise.errors import SettingsError
from excise.privacy.detect.scanner import Scanner
from excise.recognition import Recognition

pytest.importorskip("presidio_analyzer", reason="the extra `ner` is not installed")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """
    A model that knows three names.
    """
    import spacy

    pipeline = spacy.blank("en")
    names = pipeline.add_pipe("entity_ruler")
    names.add_patterns(
        [{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "ORG", "pattern": "Acme"}, {"label": "GPE", "pattern": "Kiel"}]
    )
    folder: Path = tmp_path_factory.mktemp("model") / "en_tiny"
    pipeline.to_disk(folder)
    return str(folder)


def test_names_places_and_organisations_are_found(model: str) -> None:
    """
    In each string by itself, at the right place.
    """
    text = "who\x02Ada Lovelace of Acme\x03in Kiel\x03"
    scanner = Scanner([Recognition(model)])

    assert scanner.slow
    assert [(one.entity, text[one.start : one.end]) for one in scanner.scan(text)] == [
        ("PERSON", "Ada Lovelace"),
        ("ORGANISATION", "Acme"),
        ("ADDRESS", "Kiel"),
    ]


def test_long_texts_are_read_in_pieces(model: str) -> None:
    """
    No model has to take a megabyte at once.
    """
    text = "so it goes " * 6000 + "said Ada Lovelace."

    assert [text[one.start : one.end] for one in Recognition(model).find(text, ())] == ["Ada Lovelace"]


def test_a_model_that_is_not_there_is_not_fetched() -> None:
    """
    The error says what to do.
    """
    with pytest.raises(SettingsError, match="de_core_nowhere is not installed"):
        Recognition("de_core_nowhere")
