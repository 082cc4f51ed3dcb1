"""
Names, addresses and organisations, by Presidio and a language model the operator has installed: the extra `ner`. An edge: loads models.

Only Presidio's recognition of entities is used, never its expressions: our own detectors are the judge of everything with a shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from excise.errors import SettingsError
from excise.privacy.detect.detector import BOUNDS, Finding

_ENTITIES = {"PERSON": "PERSON", "LOCATION": "ADDRESS", "ORGANIZATION": "ORGANISATION"}
_LABELS = {"PER": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "FAC": "LOCATION", "ORG": "ORGANIZATION"}
_WEIGHT = 10  # a guess: whatever else knows the place names it
_SHORTEST = 3
_PIECE_CHARS = 20_000  # models have a limit, and take memory by the length; a name cut in two is the price every so often


class Recognition:
    """
    A rule like any other, only slow: milliseconds a sentence. Whoever scans with it does so in a thread.

    Args:
        model: Name of an installed spaCy model, or a folder with one. Its first two letters are its language.

    Raises:
        SettingsError: The extra or the model is not installed.
    """

    name = "ner"
    entities = tuple(_ENTITIES.values())
    keywords: tuple[str, ...] = ()
    slow = True

    def __init__(self, model: str) -> None:
        self._analyzer, self._language = _analyzer(model)

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for start, end in _elements(text):
            for result in self._analyzer.analyze(text=text[start:end], language=self._language, entities=list(_ENTITIES)):
                yield Finding(start + result.start, start + result.end, _ENTITIES[result.entity_type], self.name, _WEIGHT)


def _analyzer(model: str) -> tuple[Any, str]:
    try:
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import NlpEngineProvider
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer
    except ImportError:
        raise SettingsError("recognising names needs an extra: pip install 'excise[ner]'") from None
    name = model.rstrip("/").rpartition("/")[2]
    language = name[:2] if name[2:3] == "_" else "en"
    labels = {"model_to_presidio_entity_mapping": _LABELS, "labels_to_ignore": [], "low_score_entity_names": [], "default_score": 0.85}
    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": language, "model_name": model}],
        "ner_model_configuration": labels | {"low_confidence_score_multiplier": 1.0},
    }
    _refuse_missing(model)
    engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    registry = RecognizerRegistry(recognizers=[SpacyRecognizer(supported_language=language)], supported_languages=[language])
    return AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=[language]), language


def _refuse_missing(model: str) -> None:
    # Presidio would try to fetch it; nothing is fetched while calls wait, or at all.
    import spacy
    from spacy.util import is_package

    if is_package(model):
        return
    try:
        spacy.load(model)
    except OSError:
        raise SettingsError(f"the spaCy model {model} is not installed; install it, or name the folder it is in") from None


def _elements(text: str) -> Iterator[tuple[int, int]]:
    """
    The strings of a document that can hold a name: a word at least, in pieces no model refuses.
    """
    start = 0
    while start < len(text):
        end = min((at for bound in BOUNDS if (at := text.find(bound, start)) >= 0), default=len(text))
        while end - start > _PIECE_CHARS:
            cut = text.rfind(" ", start, start + _PIECE_CHARS)
            cut = cut if cut > start else start + _PIECE_CHARS
            yield start, cut
            start = cut
        if end - start >= _SHORTEST:
            yield start, end
        start = end + 1
