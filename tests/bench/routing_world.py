"""
A world to route in: calls with a truth nobody sees, models that solve them or do not, and what a planner would see of both.

Made by a seeded generator, not recorded: there is no public set with task, difficulty, length and the outcome of current models. What is
real: the models, their list prices and their published quality scores, as the catalogue ships them. What is assumed stands below, by name.
The chance that a model solves a call follows item response theory (Rasch, 1960: a logistic in ability less difficulty), on purpose not the
formula the planner scores with; and a model's true ability at a task is not what its score says.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date

from excise.catalog.abilities import Capabilities
from excise.catalog.capability import Capability
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.quality import load_quality
from excise.policy.deployment import TargetRef
from excise.routing.expected import expected_cost
from excise.routing.planning import View
from excise.routing.profile import Profile, Task
from excise.routing.standing import Standing

# Deployment and model; seconds to the first content, tokens per second. The speeds are assumed, of the order vendors and status pages show.
MODELS = {
    TargetRef("anthropic", "claude-opus-5-5"): (2.0, 60.0),
    TargetRef("anthropic", "claude-sonnet-5-5"): (1.5, 80.0),
    TargetRef("openai", "gpt-6.1-terra"): (2.5, 70.0),
    TargetRef("openai", "gpt-6-luna"): (1.5, 120.0),
    TargetRef("gemini", "gemini-3.8-flash"): (0.8, 180.0),
    TargetRef("deepseek", "deepseek-v4-flash"): (1.8, 50.0),
    TargetRef("mistral", "mistral-large-4"): (0.7, 60.0),
    TargetRef("groq", "openai/gpt-oss-120b"): (0.3, 400.0),
}

# Of each task: its share, how hard it is in the middle (0 to 1), median tokens in and out.
TASKS = {
    Task.CONVERSATION: (0.24, 0.25, 600, 250),
    Task.SUMMARISATION: (0.12, 0.30, 5000, 350),
    Task.CODE: (0.22, 0.55, 3000, 700),
    Task.ANALYSIS: (0.12, 0.60, 2500, 800),
    Task.EXTRACTION: (0.12, 0.25, 2000, 200),
    Task.TRANSLATION: (0.08, 0.35, 900, 900),
    Task.AGENTIC: (0.10, 0.65, 9000, 350),
}

# What the planner's eyes are worth.
WRONG_TASKS = 0.15  # of calls, another task is seen
COMPLEXITY_ERROR = 0.18  # standard deviation of what is seen of how hard a call is
INPUT_ERROR, OUTPUT_ERROR = 0.15, 0.5  # of the logarithm of tokens
MIDDLE = 0.6  # the score of who solves half of what is of middling complexity; ten points more are one of ability
ABILITY_ERROR = 0.4  # of a model's true ability at a task, against its published score; 0.04 of the score


@dataclass(frozen=True, slots=True)
class Call:
    """
    What is seen of a call, and by target what would come of it: USD, seconds, whether it is solved.
    """

    seen: Profile
    truth: Profile
    usd: dict[TargetRef, float]
    seconds: dict[TargetRef, float]
    solved: dict[TargetRef, bool]


@dataclass(frozen=True, slots=True)
class World:
    """
    Calls and the models they can go to.
    """

    calls: list[Call]
    capabilities: dict[TargetRef, Capability]
    standings: dict[TargetRef, Standing]
    dated: str  # version of the prices

    def view(self, profile: Profile) -> View:
        """
        All that is seen live: no truth, no outcome.
        """
        return View(
            profile=profile,
            capability=self.capabilities.__getitem__,
            standing=self.standings.__getitem__,
            region=lambda _: None,
            keeps_nothing=lambda _: False,
            warm_tokens=lambda _: 0,
            now=0.0,
            today=date(2026, 11, 23),
            dice=lambda _: 0.0,
        )


def made(count: int, seed: int) -> World:
    """
    As many calls; the same for the same seed.
    """
    dice = random.Random(seed)
    table = Capabilities(Models.load(), Prices.load(), load_quality())
    capabilities = {target: table.of(target.deployment, target.model) for target in MODELS}
    standings = {
        target: Standing(first_byte_seconds=first, tokens_per_second=pace, samples=100.0) for target, (first, pace) in MODELS.items()
    }
    abilities = {
        (target, task): (capability.quality[task] - MIDDLE) * 10 + dice.gauss(0, ABILITY_ERROR)
        for target, capability in capabilities.items()
        for task in TASKS
    }
    calls = [_call(dice, capabilities, abilities) for _ in range(count)]
    versions = sorted({capability.price_version or "" for capability in capabilities.values()})
    return World(calls, capabilities, standings, ", ".join(versions))


def _call(dice: random.Random, capabilities: dict[TargetRef, Capability], abilities: dict[tuple[TargetRef, Task], float]) -> Call:
    task = dice.choices(list(TASKS), [share for share, *_ in TASKS.values()])[0]
    _, middle, usual_input, usual_output = TASKS[task]
    complexity = dice.betavariate(4 * middle, 4 * (1 - middle))
    taken = max(int(usual_input * dice.lognormvariate(0, 0.9)), 20)
    # What is harder takes more words.
    given = max(int(usual_output * (0.5 + complexity) * dice.lognormvariate(0, 0.6)), 5)
    truth = Profile(task=task, confidence=1.0, complexity=complexity, input_tokens=taken, output_tokens=given)
    difficulty = 6.0 * complexity - 3.0 + dice.gauss(0, 0.7)
    solved = {target: dice.random() < 1 / (1 + math.exp(difficulty - abilities[target, task])) for target in capabilities}
    usd = {target: float(expected_cost(capability, truth) or 0) for target, capability in capabilities.items()}
    seconds = {
        target: first * dice.lognormvariate(0, 0.4) + given / (pace * dice.lognormvariate(0, 0.2))
        for target, (first, pace) in MODELS.items()
    }
    return Call(_seen(truth, dice), truth, usd, seconds, solved)


def _seen(truth: Profile, dice: random.Random) -> Profile:
    wrong = dice.random() < WRONG_TASKS
    assert truth.input_tokens is not None and truth.output_tokens is not None
    return Profile(
        task=dice.choice([task for task in TASKS if task is not truth.task]) if wrong else truth.task,
        confidence=dice.betavariate(5, 4) if wrong else dice.betavariate(8, 2),
        complexity=min(max(truth.complexity + dice.gauss(0, COMPLEXITY_ERROR), 0.0), 1.0),
        input_tokens=max(int(truth.input_tokens * dice.lognormvariate(0, INPUT_ERROR)), 1),
        output_tokens=max(int(truth.output_tokens * dice.lognormvariate(0, OUTPUT_ERROR)), 1),
    )
