"""
Tests of policies: that they can fail, and how they are told.
"""

from __future__ import annotations

import pytest

from excise.errors import PolicyError
from excise.policy.trial import find_tests, run_tests

from .written import NAMES, loaded

POLICY = loaded("""
principals:
  - {id: shop, team: pay, env: prod, match: {source: 10.0.0.0/8}}
rules:
  - {name: no opus, when: {team: pay, model: "*opus*"}, then: deny, reason: too dear for us}
  - {name: inside, when: {source: 10.0.0.0/8, capture: endpoint}, then: allow}
default: deny
""")


def run(tmp_path, text):
    path = tmp_path / "default.test.yml"
    path.write_text(text)
    return run_tests(POLICY, path, known=NAMES)


@pytest.mark.parametrize(
    ("call", "expect", "problem"),
    [
        ("{principal: shop, provider: anthropic, model: claude-opus}", "{deny: too dear}", ""),
        ("{principal: shop, provider: anthropic, model: claude-opus}", "{deny: no opus, rule: no opus}", ""),
        ("{principal: {id: shop, team: lab}, provider: anthropic, model: claude-opus}", "{deny: no rule, rule: default}", ""),
        ("{principal: {team: pay}, provider: anthropic, model: claude-opus}", "{deny: too dear}", ""),
        ("{principal: anonymous, provider: openai, source: 10.1.1.1, capture: endpoint}", "{allow: true}", ""),
        ("{provider: openai, model: gpt-4}", "{allow: true}", "expected allow, but denied by default"),
        ("{provider: openai, source: 10.1.1.1, capture: endpoint}", "{deny: x}", "expected deny, but allowed by inside"),
        ("{provider: openai}", "{deny: something else}", "expected a reason with 'something else'"),
        ("{provider: openai}", "{deny: no rule, rule: no opus}", "expected rule 'no opus'"),
        ("{provider: opnai}", "{deny: no rule}", "provider 'opnai' is not in the catalogue"),
        ("{provider: openai, operation: chatt}", "{deny: no rule}", "operation 'chatt' is not in the catalogue"),
        ("{principal: shp, provider: openai}", "{deny: no rule}", "no principal 'shp' is listed"),
        ("{provider: openai, source: here}", "{deny: no rule}", "not an address"),
        ("{provider: unknown}", "{deny: not known, rule: defaults.unknown}", ""),
    ],
)
def test_a_test_shows_what_it_should(tmp_path, call, expect, problem):
    """
    What passes, and what a failing test says.
    """
    (outcome,) = run(tmp_path, f"\n- name: a\n  call: {call}\n  expect: {expect}\n")

    assert problem in outcome.problem
    assert bool(problem) == bool(outcome.problem)
    assert outcome.line == 2


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("name: a\n", 1, 1, "a list of tests"),
        ("", 1, 1, "a list of tests"),
        ("[]\n", 1, 1, "at least 1 item"),
        ("- name: a\n  call: {provider: openai}\n  expect: {}\n", 3, 11, "expect holds either"),
        ("- name: a\n  call: {provider: openai}\n  expect: {allow: true, deny: x}\n", 3, 11, "expect holds either"),
        ("- name: a\n  call: {provider: openai}\n  expect: {allow: false}\n", 3, 19, "True"),
        ("- name: a\n  call: {provider: openai}\n  expect: {deny: ''}\n", 3, 18, "at least 1 character"),
        ("- name: a\n  call: {provider: openai, modl: x}\n  expect: {allow: true}\n", 2, 28, "did you mean 'model'"),
        ("- name: a\n  call: {principal: {role: x}, provider: openai}\n  expect: {allow: true}\n", 2, 22, "unknown key 'role'"),
        ("- name: a\n  call: {}\n  expect: {allow: true}\n", 2, 3, "`provider` is missing"),
    ],
)
def test_what_is_no_test_is_told_at_its_place(tmp_path, text, line, column, says):
    """
    A test that cannot fail, or that means something else than it says, does not run.
    """
    with pytest.raises(PolicyError) as caught:
        run(tmp_path, text)

    (place,) = caught.value.places
    assert place[1:3] == (line, column)
    assert says in place[3]


def test_tests_are_found_beside_their_policy(tmp_path):
    """
    By name; in a directory, tests of no policy are told, because they would silently never run.
    """
    (tmp_path / "default.yml").touch()
    assert find_tests(tmp_path) == []
    (tmp_path / "default.test.yml").touch()
    assert find_tests(tmp_path) == find_tests(tmp_path / "default.yml") == [tmp_path / "default.test.yml"]
    (tmp_path / "defualt.test.yml").touch()
    with pytest.raises(PolicyError, match=r"defualt\.test\.yml"):
        find_tests(tmp_path)
