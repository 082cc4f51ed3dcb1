import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from excise.cli import models
from excise.cli.application import build

RUN = CliRunner()
APP = build("models")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no policy


def _listed(*arguments: str) -> list[dict[str, Any]]:
    done = RUN.invoke(APP, ["models", "--json", *arguments])
    assert done.exit_code == 0, done.output
    rows: list[dict[str, Any]] = json.loads(done.output)["models"]
    return rows


def test_the_main_providers_are_listed_best_first() -> None:
    """
    Without a policy; models only that write text.
    """
    rows = _listed("--task", "code")
    scores = [row["quality"] or 0 for row in rows]

    assert {row["provider"] for row in rows} == set(models.MAIN)
    assert scores == sorted(scores, reverse=True)
    assert all(row["quality"] == row["scores"].get("code") for row in rows)
    assert "text-embedding-3-small" not in {row["model"] for row in rows}


def test_a_row_says_what_routing_knows() -> None:
    """
    Limits, abilities, prices, quality and where it comes from, and until when.
    """
    (row,) = (row for row in _listed("--provider", "openai") if row["model"] == "gpt-4.1")

    assert (row["context_tokens"], row["output_tokens"]) == (1_047_576, 32_768)
    assert {"tools", "vision", "json_schema", "caching"} <= set(row["abilities"]) and "reasoning" not in row["abilities"]
    assert (row["input_usd_per_mtok"], row["output_usd_per_mtok"]) == ("2", "8") and row["price_version"]
    assert 0 < row["quality"] < 1 and "(20" in row["quality_source"]


def test_each_filter_leaves_out_what_does_not_fit() -> None:
    """
    And what nobody knows to fit.
    """
    limits = ("--min-context", "200000", "--max-input-price", "3", "--max-output-price", "15", "--min-quality", "0.6")
    rows = _listed("--needs", "tools,vision", *limits)

    assert len(rows) > 5
    for row in rows:
        assert {"tools", "vision"} <= set(row["abilities"]) and row["context_tokens"] >= 200_000 and row["quality"] >= 0.6
        assert Decimal(row["input_usd_per_mtok"]) <= 3 and Decimal(row["output_usd_per_mtok"]) <= 15
    for filters in (("--min-context", "900000"), ("--max-input-price", "0.2"), ("--min-quality", "0.8"), ("--needs", "audio")):
        assert 0 < len(_listed(*filters)) < len(_listed()), filters


def test_the_cheapest_can_stand_first() -> None:
    """
    What has no price stands last.
    """
    prices = [
        (Decimal(row["input_usd_per_mtok"] or 0) * 3 + Decimal(row["output_usd_per_mtok"] or 0))
        if row["input_usd_per_mtok"] or row["output_usd_per_mtok"]
        else Decimal("Infinity")
        for row in _listed("--sort", "price")
    ]

    assert prices == sorted(prices) and prices[0] < 1


POLICY = """\
version: 1
providers:
- {provider: groq, key: env:GROQ_KEY}
- {provider: vllm, name: local, url: "http://10.0.0.1:8000", models: [acme-large]}
default: allow
"""


def test_a_policy_decides_whose_models_are_shown(tmp_path: Path) -> None:
    """
    Its providers, and the models it names that no table has; --all shows everything there is.
    """
    (tmp_path / "policy.yml").write_text(POLICY)
    quality = tmp_path / "quality.yml"
    quality.write_text("families:\n- {models: [acme-*], scores: {general: 0.5}, source: our own, date: 2026-10-01}\n")
    named = _listed("--policies", str(tmp_path / "policy.yml"), "--quality", str(quality))
    whole = _listed("--policies", str(tmp_path / "policy.yml"), "--all", "--max-input-price", "0")

    assert {row["provider"] for row in named} == {"groq", "vllm"}
    assert [row["quality_source"] for row in named if row["model"] == "acme-large"] == ["our own (2026-10-01)"]
    assert len({row["provider"] for row in whole}) > 10


def test_the_table_marks_what_is_no_measurement() -> None:
    """
    For people; a figure of our own placing has a tilde.
    """
    done = RUN.invoke(APP, ["models", "--provider", "openai", "--task", "agentic"])

    assert done.exit_code == 0
    assert "agentic" in done.output and "gpt-4o-mini" in done.output and "128k" in done.output and "~0." in done.output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--task", "poetry"), "summarisation"), (("--needs", "magic"), "json_schema"), (("--provider", "nobody"), "nobody")],
)
def test_a_word_that_is_none_is_an_error_that_names_the_right_ones(arguments: tuple[str, ...], word: str) -> None:
    """
    Exit 2, as for any wrong option.
    """
    done = RUN.invoke(APP, ["models", *arguments])

    assert done.exit_code == 2 and word in done.output
