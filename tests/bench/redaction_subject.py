"""
What the bench measures: rules, with either gate, behind the walk over a request's body.
"""

from __future__ import annotations

import time
from functools import cache

from excise.errors import WireError
from excise.privacy.detect import hyperscan_gate
from excise.privacy.detect.catalogue import rules_of
from excise.privacy.detect.detector import Finding
from excise.privacy.detect.gate import AhoCorasickGate
from excise.privacy.detect.scanner import Scanner
from excise.privacy.walk.source import of_request, of_text
from excise.wire import strict_json


class Subject:
    """
    A profile's rules, ready to run. `gate` as of `Scanner`.
    """

    def __init__(self, profile: str, gate: type = AhoCorasickGate) -> None:
        self.rules = rules_of(profile)
        self._scanner = Scanner(self.rules, gate=gate)

    def scan(self, document: str) -> list[Finding]:
        return self._scanner.scan(document)

    def look(self, body: bytes) -> list[Finding]:
        """
        Walk and scan, as a request is looked at.
        """
        return self._scanner.scan(walked(body))

    def found(self, text: str) -> list[tuple[int, int, str, str]]:
        """
        Findings in a text that is a document already.
        """
        return [(finding.start, finding.end, finding.entity, finding.detector) for finding in self._scanner.scan(text)]

    def found_in(self, text: str) -> list[tuple[int, int, str, str]]:
        """
        Findings in a text or body.
        """
        return self.found(walked(text.encode()) if text[:1] in "{[" else text)

    def slowest(self, text: str, count: int = 5) -> list[tuple[str, float]]:
        """
        The rules that take longest on a text, with seconds.
        """
        places = AhoCorasickGate(self.rules).places(text)
        took = []
        for index, rule in enumerate(self.rules):
            if index in places or not rule.keywords:
                before = time.process_time()
                for _ in rule.find(text, places.get(index, ())):
                    pass
                took.append((rule.name, time.process_time() - before))
        return sorted(took, key=lambda one: -one[1])[:count]


@cache
def subjects(profile: str) -> dict[str, Subject]:
    """
    By gate.
    """
    made = {"aho-corasick": Subject(profile)}
    if hyperscan_gate.available:
        made["hyperscan"] = Subject(profile, hyperscan_gate.HyperscanGate)
    return made


def walked(body: bytes) -> str:
    """
    What the walk makes of a request's body: the document that is scanned. Bytes that are no JSON are taken as text.
    """
    try:
        value = strict_json.load(body)
    except WireError:
        return of_text(body.decode("utf-8", "replace")).text
    return of_request("POST", "/v1/chat/completions", (), "application/json", body, value).text
