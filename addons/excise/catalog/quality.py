"""
How well a model does which work: scores of quality.yml, with an operator's own before them.

    quality = load_quality(overlay)
    quality.of("claude-opus-4-5-20251101").scores["code"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from excise.catalog.places import Places

SHIPPED = Path(__file__).with_name("quality.yml")

# As many answers are kept; a fleet uses some hundred models.
REMEMBERED = 4096

Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Glob = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S+$")]

# Regions and publishers before a name: `us.anthropic.`, `zai.`, `databricks-`.
_BEFORE = re.compile(
    r"^(?:(?:us-gov|us|eu|apac|ap|jp|au|ca|sa|me|af|in|global)\.)?"
    r"(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|openai|qwen|xai|zai)\.|^databricks-"
)
_POINT = re.compile(r"(?<=\d)p(?=\d)")  # Fireworks: `deepseek-v3p1`


class Scores(BaseModel):
    """
    Between 0 and 1; `None`: nobody says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    general: Score | None = None
    conversation: Score | None = None
    summarisation: Score | None = None
    code: Score | None = None
    analysis: Score | None = None
    extraction: Score | None = None
    translation: Score | None = None
    agentic: Score | None = None

    @model_validator(mode="after")
    def _some(self) -> Scores:
        if not self.given():
            raise ValueError("no score is given")
        return self

    def given(self) -> dict[str, float]:
        """
        Those that are said.
        """
        return {task: score for task, score in self if score is not None}


TASKS = tuple(Scores.model_fields)


class FamilySpec(BaseModel):
    """
    Models that are judged as one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: Annotated[list[Glob], Field(min_length=1)]
    scores: Scores
    source: Annotated[str, Field(min_length=1, max_length=300)]
    date: date

    def fits(self, name: str) -> bool:
        """
        Whether it speaks of this model, by its bare name.
        """
        return any(fnmatchcase(name, glob.lower()) for glob in self.models)


class QualityFile(BaseModel):
    """
    A whole file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[int, Field(ge=1, le=1)] = 1
    without: list[Glob] = []
    families: list[FamilySpec] = []

    def find(self, name: str) -> FamilySpec | None:
        """
        The first family that fits.
        """
        return next((family for family in self.families if family.fits(name)), None)

    def excludes(self, name: str) -> bool:
        """
        Whether the file says that the model has no score.
        """
        return any(fnmatchcase(name, glob.lower()) for glob in self.without)


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What is known of one model.

    Attributes:
        scores: By task; every task where there is a `general` score, which stands for those that have none of their own.
        source: Where they come from, with dates.
        dated: The oldest of those dates.
        placed: Somebody's placing rather than a figure that was published.
    """

    scores: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    source: str | None = None
    dated: date | None = None
    placed: bool = False


UNJUDGED = Judgement()


class Quality:
    """
    Scores by model. The files in order: the first one's word comes first.
    """

    def __init__(self, files: tuple[QualityFile, ...]) -> None:
        self._files = files
        self._known: dict[str, Judgement] = {}

    def of(self, model: str) -> Judgement:
        """
        The scores of a model, by any name it goes by at any provider.

        A family without `general` is completed from the next file that knows the model: an operator may correct one task alone.
        """
        known = self._known.get(model)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[model] = self._judge(bare_name(model))
        return known

    def _judge(self, name: str) -> Judgement:
        scores: dict[str, float] = {}
        used: list[FamilySpec] = []
        for file in self._files:
            if "general" in scores or file.excludes(name):
                break
            family = file.find(name)
            if family is not None:
                scores = family.scores.given() | scores
                used.append(family)
        if not scores:
            return UNJUDGED
        general = scores.get("general")
        whole = {task: score for task in TASKS if (score := scores.get(task, general)) is not None}
        return Judgement(
            MappingProxyType(whole),
            source="; ".join(f"{family.source} ({family.date.isoformat()})" for family in used),
            dated=min(family.date for family in used),
            placed=any(family.source.startswith("placed ") for family in used),
        )


def bare_name(model: str) -> str:
    """
    A model's own name in lower case: without publisher, region and path; Claude's versions with hyphens, as Anthropic writes them.
    """
    name = _POINT.sub(".", _BEFORE.sub("", model.lower().rpartition("/")[2]))
    return name.replace(".", "-") if name.startswith("claude") else name


def load_quality(overlay: Path | None = None) -> Quality:
    """
    The shipped scores, with an operator's file before them.

    Raises:
        SettingsError: The file is not right; one line for each fault, with file, line and column.
    """
    if overlay is None:
        return Quality((_shipped(),))
    return Quality((Places(overlay).check(QualityFile), _shipped()))


@cache
def _shipped() -> QualityFile:
    # As in load.py: libyaml is ten times faster, and a test checks the file against the strict reader.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with SHIPPED.open("rb") as file:
        return QualityFile.model_validate(yaml.load(file, Loader=loader))  # noqa: S506 -- a safe loader, and our own file
