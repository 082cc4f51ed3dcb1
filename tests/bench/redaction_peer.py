"""
Runs inside the peers' own environment, not in ours: texts as JSON lines in, spans as JSON lines out.

    python redaction_peer.py detect-secrets|presidio < texts

Reads `{"text": …}` a line; writes `{"spans": [[start, end, type], …]}` a line, and at last `{"cpu_seconds": …}` of the scanning alone.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Spans = list[tuple[int, int, str]]
STACK = contextlib.ExitStack()
SURE_ENOUGH = 0.4  # of presidio's scores: below are patterns that its authors call weak


def detect_secrets() -> Callable[[str], Spans]:
    """
    Its default plugins and filters on a file, as its command runs them; only verification, which calls the providers, is off.
    """
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    settings = STACK.enter_context(default_settings())
    settings.disable_filters("detect_secrets.filters.common.is_ignored_due_to_verification_policies")
    file = Path(STACK.enter_context(tempfile.TemporaryDirectory())) / "text"

    def scan(text: str) -> Spans:
        file.write_text(text, encoding="utf-8", errors="replace", newline="")
        lines = text.split("\n")
        starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
        spans: Spans = []
        for secret in scan_file(str(file)):
            line = secret.line_number - 1
            if secret.secret_value and 0 <= line < len(lines) and (at := lines[line].find(secret.secret_value)) >= 0:
                spans.append((starts[line] + at, starts[line] + at + len(secret.secret_value), secret.type))
        return spans

    return scan


def presidio() -> Callable[[str], Spans]:
    """
    All its English pattern recognisers with their context words; a blank tokenizer stands in for the language model.
    """
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}
            self.nlp["en"].max_length = 10_000_000

        def load(self) -> None:
            pass

        def process_text(self, text: str, language: str) -> NlpArtifacts:
            tokens = self.nlp[language](text)
            lemmas = [token.lower_ for token in tokens]
            return NlpArtifacts(
                entities=[],
                tokens=tokens,
                tokens_indices=[token.idx for token in tokens],
                lemmas=lemmas,
                nlp_engine=self,
                language=language,
            )

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    for name in ("SpacyRecognizer", "TransformersRecognizer", "StanzaRecognizer"):
        registry.remove_recognizer(name)
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])

    def scan(text: str) -> Spans:
        found = engine.analyze(text, language="en", score_threshold=SURE_ENOUGH)
        return [(one.start, one.end, one.entity_type) for one in found]

    return scan


def main() -> None:
    """
    Everything in, everything out.
    """
    logging.disable(logging.CRITICAL)
    with STACK:
        _answer({"detect-secrets": detect_secrets, "presidio": presidio}[sys.argv[1]]())


def _answer(scan: Callable[[str], Spans]) -> None:
    scan("warm up: nothing here")
    cpu = 0.0
    for line in sys.stdin:
        text = json.loads(line)["text"]
        before = time.process_time()
        spans = scan(text)
        cpu += time.process_time() - before
        sys.stdout.write(json.dumps({"spans": spans}) + "\n")
    sys.stdout.write(json.dumps({"cpu_seconds": cpu}) + "\n")


if __name__ == "__main__":
    main()
