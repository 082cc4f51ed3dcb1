"""
Tests of policies: that they can fail, and how they are told.
"""

from __future__ import annotations

import pytest

from excise.errors import PolicyError
from excise.policy.deployment import TargetRef
from excise.policy.trial import Order, find_tests, run_tests

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


ROUTED = loaded("""
providers: [{provider: openai}, {provider: anthropic}]
aliases:
  fast: [anthropic/claude-small, openai/gpt-small]
routes:
  - name: nights
    when: {time: {from: "20:00", until: "06:00", zone: Europe/Berlin}, task: code, tags: {project: apollo}}
    to: [openai/gpt-small, anthropic/claude-small]
  - name: hard
    when:
      {complexity: {from: 0.5}, needs: tools, headers: {x-tier: gold}, stream: true, input_tokens: {from: 10}, output_tokens: {below: 9}}
    to: [anthropic/claude-opus, openai/gpt-large]
  - {name: told, when: {expr: 'call.task == "translation" && call.input_tokens == null'}, to: openai/gpt-small}
  - {name: unclear, when: {task: unknown, complexity: {below: 0.6}}, to: anthropic/claude-small}
rules:
  - {name: no opus, when: {model: "*opus*"}, then: deny, reason: too dear}
default: allow
""")
NIGHT = "task: code, tags: {project: apollo}, time: 2026-11-23T21:00:00+01:00"
BOTH = "to be asked, but it is openai/gpt-small, anthropic/claude-small"
HARD = "task: code, complexity: 0.5, needs: tools, headers: {X-Tier: gold}, stream: true, input_tokens: 10, output_tokens: 8"


def route(tmp_path, call, expect, planner=None):
    path = tmp_path / "default.test.yml"
    call = call if "model:" in call else f"model: gpt-4, {call}"
    path.write_text(f"- {{name: a, call: {{provider: openai, {call}}}, expect: {{allow: true, {expect}}}}}\n")
    (outcome,) = run_tests(ROUTED, path, known=NAMES, planner=planner)
    return outcome.problem


@pytest.mark.parametrize(
    ("call", "expect", "problem"),
    [
        (NIGHT, "route: nights, to: openai/gpt-small", ""),
        (NIGHT, "to: [openai/gpt-small, anthropic/claude-small]", ""),
        (
            NIGHT,
            "to: anthropic/claude-small",
            f"expected anthropic/claude-small {BOTH}",
        ),
        (NIGHT, "to: [openai/gpt-small]", f"expected openai/gpt-small {BOTH}"),
        (NIGHT.replace("+01:00", "Z"), "route: nights", ""),
        (NIGHT.replace("21:00:00+01", "17:00:00-02"), "route: nights", ""),
        (NIGHT.replace("T21", "T12"), "route: none", ""),
        (NIGHT.replace("apollo", "gemini"), "route: none", ""),
        (HARD, "route: hard, to: [openai/gpt-large]", ""),  # the first one is denied
        (HARD.replace("gold", "lead"), "route: none", ""),
        ("model: fast", "route: unclear, to: anthropic/claude-small", ""),
        ("model: fast, task: analysis", "route: none, to: [anthropic/claude-small, openai/gpt-small]", ""),
        ("model: gpt-4, task: translation", "route: told", ""),
        ("model: gpt-4, task: translation, input_tokens: 5", "route: none, to: []", ""),  # it goes where it was sent
        ("operation: embeddings", "route: none", ""),
        ("operation: embeddings, task: unknown", "route: unclear", ""),
    ],
)
def test_routes_are_tried(tmp_path, call, expect, problem):
    """
    With everything conditions ask about; targets that policy denies are not asked, and an alias stands for its targets.
    """
    assert route(tmp_path, call, expect) == problem


def test_a_planner_orders_and_leaves_out(tmp_path):
    """
    It gets the choice, what named it, and the facts; what it leaves out is not asked.
    """
    seen = []

    def planner(choice, rule, facts):
        seen.append((rule, facts.task, facts.complexity))
        return Order(tuple(one.target for one in reversed(choice.targets) if one.target.model != "gpt-large"))

    assert route(tmp_path, NIGHT, "to: [anthropic/claude-small, openai/gpt-small]", planner) == ""
    assert route(tmp_path, "model: fast, task: analysis, complexity: 0.1", "to: openai/gpt-small", planner) == ""
    assert seen == [("nights", "code", 0.5), ("alias fast", "analysis", 0.1)]


LEFT = Order((), ("openai/gpt-small: cannot see", "anthropic/claude-small: too dear"), refusal="no target: openai/gpt-small: cannot see")


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ("deny: cannot see", ""),
        ("deny: no target, to: []", ""),
        ("deny: no target, to: [], shadow: none", ""),
        ("allow: true, to: []", "expected allow, but denied: no target: openai/gpt-small: cannot see"),
        ("allow: true", "expected allow, but denied: no target: openai/gpt-small: cannot see"),
        ("deny: bananas, to: []", "expected a reason with 'bananas', but denied: no target: openai/gpt-small: cannot see"),
        ("deny: no target, rule: default", "expected something of 'rule', but the call is denied before that"),
        ("deny: no target, redact: none", "expected something of 'redact', but the call is denied before that"),
        (
            "deny: no target, to: openai/gpt-small",
            "expected openai/gpt-small to be asked, but it is none (openai/gpt-small: cannot see; anthropic/claude-small: too dear)",
        ),
        ("deny: no target, shadow: openai/gpt-small", "expected copies to go to openai/gpt-small, but it is none"),
    ],
)
def test_a_call_that_nobody_can_take_is_refused(tmp_path, expect, problem):
    """
    With the reasons: a test must expect that, and may look for them; no rule decides, and nothing is taken out.
    """
    path = tmp_path / "default.test.yml"
    path.write_text(f"- {{name: a, call: {{provider: openai, model: gpt-4, {NIGHT}}}, expect: {{{expect}}}}}\n")
    (outcome,) = run_tests(ROUTED, path, known=NAMES, planner=lambda *_: LEFT)

    assert outcome.problem.startswith(problem)
    assert bool(outcome.problem) == bool(problem)


def test_who_is_denied_is_told_where_another_was_expected(tmp_path):
    """
    With the rule that denies it, and why whoever is left out cannot take the call.
    """

    def planner(choice, rule, facts):
        return Order(tuple(one.target for one in choice.targets), ("openai/gpt-old: cannot hear",))

    said = "expected anthropic/claude-opus to be asked, but it is openai/gpt-large (openai/gpt-old: cannot hear; "
    assert route(tmp_path, HARD, "to: anthropic/claude-opus", planner) == said + "anthropic/claude-opus: denied by no opus)"
    assert "but it is none (it goes where it was sent)" in route(tmp_path, "model: gpt-4, task: code", "to: openai/gpt-4")


@pytest.mark.parametrize(
    ("call", "shadow", "expect", "problem"),
    [
        (NIGHT, "openai/gpt-large", "shadow: openai/gpt-large", ""),
        (NIGHT, None, "shadow: none", ""),
        (NIGHT, "openai/gpt-large", "shadow: none", "expected copies to go to none, but it is openai/gpt-large"),
        (NIGHT, None, "shadow: openai/gpt-large", "expected copies to go to openai/gpt-large, but it is none (shadow: it is ill)"),
        (
            NIGHT,
            "openai/opus",
            "shadow: openai/opus",
            "expected copies to go to openai/opus, but it is none (openai/opus: denied by no opus)",
        ),
        ("model: gpt-4, task: code", "openai/gpt-large", "shadow: none", ""),  # it goes where it was sent
        ("model: gpt-4, task: code", "openai/gpt-large", "shadow: openai/gpt-large", "expected copies to go to openai/gpt-large, but"),
    ],
)
def test_copies_can_be_expected(tmp_path, call, shadow, expect, problem):
    """
    Where policy lets the target have them, and of calls alone that policy sends somewhere.
    """

    def planner(choice, rule, facts):
        copied = TargetRef.of(shadow) if shadow is not None else None
        return Order(tuple(one.target for one in choice.targets), shadow=copied, notes=("canary: none", "shadow: it is ill"))

    found = route(tmp_path, call, expect, planner)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("time: 2026-11-23T21:00:00", "a time with its zone is expected"),
        ("time: today", "a time with its zone is expected"),
        ("task: coding", "input should be 'conversation'"),
        ("complexity: 2", "less than or equal to 1"),
        ("needs: [tool]", "input should be 'tools'"),
        ("input_tokens: -1", "greater than or equal to 0"),
        ("stream: yes", "valid boolean"),
    ],
)
def test_slips_in_tests_of_routes_are_told(tmp_path, call, said):
    """
    As slips in policies are.
    """
    with pytest.raises(PolicyError, match=rf":1:\d+: .*{said}"):
        route(tmp_path, call, "route: none")


def test_listed_tags_are_the_principals(tmp_path):
    """
    And those a test gives stand beside them.
    """
    policy = loaded("""
principals:
  - {id: shop, tags: {project: apollo, floor: "1"}, match: {source: 10.0.0.0/8}}
rules:
  - {name: a, when: {tags: {project: apollo, floor: "1"}}, then: allow}
default: deny
""")
    path = tmp_path / "default.test.yml"
    path.write_text("""
- {name: a, call: {principal: shop, provider: openai}, expect: {allow: true, rule: a}}
- {name: b, call: {principal: shop, provider: openai, tags: {floor: "2"}}, expect: {deny: no rule}}
""")

    assert [outcome.problem for outcome in run_tests(policy, path, known=NAMES)] == ["", ""]
