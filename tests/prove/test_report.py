"""
What is said of a proof.
"""

from __future__ import annotations

import datetime as dt
import io
import json

from rich.console import Console

from excise.prove.client import Answer
from excise.prove.report import SCOPE, Check, Report


def report(*verdicts: bool | None) -> Report:
    made = Report(own_policy=True, started=dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
    made.checks = [Check("Section", f"check {at}", verdict, "3 of 3 [b]", ["a detail"]) for at, verdict in enumerate(verdicts)]
    made.sent = {"redaction: OpenAI chat": 1, "redaction: disguises": 42}
    return made


def test_one_failure_fails_it_and_nothing_judged_proves_nothing() -> None:
    """
    A check that is only told does not count either way.
    """
    assert report(True, None, True).passed
    assert not report(True, False, None).passed
    assert not report(None).passed
    assert not report().passed


def test_people_read_all_of_it() -> None:
    """
    Verdicts, counts, what was sent, details of failures, and what is not proven; plain where it is no terminal.
    """
    out = io.StringIO()
    report(True, False, None).show(Console(file=out, width=200))
    text = out.getvalue()

    for line in (
        "PASS  check 0: 3 of 3 [b]",
        "FAIL  check 1",
        "told  check 2",
        "a detail",
        "redaction: OpenAI chat; disguises (42)",
        *SCOPE,
    ):
        assert line in text
    assert text.rstrip().endswith("FAIL")
    assert "\x1b" not in text


def test_json_says_the_same() -> None:
    """
    With the scope, so that nobody quotes it for more than it shows.
    """
    told = json.loads(json.dumps(report(True, False).plain()))

    assert told["passed"] is False
    assert [check["verdict"] for check in told["checks"]] == ["PASS", "FAIL"]
    assert told["not_proven"] == list(SCOPE)
    assert told["sent"]["redaction: disguises"] == 42
    assert told["versions"]["excise"]


def test_what_the_model_said_is_put_together() -> None:
    """
    Deltas of a stream, texts of an answer, arguments of a tool.
    """
    stream = b'data: {"choices":[{"delta":{"content":"one "}}]}\n\ndata: {"choices":[{"delta":{"content":"two"}}]}\n\ndata: [DONE]\n\n'
    lines = b'{"message":{"content":"one "}}\n{"message":{"content":"two"}}\n'
    call = b'{"choices":[{"message":{"tool_calls":[{"function":{"arguments":"{\\"ship\\": \\"a \\\\\\"b\\\\\\"\\"}"}}]}}]}'

    assert Answer(200, {"content-type": "text/event-stream"}, stream).heard() == "one two"
    assert Answer(200, {"content-type": "application/x-ndjson"}, lines).heard() == "one two"
    assert 'a "b"' in Answer(200, {"content-type": "application/json"}, call).heard()
    assert Answer(0).heard() == ""
