"""
What the documentation says is what the code does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from excise.cli.planning import planner_of
from excise.policy.choice import FailoverEntry
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.policy.reference import reference
from excise.policy.schema import Defaults, PolicyFile, json_schema
from excise.policy.trial import find_tests, run_tests
from excise.policy.yaml import load_strict
from excise.privacy.detect.scanner import Scanner

POLICIES = Path(__file__).resolve().parents[2] / "policies"
SHIPPED = [POLICIES, *sorted(path for path in (POLICIES / "examples").glob("*.yml") if not path.name.endswith(".test.yml"))]
README = (POLICIES / "README.md").read_text(encoding="utf-8")


def test_the_reference_in_the_readme_is_the_schema():
    """
    Every key, its values, its default and its meaning; write it anew with `reference()` when this fails.
    """
    (written,) = re.findall(r"<!-- reference.*?-->\n\n(.*)\n<!-- end of reference -->", README, re.DOTALL)

    assert written == reference()


def test_everything_is_described():
    """
    No key without a meaning.
    """
    assert not [line for line in reference().splitlines() if re.search(r"\|\s*\|$", line)]


@pytest.mark.parametrize("where", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_loads_and_passes_its_tests(where):
    """
    Against the shipped catalogue, planned as `excise policy test` plans.
    """
    known = known_names()
    policy = load_policy(where, known=known, secrets=False, scanner=Scanner)
    outcomes = [outcome for path in find_tests(where) for outcome in run_tests(policy, path, known=known, planner=planner_of(policy))]

    assert outcomes
    assert not [outcome for outcome in outcomes if outcome.problem]


def test_the_default_policy_writes_out_the_defaults():
    """
    Its comment says so.
    """
    written = load_strict(POLICIES / "default.yml").value

    assert set(written["defaults"]) == set(Defaults.model_fields)
    assert set(written["defaults"]["failover"]) == set(FailoverEntry.model_fields)
    assert Defaults.model_validate(written["defaults"]) == Defaults()


def test_commands_and_files_of_the_readme_exist():
    """
    Links lead somewhere, commands are ours.
    """
    for link in re.findall(r"\]\((\S+)\)", README):
        assert (POLICIES / link).exists(), link
    assert set(re.findall(r"excise policy (\w+)", README)) <= {"check", "test", "explain", "schema", "simulate"}


def test_the_json_schema_is_for_editors():
    """
    It is JSON, closed, names every key, and knows that one value may stand for a list.
    """
    schema = json.loads(json.dumps(json_schema()))

    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == list(PolicyFile.model_fields)
    assert schema["required"] == ["version", "default"]
    assert "from" in schema["$defs"]["Match"]["properties"]
    kinds = schema["$defs"]["When"]["properties"]["model"]["anyOf"][0]["anyOf"]
    assert {kind["type"] for kind in kinds} == {"string", "array"}


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        ("gpt-4o", True),
        ("gpt-4o*", True),
        ("gpt-4o-2024-08-06", True),
        ("gpt-4o-2024*", True),
        ("*opus*", True),
        ("*", True),
        ("gtp-4*", False),
        ("claud-*", False),
        ("*oppus*", False),
    ],
)
def test_models_are_known_by_their_prices(pattern, known):
    """
    Dated names are known by how they begin; typing errors are not.
    """
    assert known_names().model(pattern) is known
