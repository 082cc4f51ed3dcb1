"""
Conditions on what is asked for, when and how: what each of them holds for, and what becomes of what cannot be told.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from excise.errors import PolicyError
from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest, Principal, Prompt
from excise.policy.conditions import compile_conditions
from excise.policy.decide import Facts, SentHeaders, decide, explain, facts_of
from excise.policy.when import When
from excise.policy.yaml import load_strict
from excise.routing.profile import Need, Profile, Task

from .written import NAMES, loaded

TEXT = Facts(
    principal="shop",
    provider="openai",
    operation="chat",
    capture=Capture.PROXY,
    model="gpt-4o",
    task=Task.CODE,
    complexity=0.4,
    needs=frozenset({Need.TOOLS, Need.VISION}),
    input_tokens=1000,
    output_tokens=500,
    stream=True,
    headers={"x-priority": "batch-7"},
    tags={"project": "apollo-11", "floor": "3"},
    now=datetime(2026, 11, 23, 21, 30, tzinfo=UTC),  # a Monday
)
NO_TEXT = Facts(principal="shop", provider="openai", operation="embeddings", capture=Capture.PROXY)


OWN = "providers: [{provider: openai}]\n"  # so that who calls may be known elsewhere


def holds(when: str, facts: Facts, *, denies: bool = False) -> bool:
    policy = loaded(f"{OWN}rules:\n  - {{name: a, when: {{{when}}}, then: {'deny' if denies else 'allow'}, reason: no}}\n")
    return decide(policy, facts).rule == "a"


@pytest.mark.parametrize(
    ("when", "held"),
    [
        ("task: code", True),
        ("task: [code, analysis]", True),
        ("task: [analysis, unknown]", False),
        ("complexity: {below: 0.4}", False),
        ("complexity: {from: 0.4}", True),
        ("complexity: {from: 0, below: 0.41}", True),
        ("needs: tools", True),
        ("needs: [vision, tools]", True),
        ("needs: [tools, audio]", False),
        ("input_tokens: {from: 1000}", True),
        ("input_tokens: {below: 1000}", False),
        ("input_tokens: {from: 1001, below: 32000}", False),
        ("output_tokens: {below: 501}", True),
        ("output_tokens: {from: 501}", False),
        ("stream: true", True),
        ("stream: false", False),
        ("headers: {x-priority: [low, batch*]}", True),
        ("headers: {x-priority: batch}", False),
        ('headers: {x-priority: "*", x-other: "*"}', False),
        ('tags: {project: "apollo*"}', True),
        ('tags: {project: "apollo*", floor: [2, "3"]}', None),
        ('tags: {project: "apollo*", floor: ["2", "3"]}', True),
        ('tags: {project: "apollo*", floor: "2"}', False),
        ('tags: {nothing: "*"}', False),
        ("expr: 'call.model.startsWith(\"gpt-4\") && call.input_tokens < 8000'", True),
        ("expr: 'call.input_tokens < 8'", False),
    ],
)
def test_each_condition(when, held):
    """
    Ranges begin at `from` and end before `below`; of a list one value is enough, but all needs are needed, all headers, and all tags.
    """
    if held is None:
        with pytest.raises(PolicyError):
            holds(when, TEXT)
    else:
        assert holds(when, TEXT) is held


@pytest.mark.parametrize(
    ("when", "facts", "allows", "denies"),
    [
        ("task: unknown", NO_TEXT, False, False),
        ("task: code", replace(TEXT, task=Task.UNKNOWN), False, False),
        ("task: unknown", replace(TEXT, task=Task.UNKNOWN), True, True),
        ("complexity: {from: 0}", NO_TEXT, False, False),
        ("input_tokens: {from: 1}", NO_TEXT, False, False),
        ("input_tokens: {from: 1}", replace(TEXT, input_tokens=None), False, True),
        ("output_tokens: {from: 1}", replace(TEXT, output_tokens=None), False, True),
        ("input_tokens: {from: 1}", replace(NO_TEXT, operation="unknown"), False, True),
        ("needs: tools", NO_TEXT, False, False),
        ("stream: false", NO_TEXT, False, False),
        ('headers: {x: "*"}', NO_TEXT, False, False),
        ("time: {zone: UTC}", NO_TEXT, False, True),
        ("expr: 'call.input_tokens < 10'", NO_TEXT, False, True),
        ("expr: 'call.operation == \"chat\" && call.input_tokens < 10'", NO_TEXT, False, False),
    ],
)
def test_what_cannot_be_told_is_denied_where_it_could_be_what_is_meant(when, facts, allows, denies):
    """
    And never allowed. A call that generates no text is not meant by conditions on text.
    """
    policy = "defaults: {{unknown: allow}}\nrules:\n  - {{name: a, when: {{{}}}, then: {}, reason: no}}\n"
    allowed, denied = (decide(loaded(policy.format(when, then)), facts).rule == "a" for then in ("allow", "deny"))

    assert (allowed, denied) == (allows, denies)


@pytest.mark.parametrize(
    ("hours", "moments"),
    [
        (  # over midnight: the night belongs to the day it begins on
            'days: [mon, fri], from: "20:00", until: "06:00", zone: Europe/Berlin',
            {
                "2026-11-23T19:59:59+01:00": False,
                "2026-11-23T20:00:00+01:00": True,
                "2026-11-24T05:59:59+01:00": True,
                "2026-11-24T06:00:00+01:00": False,
                "2026-11-24T20:00:00+01:00": False,
                "2026-11-23T05:00:00+01:00": False,  # Sunday's night
                "2026-11-28T05:00:00+01:00": True,
                "2026-11-23T19:00:00+00:00": True,  # the same moment, said elsewhere
            },
        ),
        (
            'days: sun, from: "22:00", until: "02:00", zone: UTC',
            {"2026-11-29T23:00Z": True, "2026-11-30T01:59Z": True, "2026-11-23T02:00Z": False},
        ),
        ("days: [sat, sun], zone: America/New_York", {"2026-11-28T04:59Z": False, "2026-11-28T05:00Z": True, "2026-11-30T04:59Z": True}),
        ('from: "09:00", until: "17:00", zone: Asia/Kathmandu', {"2026-11-23T03:14Z": False, "2026-11-23T03:15Z": True}),
        (  # clocks go forward on 29 March 2026 at two, and back on 25 October at three
            'from: "08:00", until: "09:00", zone: Europe/Berlin',
            {"2026-03-28T07:30Z": True, "2026-03-29T06:30Z": True, "2026-03-29T07:30Z": False, "2026-10-25T07:30Z": True},
        ),
        (  # an hour that is skipped is in no day; one that comes twice is in twice
            'from: "02:00", until: "03:00", zone: Europe/Berlin',
            {"2026-03-29T00:59Z": False, "2026-03-29T01:00Z": False, "2026-10-25T00:30Z": True, "2026-10-25T01:30Z": True},
        ),
    ],
)
def test_hours_are_those_of_the_wall(hours, moments):
    """
    Past midnight, past Sunday, in zones with quarters of hours, and through both changes of the clock.
    """
    test = compile_conditions(loaded_when(f"time: {{{hours}}}"), denies=False)[0].test

    assert {moment: test(replace(TEXT, now=datetime.fromisoformat(moment))) for moment in moments} == moments


def loaded_when(when: str) -> When:
    return When.model_validate(load_strict(f"{{{when}}}").value)


@pytest.mark.parametrize(
    ("when", "column", "said"),
    [
        ("task: coding", 28, "input should be 'conversation'"),
        ("task: []", 28, "at least 1"),
        ("complexity: 0.4", 34, "keys and values are expected here"),
        ("complexity: {}", 34, "empty range"),
        ("complexity: {above: 1}", 35, "unknown key 'above'; known here: from, below"),
        ("complexity: {from: 1.5}", 41, "less than or equal to 1"),
        ("complexity: {from: 0.5, below: 0.5}", 34, "nothing is within"),
        ("needs: [tool]", 30, "input should be 'tools'"),
        ("input_tokens: {from: 1.5}", 43, "valid integer"),
        ("input_tokens: {from: -1}", 43, "greater than or equal to 0"),
        ("output_tokens: {below: 0}", 45, "greater than or equal to 1"),
        ("stream: yes", 30, "valid boolean"),
        ('time: {from: "20:00"}', 22, "`zone` is missing"),
        ("time: {zone: Berlin}", 35, "no time zone is called so"),
        ("time: {zone: ../../etc/passwd}", 35, "no time zone is called so"),
        ("time: {zone: Europe}", 35, "no time zone is called so"),
        ("time: {zone: UTC, days: monday}", 46, "input should be 'mon'"),
        ("time: {zone: UTC, from: 8am}", 46, "a time is expected"),
        ('time: {zone: UTC, from: "8:00"}', 46, "a time is expected"),
        ('time: {zone: UTC, from: "24:00", until: "01:00"}', 28, "a day begins at 00:00"),
        ('time: {zone: UTC, from: "08:00", until: "08:00"}', 28, "always or never"),
        ("headers: {X-Priority: low}", 32, "a header name in lower case"),
        ("headers: {x-api-key: low}", 32, "carries credentials"),
        ('headers: {x-priority: "lo?"}', 44, "only * is a wildcard"),
        ("headers: {}", 31, "at least 1"),
        ('tags: {project: [""]}', 39, "a pattern has 1 to"),
        ("expr: 'call.modell == \"x\"'", 28, "did you mean call.model?"),
        ("expr: 'call.model =='", 28, "not an expression in CEL: line 1, column 14 of it"),
    ],
)
def test_slips_in_conditions_have_their_places(when, column, said):
    """
    Line and column of the value, or of the key.
    """
    with pytest.raises(PolicyError) as raised:
        loaded(f"rules:\n  - {{name: a, when: {{{when}}}, then: allow}}\n", known=NAMES)

    assert [(line, at) for _, line, at, text in raised.value.places if said in text] == [(3, column)], raised.value.places


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("task: [code, analysis]", "task: code", True),
        ("task: code", "task: [code, analysis]", False),
        ("task: code", "team: a", False),
        ("needs: tools", "needs: [tools, vision]", True),
        ("needs: [tools, vision]", "needs: tools", False),
        ("complexity: {from: 0.2}", "complexity: {from: 0.3, below: 0.5}", True),
        ("complexity: {from: 0.2, below: 0.5}", "complexity: {from: 0.3}", False),
        ("input_tokens: {below: 100}", "input_tokens: {below: 100}", True),
        ("input_tokens: {below: 100}", "output_tokens: {below: 100}", False),
        ("stream: true", "stream: true", True),
        ("stream: true", "stream: false", False),
        ("tags: {a: 'x*'}", "tags: {a: [xy, 'xz*'], b: c}", True),
        ("tags: {a: 'x*', b: c}", "tags: {a: xy}", False),
        ("headers: {a: '*'}", "headers: {a: low}", True),
        ("headers: {a: '*'}", "tags: {a: low}", False),
        ("time: {zone: UTC}", "time: {zone: UTC, days: mon}", True),
        ("time: {zone: UTC, from: '20:00', until: '06:00'}", "time: {zone: UTC, days: sun, from: '23:00', until: '05:00'}", True),
        ("time: {zone: UTC, days: sun, from: '20:00', until: '06:00'}", "time: {zone: UTC, days: mon, until: '06:00'}", True),
        ("time: {zone: UTC, days: mon}", "time: {zone: UTC, days: [mon, tue]}", False),
        ("time: {zone: UTC}", "time: {zone: Europe/Berlin, days: mon}", False),
        ("expr: 'call.stream'", "{expr: 'call.stream', team: a}", True),
        ("expr: 'call.stream'", "expr: '!call.stream'", False),
        ("expr: 'call.stream'", "expr: 'call.stream && call.stream'", False),
        ("task: code, stream: true", "task: code", False),
        ("task: code", "task: code, stream: true", True),
    ],
)
def test_an_entry_behind_one_that_covers_it_is_dead(wide, narrow, covered):
    """
    Ranges, sets, hours and labels are compared; expressions only by their text.
    """
    text = f"{OWN}rules:\n" + "".join(
        f"  - {{name: {name}, when: {{{when.strip('{}') if when.startswith('{') else when}}}, then: allow}}\n"
        for name, when in (("first", wide), ("second", narrow))
    )
    try:
        loaded(text)
        said = ""
    except PolicyError as error:
        said = error.message

    assert ("rule 'second' can never decide: rule 'first' above matches all it matches" in said) is covered, said
    assert bool(said) is covered


def exchange(**more) -> Exchange:
    return Exchange(
        id="0",
        started_at_us=1_795_469_400_000_000,
        started=0.0,
        client=ClientInfo(ip="10.0.0.1", port=1, capture=Capture.PROXY),
        http=HttpRequest(
            "POST",
            "https",
            "api.openai.com",
            443,
            "/v1/chat/completions",
            ((b"X-Priority", b"low"), (b"Authorization", b"Bearer sk-1"), (b"x-priority", b"b\xe9"), (b"X-Api-Key", b"sk-2")),
            b"",
        ),
        call=Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body"),
        principal=Principal(id="shop", type="listed", tags={"project": "apollo"}),
        prompt=Prompt(body=b"{}", json={}, model="gpt-4o", stream=True),
        **more,
    )


def test_facts_of_what_is_asked_for():
    """
    From the profile, the request and the principal; the time is that of the call's arrival, or the one given.
    """
    profile = Profile(Task.CODE, 0.9, 0.7, frozenset({Need.TOOLS}), 1200, 300, 4000)
    facts = facts_of(exchange(profile=profile))

    assert (facts.task, facts.complexity, facts.needs) == ("code", 0.7, frozenset({"tools"}))
    assert (facts.input_tokens, facts.output_tokens, facts.stream) == (1200, 4000, True)
    assert (facts.tags, facts.now) == ({"project": "apollo"}, datetime(2026, 11, 23, 21, 30, tzinfo=UTC))
    assert facts_of(exchange(), TEXT.now).now == TEXT.now
    assert (facts_of(exchange()).task, facts_of(exchange()).needs) == (None, frozenset())


def test_headers_are_joined_and_credentials_are_none():
    """
    Names in lower case, values of repeated ones in one, and no credential for a condition or an expression to ask about.
    """
    headers = facts_of(exchange()).headers

    assert dict(headers) == {"x-priority": "low, bé"}
    assert headers.get("authorization") is None
    assert "sk-" not in repr(facts_of(exchange()))
    assert SentHeaders(()) == {}


def test_explain_says_which_condition_did_not_hold():
    """
    By name and as written; values of headers and tags stay out.
    """
    policy = loaded(
        OWN
        + """
rules:
  - {name: a, when: {task: analysis}, then: allow}
  - {name: b, when: {complexity: {from: 0.5, below: 1}}, then: allow}
  - {name: c, when: {needs: [tools, audio]}, then: allow}
  - {name: d, when: {headers: {x-priority: low}}, then: allow}
  - {name: e, when: {tags: {project: gemini}}, then: allow}
  - {name: f, when: {time: {days: sun, zone: UTC}}, then: allow}
  - {name: g, when: {expr: '!call.stream'}, then: allow}
  - {name: h, when: {stream: false}, then: allow}
"""
    )
    said = {one.rule: one.why for one in explain(policy, TEXT)}

    assert said["a"] == "task is 'code', not analysis"
    assert said["b"] == "complexity is '0.4', not from 0.5 and below 1"
    assert said["c"] == "needs are tools, vision, not tools and audio"
    assert said["d"] == "headers have no x-priority: low"
    assert said["e"] == "tags have no project: gemini"
    assert said["f"] == "time is '2026-11-23T21:30:00+00:00', not sun from 00:00 until 24:00 in UTC"
    assert said["g"] == "expr is not true: !call.stream"
    assert said["h"] == "stream is 'True', not false"


def test_tags_nobody_has_are_slips():
    """
    As teams are: where principals are listed, and keys of ours are not used.
    """
    principals = "principals:\n  - {id: shop, tags: {project: apollo}, match: {source: 10.0.0.0/8}}\n"
    rule = "rules:\n  - {name: a, when: {tags: {project: '%s'}}, then: allow}\n"

    assert loaded(principals + rule % "ap*").rules
    with pytest.raises(PolicyError, match=r":5:38: 'gem\*' matches the tag 'project' of no listed principal"):
        loaded(principals + rule % "gem*")
