"""
`excise policy` as people and their CI run it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from excise.catalog.models import Models
from excise.cli.policy import register

POLICY = """version: 1
principals:
  - {id: shop, team: pay, match: {proxy_user: shop, key: env:EXCISE_TEST_SHOP_KEY}}
rules:
  - {name: no opus, when: {team: pay, model: "*opus*"}, then: deny, reason: too dear}
default: allow
"""
TESTS = """- name: shop has no opus
  call: {principal: shop, provider: anthropic, operation: messages, model: claude-opus-4-1}
  expect: {deny: too dear}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("EXCISE_POLICIES", raising=False)
    monkeypatch.delenv("EXCISE_PROVIDERS", raising=False)
    monkeypatch.setenv("EXCISE_TEST_SHOP_KEY", "k" * 20)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "policies"
    path.mkdir()
    (path / "default.yml").write_text(POLICY)
    (path / "default.test.yml").write_text(TESTS)
    return path


def run(*arguments: str, code: int = 0) -> str:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    result = CliRunner().invoke(app, ["policy", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_check_says_that_all_is_well(folder):
    """
    By default for ./policies; a directory, a file, and JSON.
    """
    assert run("check").startswith("default@")
    assert "ok, 1 rule, 1 principal\n" in run("check", str(folder / "default.yml"))
    said = json.loads(run("check", str(folder), "--json"))
    assert (said["ok"], said["rules"], said["routes"], said["faults"], said["warnings"]) == (True, 1, 0, [], [])


ROUTES = """version: 1
providers: [{provider: openai}]
aliases: {fast: openai/gpt-6-luna}
routes:
  - {name: a, when: {model: gpt-6-sol}, to: openai/gpt-6-luna}
  - {name: b, to: [openai/gpt-6-luna, openai/gpt-3.5-turbo]}
retention: [{name: c, mode: zero}]
default: deny
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROUTES, "ok, 2 routes, 1 alias, 1 entry of `retention`\n"),
        ("version: 1\ndefault: deny\n", "ok, nothing but `default: deny`\n"),
    ],
)
def test_check_counts_what_there_is(folder, text, said):
    """
    And nothing that is not there.
    """
    (folder / "default.yml").write_text(text)

    assert run("check").endswith(said)


def test_check_warns_of_models_that_are_switched_off(folder, monkeypatch):
    """
    With their place, and no more than that: the policy is right.
    """
    (folder / "default.yml").write_text(ROUTES)
    model = Models.load().find("openai", "gpt-3.5-turbo")
    assert model is not None
    assert model.deprecation_date is not None
    monkeypatch.setattr("excise.cli.planning.today", lambda: model.deprecation_date)

    said = f"gpt-3.5-turbo of entry openai is switched off on {model.deprecation_date}"
    assert f"policies/default.yml:6:39: warning: {said}\n" in run("check")
    (warning,) = json.loads(run("check", "--json"))["warnings"]
    assert (warning["line"], warning["text"]) == (6, said)


def test_check_names_the_place_of_each_fault(folder):
    """
    In the form editors and CI understand, and with exit 1.
    """
    (folder / "default.yml").write_text(POLICY.replace("opus*", "oppus*").replace("default: ", "defaults: {unknwon: block}\ndefault: "))
    lines = run("check", code=1).splitlines()
    assert lines == ["policies/default.yml:6:12: unknown key 'unknwon': did you mean 'unknown'?"]

    (folder / "default.yml").write_text(POLICY.replace("opus*", "oppus*"))
    said = json.loads(run("check", "--json", code=1))
    assert not said["ok"]
    assert (said["faults"][0]["line"], said["faults"][0]["column"]) == (5, 46)
    assert "matches no known model" in said["faults"][0]["text"]


def test_check_looks_for_keys_unless_told_otherwise(folder, monkeypatch):
    """
    CI has no keys.
    """
    monkeypatch.delenv("EXCISE_TEST_SHOP_KEY")

    assert "EXCISE_TEST_SHOP_KEY is not set" in run("check", code=1)
    run("check", "--no-secrets")


def test_check_of_nothing_fails(folder):
    """
    A wrong path is not a valid policy.
    """
    assert "cannot be read" in run("check", "elsewhere", code=1)


def test_schema_is_json():
    """
    For editors.
    """
    assert json.loads(run("schema"))["title"] == "Excise policy"


def test_explain_says_decision_and_why(folder):
    """
    A listed principal brings its team; properties can be given without one.
    """
    said = run("explain", "--provider", "anthropic", "--operation", "messages", "--model", "claude-opus-4-1", "--principal", "shop")
    assert said.splitlines()[0].startswith("deny by no opus of default@")
    assert said.splitlines()[0].endswith(": too dear")
    assert "* no opus: all conditions hold" in said

    said = json.loads(run("explain", "--provider", "openai", "--model", "GPT-4o", "--team", "x", "--source", "10.0.0.1", "--json"))
    assert (said["allow"], said["rule"]) == (True, "default")
    assert (said["facts"]["model"], said["facts"]["team"], said["facts"]["source"]) == ("gpt-4o", "x", "10.0.0.1")
    assert [one["rule"] for one in said["rules"] if one["matched"]] == ["default"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--provider", "opnai"],
        ["--provider", "openai", "--operation", "chatt"],
        ["--provider", "openai", "--principal", "nobody"],
        ["--provider", "openai", "--source", "here"],
        ["--provider", "openai", "--capture", "somehow"],
    ],
)
def test_explain_of_what_cannot_be_is_a_usage_error(folder, arguments):
    """
    A typing error must not be explained as if it were a call.
    """
    run("explain", *arguments, code=2)


def test_test_runs_what_stands_beside(folder):
    """
    Exit 1 for a failing test, for a broken file, and where there are none: a green run proves that something ran.
    """
    assert "1 passed, 0 failed" in run("test")
    assert json.loads(run("test", "--json"))["tests"][0]["ok"]

    (folder / "default.test.yml").write_text(TESTS.replace("too dear", "forbidden"))
    said = run("test", code=1)
    assert said.startswith("policies/default.test.yml:1: shop has no opus: expected a reason with 'forbidden'")
    assert "0 passed, 1 failed" in said
    assert not json.loads(run("test", "--json", code=1))["ok"]

    (folder / "default.test.yml").write_text("nonsense")
    assert "policies/default.test.yml:1:1: a list of tests" in run("test", code=1)

    (folder / "default.test.yml").unlink()
    assert "there are no tests" in run("test", code=1)


def test_the_policies_variable_is_heeded(folder, tmp_path, monkeypatch):
    """
    As by `excise up`.
    """
    folder.rename(tmp_path / "other")
    monkeypatch.setenv("EXCISE_POLICIES", str(tmp_path / "other"))

    run("check")
    run("test")
    run("explain", "--provider", "openai")


def test_shipped_policies_pass_the_commands(monkeypatch):
    """
    From the top of the repository, as the README says.
    """
    monkeypatch.delenv("EXCISE_POLICIES", raising=False)
    monkeypatch.chdir(Path(__file__).resolve().parents[2])

    run("check")
    run("test")


@pytest.mark.parametrize("command", ["check", "test"])
def test_the_policy_is_named_as_up_names_it(folder, command):
    """
    `--policies DIR` is understood too, so that one option does for all commands.
    """
    folder.rename(folder.with_name("elsewhere"))

    assert run(command, "--policies", str(folder.with_name("elsewhere"))).startswith("default@")
