"""
What the documents say can be typed in: commands and options exist, queries run, policies load, links lead somewhere.
"""

from __future__ import annotations

import os
import re
import shlex
from functools import cache
from pathlib import Path

import duckdb
import pytest
import typer.core
import typer.main

from excise.cli.application import COMMANDS, build
from excise.clients.formats import Format
from excise.ledger.schema import TABLES
from excise.ledger.views import QUESTIONS, question_views
from excise.policy.load import load_policy
from excise.supervise.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "certs/README.md", "policies/README.md")]
README = DOCUMENTS[0].read_text()
COMMAND = re.compile(r"(?:(?:^|[`( ]|\.venv/bin/)excise|scripts/up(?= +-)) ([a-z-][^\n`)|>#]*)", re.MULTILINE)


@cache
def application() -> typer.core.TyperGroup:
    return typer.main.get_command(build())


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def written_as_code(text: str) -> str:
    """
    Indented lines, fenced blocks and what stands in backticks.
    """
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^    .*$", rest, re.MULTILINE)
    return "\n".join([*fenced, *indented, *(f"`{code}`" for code in re.findall(r"`([^`\n]+)`", rest))])


def commands_in(text: str) -> list[str]:
    return sorted({found.strip() for found in COMMAND.findall(written_as_code(text))})


CASES = [(path.relative_to(ROOT).as_posix(), command) for path in DOCUMENTS for command in commands_in(path.read_text())]


def test_the_documents_name_commands():
    """
    The pattern that finds them still does.
    """
    assert len(CASES) > 20


@pytest.mark.parametrize(("document", "command"), CASES)
def test_commands_and_options_exist(document, command):
    """
    Every `excise …` in a document names a command, and options that command has.
    """
    words = shlex.split(command.partition(" -- ")[0].replace("…", ""))
    here = application()
    while words and not words[0].startswith("-") and hasattr(here, "commands"):
        assert words[0] in here.commands, f"{document}: excise {command}"
        here = here.commands[words.pop(0)]
    known = {option for parameter in here.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "--version"}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{document}: excise {command}"


def test_every_command_is_in_the_readme_or_the_changelog():
    """
    What is not written down is not found.
    """
    text = README + DOCUMENTS[1].read_text()

    assert [name for name in COMMANDS if not re.search(rf"excise {name}\b|`{name}`", text)] == []


def test_options_named_alone_are_those_of_up():
    """
    `--listen HOST:PORT` in a sentence is an option of `excise up`, or of the command named beside it.
    """
    parameters = application().commands["up"].params
    known = {option for parameter in parameters for option in parameter.opts}
    running = README.partition("## Running it")[2]

    assert [option for option in re.findall(r"`(--[a-z-]+)", running) if option not in known] == []


def test_variables_are_settings():
    """
    `EXCISE_LISTEN` and its like are read by somebody.
    """
    known = {f"EXCISE_{name.upper()}" for name in Settings.model_fields}

    assert {name for name in re.findall(r"EXCISE_[A-Z_]+", README) if name not in known} == set()


def test_formats_are_all_named():
    """
    Each format of `excise env` is in the table of ways in, but for the default and that of programs.
    """
    assert {name for name in Format if name not in ("sh", "json")} == set(re.findall(r"--format ([a-z]+)", README))


def test_queries_run():
    """
    The queries of the README run on a ledger as it is published.
    """
    (text,) = blocks(README, "sql")
    database = duckdb.connect()
    database.execute("ATTACH ':memory:' AS live")
    for table, columns in TABLES.items():
        database.execute(f"CREATE TABLE {table} ({', '.join(f'{column.name} {column.type}' for column in columns)})")
    for view in question_views():
        database.execute(view)

    statements = duckdb.extract_statements(text) + [
        part for query in re.findall(r'excise sql "([^"]+)"', README) for part in duckdb.extract_statements(query)
    ]
    assert len(statements) >= 5
    for statement in statements:
        database.execute(statement).fetchall()
    database.close()
    assert all(name in QUESTIONS for name in re.findall(r"^FROM (\w+);", text, re.MULTILINE))


def test_the_policy_loads(tmp_path):
    """
    The policies of the README can be copied as they stand.
    """
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/shop").write_text("0123456789abcdef" * 4)
    policies = []
    for text in blocks(README, "yaml"):
        (tmp_path / "default.yml").write_text(text)
        policies.append(load_policy(tmp_path, environ={"ANTHROPIC_API_KEY": "of-theirs"}))

    said = [(len(policy.rules), len(policy.routes), len(policy.protections), len(policy.retention)) for policy in policies]
    assert said == [(1, 0, 0, 0), (0, 1, 0, 0), (0, 2, 0, 0), (0, 0, 1, 1)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_and_scripts_lead_somewhere(path):
    """
    Relative links, and scripts named in code, are files of the repository; scripts can be run.
    """
    text = path.read_text()
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert (path.parent / link).exists(), link
    for script in set(re.findall(r"scripts/[a-z]+\b(?!\.)", written_as_code(text))):
        assert os.access(ROOT / script, os.X_OK), script
