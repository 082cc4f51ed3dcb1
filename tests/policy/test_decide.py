"""
Decisions: the first rule that matches, against a table, a naive oracle, and the clock.
"""

from __future__ import annotations

import timeit
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest, Principal, Prompt
from excise.policy.compile import compile_policy
from excise.policy.decide import MAX_MODEL, Facts, decide, decide_all, explain, facts_of, normal_model, other_models
from excise.policy.schema import Defaults, PolicyFile, Rule
from excise.policy.when import When

from .written import loaded

CALL = Facts(principal="shop", team="pay", provider="openai", operation="chat", model="gpt-4o", capture=Capture.PROXY)

POLICY = loaded("""
principals:
  - {id: shop, team: pay, app: web, env: prod, match: {source: 10.0.0.0/8}}
  - {id: lab, team: research, env: dev, match: {source: 11.0.0.0/8}}
rules:
  - {name: no opus, when: {model: "*opus*"}, then: deny, reason: too dear}
  - {name: pay on openai, when: {team: pay, provider: openai, operation: [chat, embeddings]}, then: allow}
  - {name: prod from inside, when: {env: prod, source: [10.0.0.0/8, "fd00::/8"], capture: transparent}, then: allow}
  - {name: unowned keys, when: {principal: "fp_*"}, then: deny, reason: register the key}
  - {name: research, when: {team: "res*", app: "*"}, then: allow}
default: deny
""")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, "pay on openai"),
        ({"operation": "embeddings"}, "pay on openai"),
        ({"operation": "images"}, "default"),
        ({"model": "claude-opus-4"}, "no opus"),
        ({"model": None}, "no opus"),  # a billed call that names no model could be that one
        ({"model": None, "billable": False}, "pay on openai"),
        ({"team": None}, "default"),
        ({"team": "PAY"}, "default"),  # names are compared as written
        ({"team": None, "env": "prod", "source": ip_address("10.1.2.3")}, "default"),
        ({"team": None, "env": "prod", "source": ip_address("10.1.2.3"), "capture": Capture.TRANSPARENT}, "prod from inside"),
        ({"team": None, "env": "prod", "source": ip_address("fd00::1"), "capture": Capture.TRANSPARENT}, "prod from inside"),
        ({"team": None, "env": "prod", "source": None, "capture": Capture.TRANSPARENT}, "default"),
        ({"team": None, "principal": "fp_00112233445566778899"}, "unowned keys"),
        ({"team": "research"}, "default"),  # `app: "*"` asks for some app
        ({"team": "research", "app": "x"}, "research"),
        ({"provider": "unknown"}, "defaults.unknown"),
        ({"operation": "unknown"}, "defaults.unknown"),
        ({"operation": "unknown", "model": "claude-opus-4"}, "defaults.unknown"),
    ],
)
def test_decisions(change, rule):
    """
    What each condition asks, and what missing facts mean.
    """
    facts = replace(CALL, **change)
    decision = decide(POLICY, facts)

    assert decision.rule == rule
    assert decision.allow == (rule in ("pay on openai", "prod from inside", "research"))
    assert decision.action == ("allow" if decision.allow else "deny")
    assert decision.policy_id == POLICY.id
    assert bool(decision.reason) != decision.allow
    assert [one.rule for one in explain(POLICY, facts) if one.matched] == [rule]


def test_unknown_calls_are_left_to_the_rules_where_policy_says_so():
    """
    `unknown: allow` is not "allow": rules and default still decide, and a deny rule about models counts what shows no model.
    """
    policy = loaded("""
defaults: {unknown: allow}
rules:
  - {name: no opus, when: {model: "*opus*"}, then: deny, reason: too dear}
  - {name: files, when: {operation: unknown, provider: openai}, then: deny, reason: not these}
""")

    assert decide(policy, replace(CALL, operation="unknown", model=None, billable=False)).rule == "no opus"
    assert decide(policy, replace(CALL, operation="unknown")).rule == "files"
    assert decide(policy, replace(CALL, provider="unknown")).allow


def test_explain_says_why_not():
    """
    Each rule that did not match names the condition that failed; what stands below the match was not asked.
    """
    trace = {one.rule: one for one in explain(POLICY, CALL)}

    assert trace["no opus"].why == "model is 'gpt-4o', not *opus*"
    assert trace["defaults.unknown"].why == "the call is recognised"
    assert trace["pay on openai"].why == "all conditions hold"
    assert trace["unowned keys"].why == "not asked: decided above"
    assert {one.rule: one.why for one in explain(POLICY, replace(CALL, team=None))}["pay on openai"] == "team is not known, not pay"
    assert list(trace) == ["defaults.unknown", *(rule.decision.rule for rule in POLICY.rules), "default"]


VALUES = {
    "principal": ["a", "b", "fp_1", "anonymous"],
    "team": ["a", "ab", "b"],
    "app": ["a", "b"],
    "env": ["a", "b"],
    "provider": ["openai", "gemini", "unknown"],
    "operation": ["chat", "images", "unknown"],
    "model": ["gpt-4", "gpt-4o", "GPT-5", "opus"],
}
GLOBS = st.lists(st.sampled_from(["a", "b", "a*", "*b", "*", "gpt-*", "*4*", "GPT-4", "opus", "fp_*"]), min_size=1, max_size=3).map(tuple)
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "fd00::/8"]


@st.composite
def whens(draw):
    fields = draw(st.sets(st.sampled_from([*VALUES, "capture", "source"]), min_size=1, max_size=4))
    given_ = {}
    for name in fields:
        if name in ("provider", "operation"):
            given_[name] = draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3).map(tuple))
        elif name == "capture":
            given_[name] = draw(st.lists(st.sampled_from(list(Capture)), min_size=1, max_size=2).map(tuple))
        elif name == "source":
            given_[name] = tuple(ip_network(text) for text in draw(st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2)))
        else:
            given_[name] = draw(GLOBS)
    return When.model_construct(**given_)


def _maybe(name):
    return st.none() | st.sampled_from(VALUES[name])


FACTS = st.builds(
    Facts,
    principal=st.sampled_from(VALUES["principal"]),
    provider=st.sampled_from(VALUES["provider"]),
    operation=st.sampled_from(VALUES["operation"]),
    capture=st.sampled_from(list(Capture)),
    team=_maybe("team"),
    app=_maybe("app"),
    env=_maybe("env"),
    model=_maybe("model").map(lambda model: model and normal_model(model)),
    billable=st.booleans(),
    source=st.none() | st.sampled_from([ip_address(text) for text in ("10.1.2.3", "10.9.9.9", "192.0.2.1", "fd00::1", "::1")]),
)


def _naively(written: PolicyFile, facts: Facts) -> str:
    """
    The oracle: as the documentation says it, slow and plain.
    """
    if written.defaults.unknown == "block" and "unknown" in (facts.provider, facts.operation):
        return "defaults.unknown"
    for rule in written.rules:
        holds = True
        for name in rule.when.model_fields_set:
            value, wanted = getattr(facts, name), getattr(rule.when, name)
            if name == "source":
                holds &= value is not None and any(value in network for network in wanted)
            elif name in ("provider", "operation", "capture"):
                holds &= value in wanted
            elif name == "model" and value is None:
                holds &= rule.then == "deny" and (facts.billable or facts.operation == "unknown")
            elif name == "model":
                holds &= any(fnmatchcase(value, pattern.lower()) for pattern in wanted)
            else:
                holds &= value is not None and any(fnmatchcase(value, pattern) for pattern in wanted)
        if holds:
            return rule.name
    return "default"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(whens(), st.sampled_from(["allow", "deny"])), max_size=6),
    st.sampled_from(["block", "allow"]),
    st.sampled_from(["allow", "deny"]),
    FACTS,
)
def test_the_first_matching_rule_decides(rules, unknown, default, facts):
    """
    For any rules and facts the decision is the oracle's, explain agrees, and nothing is raised.
    """
    written = PolicyFile.model_construct(
        version=1,
        defaults=Defaults(unknown=unknown),
        models=None,
        principals=(),
        rules=tuple(Rule.model_construct(name=str(at), when=when, then=then, reason="x") for at, (when, then) in enumerate(rules)),
        default=default,
    )
    policy = compile_policy(written, "p@0", {})
    decision = decide(policy, facts)

    assert decision.rule == _naively(written, facts)
    assert [one.rule for one in explain(policy, facts) if one.matched] == [decision.rule]


@given(st.text(max_size=40), st.none() | st.text(max_size=40))
def test_any_names_get_a_decision(name, model):
    """
    Names come from requests: no text makes deciding raise.
    """
    facts = Facts(principal=name, team=name, app=name, env=name, provider=name, operation=name, model=model, capture=Capture.PROXY)

    assert decide(POLICY, facts).policy_id == POLICY.id


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("GPT-4o", "gpt-4o"),
        (" gpt-4o\n", "gpt-4o"),
        ("models/Gemini-2.5-Pro", "gemini-2.5-pro"),
        ("", None),
        ("  ", None),
        ("x" * (MAX_MODEL + 1), None),
    ],
)
def test_spellings_a_provider_takes_for_the_same_model_are_the_same(written, compared):
    """
    A denied model is not allowed for being written in capitals, and one that cannot be a name is no name.
    """
    assert normal_model(written) == compared


def exchange(**more) -> Exchange:
    call = Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body")
    base = {
        "id": "0",
        "started_at_us": 0,
        "started": 0.0,
        "client": ClientInfo(ip="::ffff:10.0.0.1", port=1, capture=Capture.PROXY),
        "http": HttpRequest("POST", "https", "api.openai.com", 443, "/v1/chat/completions", (), b""),
        "call": call,
        "principal": Principal(id="shop", type="listed", team="pay", app="web", env="prod"),
        "prompt": Prompt(body=b"{}", json={}, model="GPT-4o", stream=False),
    }
    return Exchange(**{**base, **more})


def test_facts_are_taken_from_what_earlier_stages_wrote():
    """
    Names, the model as compared, and the client's address as IPv4.
    """
    assert facts_of(exchange()) == Facts(
        principal="shop",
        team="pay",
        app="web",
        env="prod",
        provider="openai",
        operation="chat",
        model="gpt-4o",
        stream=False,
        headers={},
        now=datetime(1970, 1, 1, tzinfo=UTC),
        billable=True,
        capture=Capture.PROXY,
        source=ip_address("10.0.0.1"),
    )


def test_a_model_in_the_path_beats_one_in_the_body():
    """
    The provider goes by the path; a harmless name in the body must not cover it.
    """
    call = Call(provider="gemini", operation="chat", dialect="gemini", model_at="path", model="gemini-2.5-pro")

    assert facts_of(exchange(call=call)).model == "gemini-2.5-pro"


def test_what_no_stage_wrote_is_unknown():
    """
    An exchange without call and principal is treated as the least known one.
    """
    facts = facts_of(exchange(call=None, principal=None, prompt=None))

    assert (facts.provider, facts.operation, facts.principal, facts.model) == ("unknown", "unknown", "anonymous", None)
    assert not decide(loaded("rules: []"), facts).allow


def test_fallback_models_must_be_allowed_as_well():
    """
    A request that names a cheap model and a denied one as its fallback is refused; one with a fallback that is no name, or no text, too.
    """

    def decided(models):
        one = exchange(prompt=Prompt(body=b"", json={"model": "gpt-4o", "models": models}, model="gpt-4o", stream=False))
        return decide_all(POLICY, facts_of(one), other_models(one)).rule

    assert decided(["gpt-4o-mini"]) == "pay on openai"
    assert decided(["gpt-4o-mini", "Anthropic/Claude-Opus-4"]) == "no opus"
    assert decided(["anthropic/claude-opus-4", "gpt-4o-mini"]) == "no opus", "an allowed one behind it heals nothing"
    assert decided([""]) == "no opus"
    assert decided([1]) == decided([None]) == decided([{"id": "anthropic/claude-opus-4"}]) == "no opus"
    assert decided("anthropic/claude-opus-4") == decided(None) == "pay on openai"


def test_fifty_rules_take_microseconds():
    """
    Loose enough for a busy machine: the aim is 10 us, a hundred would still pass unnoticed in a call.
    """
    rules = "\n".join(
        f"  - {{name: r{at}, when: {{team: t{at}-*, model: ['gpt-{at}*', '*x{at}'], provider: openai}}, then: allow}}" for at in range(50)
    )
    teams = "\n".join(f"  - {{id: p{at}, team: t{at}-a, match: {{source: 10.0.{at}.0/24}}}}" for at in range(50))
    policy = loaded(f"principals:\n{teams}\nrules:\n{rules}\n")
    best = min(timeit.repeat(lambda: decide(policy, CALL), number=200, repeat=5)) / 200

    assert decide(policy, CALL).rule == "default"
    assert best < 100e-6
