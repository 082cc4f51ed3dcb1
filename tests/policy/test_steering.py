"""
Policies that say where calls go: what loads, and what is refused with which words.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from excise.errors import PolicyError
from excise.policy.compile import Policy
from excise.policy.credential import ApiKey, AwsCredential, GoogleCredential
from excise.policy.deployment import TargetRef
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.policy.terms import Choice

WHOLE = """
version: 1
providers:
- provider: anthropic
  key: env:ANTHROPIC_KEY
- provider: azure-openai
  name: azure-eu
  host: acme.openai.azure.com
  key: file:azure.key
  models: [our-gpt]
- provider: bedrock
  region: eu-central-1
  aws: {access_key: env:AWS_ID, secret_key: env:AWS_SECRET}
- provider: vertex
  region: europe-west1
  project: acme
  google: default
- provider: vllm
  name: local
  url: http://10.0.0.7:8000
  models: [qwen]
aliases:
  fast: anthropic/claude-haiku-4-5
  house: [local/qwen, azure-eu/our-gpt]
routes:
- name: no old gpt
  when: {provider: openai, model: gpt-3.5*}
  to: [anthropic/claude-haiku-4-5]
default: allow
"""
ENVIRON = {"ANTHROPIC_KEY": "a-key-of-theirs", "AWS_ID": "AKIDEXAMPLE", "AWS_SECRET": "secret-of-aws"}


def load(tmp_path: Path, text: str, environ: dict[str, str] = ENVIRON) -> Policy:
    (tmp_path / "azure.key").write_text("an-azure-key\n")
    (tmp_path / "default.yml").write_text(text)
    return load_policy(tmp_path, known=known_names(), environ=environ)


def faults(tmp_path: Path, text: str, environ: dict[str, str] = ENVIRON) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load(tmp_path, text, environ)
    return [fault[3] for fault in raised.value.places]


def test_providers_aliases_and_routes_load(tmp_path: Path) -> None:
    """
    Every entry has its credential by its name, and targets are cut at the first slash.
    """
    policy = load(tmp_path, WHOLE)

    assert policy.deployments["anthropic"].credential == ApiKey("a-key-of-theirs")
    assert policy.deployments["azure-eu"].credential == ApiKey("an-azure-key")
    assert policy.deployments["bedrock"].credential == AwsCredential("eu-central-1", "AKIDEXAMPLE", "secret-of-aws")
    assert policy.deployments["vertex"].credential == GoogleCredential()
    assert policy.deployments["vertex"].values == {"project": "acme", "location": "europe-west1"}
    assert policy.deployments["local"].credential is None
    assert policy.aliases["house"] == Choice.of(TargetRef("local", "qwen"), TargetRef("azure-eu", "our-gpt"))
    assert [entry.name for entry in policy.routes] == ["no old gpt"]


def test_no_key_shows_in_a_repr(tmp_path: Path) -> None:
    """
    A policy that is printed in a traceback gives no credential away.
    """
    shown = repr(load(tmp_path, WHOLE))

    assert not any(secret in shown for secret in ("a-key-of-theirs", "an-azure-key", "AKIDEXAMPLE", "secret-of-aws"))


def test_a_changed_key_is_another_policy_in_force(tmp_path: Path) -> None:
    """
    Keys are referred to, not written: a new one is noticed although the file is the same.
    """
    before = load(tmp_path, WHOLE).referred

    assert load(tmp_path, WHOLE, ENVIRON | {"ANTHROPIC_KEY": "the-next-key"}).id == load(tmp_path, WHOLE).id
    assert load(tmp_path, WHOLE, ENVIRON | {"ANTHROPIC_KEY": "the-next-key"}).referred != before


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("key: env:ANTHROPIC_KEY", "key: sk-ant-in-clear", "secrets are never written here"),
        ("key: env:ANTHROPIC_KEY", "key: env:NOT_SET", "the environment variable NOT_SET is not set"),
        ("provider: anthropic", "provider: antropic", "'antropic' is not in the catalogue"),
        ("host: acme.openai.azure.com", "host: acme.example.com", "no host of azure-openai"),
        ("host: acme.openai.azure.com", "host: https://acme.openai.azure.com", "without scheme and port"),
        ("url: http://10.0.0.7:8000", "url: http://10.0.0.7:8000/v1", "scheme, host and port"),
        ("- provider: anthropic", "- provider: anthropic\n  region: eu", "it does not decide the host of this provider; give `host`"),
        ("  key: env:ANTHROPIC_KEY", "  aws: default", "takes no requests signed for AWS"),
        ("  key: env:ANTHROPIC_KEY", "  google: default", "takes no tokens of Google"),
        ("fast: anthropic/claude-haiku-4-5", "fast: antropic/claude-haiku-4-5", "no entry of `providers`"),
        ("fast: anthropic/claude-haiku-4-5", "fast: anthropic/claude-hiaku-4-5", "no known model"),
        ("fast: anthropic/claude-haiku-4-5", "fast: claude-haiku-4-5", "a target NAME/MODEL is expected"),
        ("to: [anthropic/claude-haiku-4-5]", "to: []", "at least 1"),
        ("  name: local", "  name: azure-eu", "given twice"),
        ("model: gpt-3.5*", "model: gtp-3.5*", "matches no known model"),
        ("  key: env:ANTHROPIC_KEY", "  key: env:ANTHROPIC_KEY\n  google: default", "one of key, aws and google"),
    ],
)
def test_slips_are_told(tmp_path: Path, before: str, after: str, said: str) -> None:
    """
    What nobody knows is a load error that says what is wrong with it.
    """
    assert before in WHOLE

    assert any(said in text for text in faults(tmp_path, WHOLE.replace(before, after, 1)))


def test_a_region_stands_beside_what_decides_the_host(tmp_path: Path) -> None:
    """
    A host, a url, or hosts of the provider that have the region in their names.
    """
    text = WHOLE.replace("  host: acme.openai.azure.com", "  host: acme.openai.azure.com\n  region: westeurope")
    text = text.replace("  url: http://10.0.0.7:8000", "  url: http://10.0.0.7:8000\n  region: cellar")
    policy = load(tmp_path, text.replace("region: europe-west1", "region: global"))

    regions = {name: one.region for name, one in policy.deployments.items() if one.region is not None}
    assert regions == {"azure-eu": "westeurope", "local": "cellar", "bedrock": "eu-central-1", "vertex": "global"}


def test_a_route_that_can_never_decide_is_told(tmp_path: Path) -> None:
    """
    A route behind one that matches all it matches is dead, as a rule would be.
    """
    dead = WHOLE.replace(
        "default: allow", "- name: later\n  when: {provider: openai, model: gpt-3.5-turbo}\n  to: local/qwen\ndefault: allow"
    )

    assert any("can never decide" in text for text in faults(tmp_path, dead))


def test_rules_may_name_teams_that_only_keys_of_ours_have(tmp_path: Path) -> None:
    """
    Where calls come with virtual keys, whose teams stand with the keys, a team no listed principal has is no slip.
    """
    named = WHOLE.replace("default: allow", "rules:\n- {name: a, when: {team: payments}, then: allow}\ndefault: allow")

    assert [rule.decision.rule for rule in load(tmp_path, named).rules] == ["a"]
