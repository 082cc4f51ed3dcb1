"""
Expressions: what they may read, what is refused at load, and that nothing they do can raise or take long.
"""

from __future__ import annotations

import random
import subprocess
import sys
import timeit
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from excise.exchange import Capture
from excise.policy.cel import MAX_EXPRESSION, expression
from excise.policy.decide import Facts, SentHeaders

CALL = Facts(
    principal="shop",
    team="pay",
    provider="openai",
    operation="chat",
    capture=Capture.PROXY,
    model="gpt-4o",
    task="code",
    complexity=0.3,
    needs=frozenset({"tools"}),
    input_tokens=1200,
    output_tokens=None,
    stream=True,
    headers=SentHeaders(((b"X-Tier", b"gold"), (b"authorization", b"Bearer sk-1"))),
    tags={"project": "apollo"},
    now=datetime(2026, 11, 23, 21, 30, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('call.model.startsWith("gpt-4") && call.input_tokens < 8000', True),
        ('call.provider == "openai" && call.operation == "chat" && call.capture == "proxy" && call.source == null', True),
        ('call.task in ["code", "analysis"] && call.complexity < 0.4 && call.stream', True),
        ('"tools" in call.needs && !("vision" in call.needs) && size(call.needs) == 1', True),
        ('principal.id == "shop" && principal.team == "pay" && principal.app == null && principal.env == null', True),
        ('principal.tags.project == "apollo" && principal.tags["project"].endsWith("lo")', True),
        ('"floor" in principal.tags && principal.tags.floor == "3"', False),
        ('headers["x-tier"] == "gold" && headers.size() == 1', True),
        ("has(headers.authorization)", False),
        ('time.weekday == "mon" && time.hour == 21 && time.minute == 30 && time.day == 23 && time.month == 11', True),
        ("call.stream ? call.input_tokens > 1000 : false", True),
        ("string(call.input_tokens) == '1200' && int('5') < call.input_tokens", True),
        ('call . model\n . contains ( "4" )', True),
        ('call.model == "call.nope // [].all(x, x) r"', False),  # texts are texts
        ("call.output_tokens > 10", None),  # the client does not say
        ("call.output_tokens > 10 || call.stream", True),
        ('headers["x-other"] == "a"', None),
        ("call.input_tokens / (call.input_tokens - 1200) > 1", None),
        ("9223372036854774707 + call.input_tokens > 0", None),
    ],
)
def test_what_expressions_say(text, held):
    """
    Yes, no, or that it cannot be told, which is not an error.
    """
    assert expression(text).holds(CALL) is held


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("call.model ==", "line 1, column 14 of it"),
        ('call.stream &&\n call.model == "a', "line 2, column 16 of it"),
        ('call.modell == "a"', "unknown name call.modell: did you mean call.model?"),
        ('call.stream || call.secret == "a"', "unknown name call.secret"),
        ("call == call", "write call.NAME"),
        ('call["model"] == "a"', "write call.NAME"),
        ("principal.tag == {}", "did you mean principal.tags?"),
        ("facts.model == 'a'", "unknown name 'facts'"),
        (".call.model == 'a'", "unknown name '.call'"),
        ("`call`.model == 'a'", "names are not quoted"),
        ("call.input_tokens", "must be true or false, not int"),
        ("call.stream ? 1 : 2", "must be true or false, not int"),
        ("null", "must be true or false"),
        ("call.model > 3", "this can never be told"),
        ("call.stream && call.complexity * 2 < 1", "this can never be told"),
        ('call.model.matches("(a+)+$")', "unknown function 'matches'"),
        ("open('/etc/passwd') == ''", "unknown function 'open'"),
        ("call.model.lower() == 'a'", "unknown function 'lower'"),
        ("timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')", "unknown function 'timestamp'"),
        ("[1, 2].exists(x, x == 1)", "lists cannot be walked through"),
        ("[1, 2].map(call, call.model).size() > 0", "lists cannot be walked through"),
        ("principal.tags\n . all (key, true)", "lists cannot be walked through"),
        ("call.needs.transformList(x, x) == []", "unknown function 'transformList'"),
        ("cel.bind(x, 1, x == 1)", "unknown function 'bind'"),
        ("call.model == r'a'", "no letter in front of their quotes"),
        ("call.model == '''a'''", "single or double quotes"),
        ("call.stream // and so on", "comments in YAML"),
        ("call.?model == 'a'", "not an expression"),
        ("(" * 200 + "true" + ")" * 200, "not an expression"),
        ("call.stream || " * 40 + "true", f"at most {MAX_EXPRESSION} characters"),
    ],
)
def test_what_is_refused(text, said):
    """
    Syntax, names, functions, loops, results of another kind: with words that help, when the policy is loaded.
    """
    with pytest.raises(ValueError) as raised:
        expression(text)

    assert said in str(raised.value)
    assert len(str(raised.value)) < 500


def test_no_facts_make_an_expression_raise():
    """
    Where nothing is known everything is null, and that is either told or not.
    """
    nothing = Facts(principal="anonymous", provider="unknown", operation="unknown", capture=Capture.PROXY)
    texts = (
        "call.complexity < 0.4",
        'call.model.startsWith("a")',
        "time.hour < 8",
        '"a" in call.needs',
        "call.stream",
        "call.task == null",
    )

    assert [expression(text).holds(nothing) for text in texts] == [None, None, None, False, None, True]
    assert expression('headers["a"] == "b"').holds(replace(nothing, headers={"a": "b" * 100_000})) is False


def test_noise_is_refused_or_runs():
    """
    Whatever is written, loading either refuses it with `ValueError` or gives an expression that answers.
    """
    pieces = (
        *("call", ".", "model", "(", ")", "[", "]", '"a"', "==", "&&", "||", "!", "-", "1", "2.5", "in", "size", "{", "}", ":", "?", ","),
        *("headers", "principal", ".tags", "time", ".hour", "has", '"', "'", "u", "null", "true", "\\", "+", "*", "%", "/", "<", "\n", "é"),
        *("😀", "0x", "1e400", "99999999999999999999", ".all(", 'r"', ".stream", "call.stream", "true", "call.input_tokens"),
    )
    dice = random.Random(7)
    answered = 0
    for _ in range(20_000):
        try:
            made = expression("".join(dice.choice(pieces) for _ in range(dice.randint(1, 12))))
        except ValueError:
            continue
        answered += made.holds(CALL) in (True, False, None)

    assert answered > 50


def test_an_expression_takes_microseconds():
    """
    The longest there may be stays far below a tenth of a millisecond; the usual is some five microseconds.
    """
    usual = expression('call.model.startsWith("gpt-4") && call.input_tokens < 8000')
    longest = expression(("call.input_tokens + 1 > 2 && " * 40)[: MAX_EXPRESSION - 40].rpartition(" && ")[0])

    assert min(timeit.repeat(lambda: usual.holds(CALL), number=200, repeat=5)) / 200 < 50e-6
    assert min(timeit.repeat(lambda: longest.holds(CALL), number=200, repeat=5)) / 200 < 200e-6


def test_policies_without_expressions_do_not_load_the_library():
    """
    It takes half a second, for a shell of its own.
    """
    code = "import sys, excise.policy.load; sys.exit('cel' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
