"""
Every token of the catalogue, found in a request as it is found in a bare text.
"""

from __future__ import annotations

import json

import pytest

from excise.privacy.detect.catalogue import RULES
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.scanner import Scanner
from privacy.walk.marker import TOKEN, of_json

# They begin where a line does; in a request another value stands before.
_AT_LINE_STARTS = ("pgpass", "kubernetes-manifest")


def _samples(rule: Rule) -> list[tuple[str, str]]:
    return [(hit, hit) if isinstance(hit, str) else (hit[0], hit[1]) for hit in getattr(rule, "hits", ())]


def _sent(content: str, scanner: Scanner) -> str:
    source = of_json({"messages": [{"role": "user", "content": content}]})
    rewritten = source.rewrite([(spot, TOKEN) for spot in source.spots(scanner.scan(source.text))])
    return str(json.loads(rewritten.body)["messages"][0]["content"])


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.name not in _AT_LINE_STARTS and _samples(rule)], ids=lambda rule: rule.name
)
def test_a_request_hides_no_sample(rule: Rule) -> None:
    """
    However long it is, whatever it decodes to: no rule loses one of its own samples, in a message or in JSON inside one.
    """
    scanner = Scanner((rule,))
    for text, value in _samples(rule):
        if not any(text[found.start : found.end] == value for found in scanner.scan(text)):
            continue
        plain, nested = _sent(text, scanner), json.loads(_sent(json.dumps({"a": text}), scanner))["a"]
        # A value written with escapes is the longer one, and its last characters may stay.
        parts = [value[: len(value) // 2], value[len(value) // 2 :][:24], value[-24:-3]] if len(value) > 60 else [value]
        assert not [part for part in parts for sent in (plain, nested) if part in sent], rule.name
