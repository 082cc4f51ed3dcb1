"""
The dated data on what providers keep, and its loader.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from excise.catalog.load import read
from excise.catalog.places import Places
from excise.catalog.retention import SHIPPED, RetentionFile, RetentionSpec, load_retention
from excise.errors import SettingsError

PROVIDERS, FAMILIES, _ = read(None)
FILE = Places(SHIPPED).check(RetentionFile)
BOOK = load_retention()
ENTRIES = [pytest.param(id_, entry, id=id_) for id_, entry in BOOK.providers.items()]

OURS = """
groups:
  none-of-it:
    forbid:
    - {operations: [chat], why: we do not trust it}
providers:
- id: openai
  default: {says: Ours.}
  unattested: refuse
  attest: it is so
  covers: [chat]
  use: [none-of-it, openai-state]
  checked_on: '2026-01-01'
  expires_on: '2026-02-01'
  source: [not read at the source]
"""


def operations(provider: str) -> set[str]:
    """
    What the catalogue knows of a provider.
    """
    known = PROVIDERS[provider]
    shared = [operation for endpoint in known.endpoints for operation in FAMILIES[endpoint.family].pick(endpoint.ops)]
    return {operation.op for operation in (*known.operations, *shared)}


def written(folder: Path, text: str) -> Path:
    """
    An overlay.
    """
    file = folder / "retention.yml"
    file.write_text(text)
    return file


def test_the_shipped_file_passes_the_strict_reader() -> None:
    """
    The file the fast reader loads has no double keys and no aliases, and means the same to the strict one.
    """
    assert {id_: entry for entry in FILE.providers for id_ in (entry.id, *entry.also)} == dict(BOOK.providers)
    assert FILE.groups == dict(BOOK.groups)
    assert len(BOOK.providers) == sum(1 + len(entry.also) for entry in FILE.providers)


@pytest.mark.parametrize(("provider", "entry"), ENTRIES)
def test_an_entry_speaks_of_what_the_catalogue_knows(provider: str, entry: RetentionSpec) -> None:
    """
    Its provider is in the catalogue, and every operation it names is one of his, or of those he shares the entry with.
    """
    shared = set().union(*(operations(id_) for id_ in (entry.id, *entry.also)))
    named = {*entry.covers, *(name for rule in (*entry.set, *entry.forbid) for name in rule.operations)}

    assert provider in PROVIDERS
    assert named <= shared
    assert not set(entry.covers) & {name for rule in entry.forbid if not rule.json_ and not rule.tools for name in rule.operations}


@pytest.mark.parametrize(("provider", "entry"), ENTRIES)
def test_an_entry_is_dated_and_gets_old(provider: str, entry: RetentionSpec) -> None:
    """
    It was valid on the day it was checked, and for no longer than half a year; what was not read at the source, and is no server of
    one's own, for no longer than three months.
    """
    second_hand = "not read at the source" in entry.source and not PROVIDERS[entry.id].self_hosted and entry.id != "ollama"

    assert timedelta(0) < entry.expires_on - entry.checked_on <= timedelta(days=91 if second_hand else 181)


@pytest.mark.parametrize(("provider", "entry"), ENTRIES)
def test_who_is_refused_without_a_word_can_say_it_or_never(provider: str, entry: RetentionSpec) -> None:
    """
    A promise needs no attestation to count; who may be used only on the operator's word says which, but for who trains whatever one says.
    """
    if entry.unattested == "refuse" and provider != "deepseek":
        assert entry.attest
    if provider == "deepseek":
        assert entry.attest is None


def test_every_group_is_used_and_every_unread_provider_is_known() -> None:
    """
    Nothing in the file is dead.
    """
    used = {name for entry in (*FILE.providers, BOOK.unlisted) for name in entry.use}

    assert used == set(FILE.groups)
    assert set(FILE.unread) <= set(PROVIDERS) - set(BOOK.providers)


def test_an_overlay_replaces_an_entry(tmp_path: Path) -> None:
    """
    As a whole; the others stay, and it may use shipped groups and its own.
    """
    book = load_retention(written(tmp_path, OURS))

    assert book.providers["openai"].default.says == "Ours."
    assert book.providers["openai"].set == []
    assert book.providers["anthropic"] is BOOK.providers["anthropic"]
    assert {"none-of-it", "openai-state"} <= set(book.groups)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("use: [none-of-it, openai-state]", "use: [nothing]"), "12:9: there is no group `nothing`"),
        (("unattested: refuse", "unattested: maybe"), "9:3: "),
        (("attest: it is so", "attested: it is so"), "10:3: "),
        (("expires_on: '2026-02-01'", "expires_on: '2025-02-01'"), "expires_on must come after checked_on"),
        (("[not read at the source]", "[hearsay]"), "source"),
        (("{operations: [chat], why: we do not trust it}", "{why: we do not trust it}"), "say what is forbidden"),
        (("  covers: [chat]", "  covers: [chat]\n  set: [{json: a, header: b, value: c}]"), "give one of json, header, query"),
        (("  covers: [chat]", "  covers: [chat]\n  set: [{json: 'a[*].b', value: c}]"), "pattern"),
        (("  covers: [chat]", "  covers: [chat]\n  set: [{header: b, append: c}]"), "a header or query is set to a text"),
        (("  covers: [chat]", "  covers: [chat]\n  set: [{json: a, value: c, remove: true}]"), "give one of value"),
        (("  covers: [chat]", "  covers: [chat]\n  verify: [{header: x-a}]"), "give expected or asked"),
        (("  source:", "- id: openai\n  source:"), "twice"),
    ],
)
def test_what_is_wrong_with_an_overlay_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    """
    Unknown keys, words and rules that mean nothing are errors with file, line and column.
    """
    text = OURS.replace(*change)
    if "twice" in says:
        text = OURS + OURS.partition("providers:\n")[2]

    with pytest.raises(SettingsError) as wrong:
        load_retention(written(tmp_path, text))

    assert str(tmp_path / "retention.yml") in wrong.value.message
    assert says in wrong.value.message
