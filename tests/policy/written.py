"""
Policies for tests: short to write, loaded as from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from excise.policy.compile import Policy
from excise.policy.flaw import Known
from excise.policy.load import load_policy
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.scanner import Scanner

NAMES = Known(
    provider={"openai", "anthropic", "gemini"}.__contains__,
    operation={"chat", "messages", "embeddings", "images"}.__contains__,
    model=lambda pattern: pattern.startswith(("gpt-", "claude-", "*opus", "text-", "*")),
)


def loaded(
    text: str,
    *,
    known: Known | None = None,
    environ: dict[str, str] | None = None,
    scanner: Callable[[Sequence[Rule]], Scanner] | None = None,
) -> Policy:
    """
    The policy a text is. `version` and, where missing, `default: allow` are added.
    """
    text = text if "version:" in text else f"version: 1\n{text}"
    text = text if "\ndefault:" in text else f"{text.rstrip()}\ndefault: allow\n"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "default.yml"
        path.write_text(text, encoding="utf-8")
        return load_policy(path, known=known, environ=environ or {}, scanner=scanner)
