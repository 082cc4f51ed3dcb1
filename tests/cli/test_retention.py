import json

import typer
from typer.testing import CliRunner

from excise.catalog.retention import load_retention
from excise.cli import retention

RUN = CliRunner()
APP = typer.Typer()
retention.register(APP)


def test_the_overview_names_every_provider() -> None:
    """
    Those with an entry and those that were looked for in vain.
    """
    shown = RUN.invoke(APP, ["retention"])
    book = load_retention()

    assert shown.exit_code == 0
    for provider in (*book.providers, *book.unread):
        assert provider in shown.output


def test_json_says_the_same_in_full() -> None:
    """
    What is set, forbidden, verified, to be attested, and until when it counts.
    """
    shown = json.loads(RUN.invoke(APP, ["retention", "--json"]).output)
    (openai,) = (entry for entry in shown["providers"] if entry["provider"] == "openai")

    assert len(shown["providers"]) == len(load_retention().providers)
    assert "store: false" in openai["set"]
    assert any(ban["what"] == "previous_response_id" for ban in openai["forbid"])
    assert openai["checked_on"] < openai["expires_on"]
    assert json.loads(RUN.invoke(APP, ["retention", "openai", "--json"]).output)["providers"] == [openai]


def test_one_provider_is_shown_with_its_sources() -> None:
    """
    And one without an entry is an error that says what it means.
    """
    shown, unread, strange = (RUN.invoke(APP, ["retention", name]) for name in ("xai", "zai", "nobody"))

    assert "x-zero-data-retention" in shown.output and "docs.x.ai" in shown.output
    assert (unread.exit_code, strange.exit_code) == (2, 2)
    assert "attested" in unread.output and "attested" in strange.output
