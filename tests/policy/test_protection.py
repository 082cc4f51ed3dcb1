"""
`redact`, `detect` and `retention` in a policy: what is refused when it is written, and which entry decides.
"""

from __future__ import annotations

import pytest

from excise.errors import PolicyError
from excise.exchange import Capture
from excise.policy.decide import Facts
from excise.policy.store import PolicyStore
from excise.privacy.detect.scanner import Scanner
from excise.privacy.profiles import Action
from policy.written import NAMES, loaded

CALL = Facts(principal="anonymous", provider="openai", operation="chat", capture=Capture.PROXY, model="gpt-5")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("redact: [{name: a, profile: everything}]", "one or more of secrets, pii"),
        ("redact: [{name: a, profile: []}]", "name at least one profile"),
        ("redact: [{name: a, profile: [pii, off]}]", "off alone"),
        ("redact: [{name: a, profile: off, answers: mask}]", "profile off looks for nothing"),
        ("redact: [{name: a, profile: pii, actions: {EMIAL: mask}}]", "no such entity"),
        ("redact: [{name: a, profile: pii, actions: {EMAIL: burn}}]", "one of pseudonymise, mask"),
        ("redact: [{name: a, profile: pii, answers: pseudonymise}]", "'report-only', 'mask' or 'block'"),
        ("redact: [{name: a, profile: pii}, {name: b, profile: secrets}]", "can never decide"),
        ("redact: [{name: a, profile: pii, when: {provider: openai}}, {name: a, profile: secrets}]", "given twice"),
        ("redact: [{name: a, profile: pii, when: {provider: opnai}}]", "not in the catalogue"),
        ("redact: [{name: a, profile: pii, when: {team: ghosts}}]", "matches the team of no listed principal"),
        ("detect: {patterns: [{name: a, pattern: '(?<=x)y'}]}", "not an expression RE2 can run"),
        ("detect: {patterns: [{name: a, pattern: 'x*'}]}", "matches the empty text"),
        ("detect: {patterns: [{name: A b, pattern: 'x'}]}", "lower-case letters"),
        ("detect: {dictionaries: [{name: a, values: 'file:nowhere.txt'}]}", "nowhere.txt"),
        ("detect: {dictionaries: [{name: a, values: 'env:OWN_SECRET_NOT_SET'}]}", "is not set"),
        ("detect: {dictionaries: [{name: a, values: 'hunter2'}]}", "secrets are never written here"),
        ("retention: [{name: a, mode: none}]", "'zero' or 'default'"),
        ("retention: [{name: a, mode: default, verify: require}]", "mode default asks nothing"),
        ("retention: [{name: a, mode: zero, attested: [opnai]}]", "not in the catalogue"),
        ("retention: [{name: a, mode: zero}, {name: b, mode: default, when: {model: gpt-5}}]", "can never decide"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, says: str) -> None:
    """
    Nothing of a protection is guessed: names, kinds, actions and expressions are right, or the policy does not load.
    """
    with pytest.raises(PolicyError) as caught:
        loaded(text, known=NAMES)

    (fault,) = caught.value.places
    assert fault[1] == 2, "its line"
    assert says in fault[3]


def test_the_first_entry_that_matches_decides() -> None:
    """
    In order; `off` is an answer too; where none matches, nothing is scanned.
    """
    policy = loaded(
        "redact:\n  - {name: own, when: {provider: gemini}, profile: off}\n"
        "  - {name: health, when: {model: 'gpt-*'}, profile: [hipaa, secrets], actions: {EMAIL: mask, CUSTOM: block}, scope: tenant}\n"
    )
    health = policy.protection(CALL)

    assert health is not None
    assert health.name == "health"
    assert health.wide_scope
    assert health.blocks_binary, "hipaa does"
    assert health.action("EMAIL") is Action.MASK
    assert health.action("CUSTOM") is Action.BLOCK
    assert health.action("API_KEY") is Action.PSEUDONYMISE
    assert policy.protection(Facts("anonymous", "gemini", "chat", Capture.PROXY, model="gemini-pro")) is None
    assert policy.protection(Facts("anonymous", "openai", "chat", Capture.PROXY, model="other")) is None


def test_a_call_that_names_no_model_is_protected() -> None:
    """
    It cannot be shown not to be meant; and for the same reason `off` for a model does not cover it.
    """
    policy = loaded(
        "redact:\n  - {name: free, when: {model: 'gpt-4*'}, profile: off}\n  - {name: careful, when: {model: 'gpt-5*'}, profile: pii}\n"
    )
    unnamed = policy.protection(Facts("anonymous", "openai", "responses", Capture.PROXY, model=None))

    assert unnamed is not None
    assert unnamed.name == "careful"


def test_a_retention_entry_covers_a_call_without_a_model() -> None:
    """
    Asking a provider for too much leaks nothing.
    """
    policy = loaded("retention:\n  - {name: zero, when: {model: 'gpt-5*'}, mode: zero}\n")
    found = policy.retained(Facts("anonymous", "openai", "responses", Capture.PROXY, model=None))

    assert found is not None
    assert found.name == "zero"


def test_profiles_are_looked_for_only_where_they_are_wanted() -> None:
    """
    A scanner holds the detectors of its profile and the operator's own of those kinds, and no others.
    """
    made: list[Scanner] = []

    def scanner(rules):  # type: ignore[no-untyped-def]
        made.append(Scanner(rules))
        return made[-1]

    text = (
        "redact:\n  - {name: a, profile: secrets, when: {provider: openai}}\n  - {name: b, profile: pci}\n"
        "detect:\n  patterns:\n    - {name: badge, pattern: 'B-[0-9]{6}'}\n"
        "    - {name: vault-id, pattern: 'V-[0-9]{6}', entity: OWN_SECRET}\n"
    )
    policy = loaded(text, scanner=scanner)
    policy.warm()

    secrets, pci = made
    assert "vault-id" in {rule.name for rule in secrets.rules}
    assert "badge" not in {rule.name for rule in secrets.rules}
    assert all({"CARD", "IBAN", "BANK_ACCOUNT"}.intersection(rule.entities) for rule in pci.rules)


def test_a_dictionary_finds_its_values_and_reloads_with_its_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """
    What stands in the file is found; after a change of the file alone, so is what stands in it now.
    """
    (tmp_path / "default.yml").write_text(
        "version: 1\nredact: [{name: a, profile: secrets}]\n"
        "detect: {dictionaries: [{name: own, values: 'file:own.env', format: env}]}\ndefault: allow\n"
    )
    own = tmp_path / "own.env"
    own.write_text("# ours\nexport DB='tr0ub4dor-and-3'\nSHORT=abc\n")
    store = PolicyStore(tmp_path, scanner=Scanner)
    first = store.current

    def found(text: str) -> list[str]:
        protection = store.current.protection(CALL)
        assert protection is not None
        return [text[one.start : one.end] for one in protection.scanner().scan(text) if one.detector == "own"]

    assert found("say tr0ub4dor-and-3, or abc") == ["tr0ub4dor-and-3"]
    own.write_text("DB=correct-horse-battery\n")
    store.poll()
    store.poll()

    assert store.current is not first
    assert found("say tr0ub4dor-and-3, or correct-horse-battery.") == ["correct-horse-battery"]
    assert "correct-horse" not in repr(store.current)
