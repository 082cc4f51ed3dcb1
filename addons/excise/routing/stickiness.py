"""
Who answered last, what its prompt cache still holds, and dice that fall the same for the same caller.

Both are of one worker and of no consequence but a warm cache: what another worker knows is not known here. The dice need no memory, so
they agree everywhere.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from excise.policy.deployment import TargetRef

CACHE_SECONDS = 300.0
"""
How long providers keep a prompt after its last use: Anthropic 5 minutes, OpenAI 5 to 10 where nobody asks for more; others do not say.
"""
LEAST_CACHED_TOKENS = 1024
"""
Shorter prompts are not cached by OpenAI and most of Anthropic's models.

Source of both: docs.claude.com and developers.openai.com, "Prompt caching", read 2026-11.
"""
LONGEST_MEMORY = 10_000  # sticky keys; some 3 MB
TARGETS_REMEMBERED = 4  # of one key: who leaves a target may come back


@dataclass(frozen=True, slots=True)
class Answered:
    """
    A target that answered, with the tokens of the prompt it read, and when (monotonic seconds).
    """

    target: TargetRef
    input_tokens: int
    at: float


class Remembered:
    """
    Who answered a sticky key last. Bounded: the keys used longest ago are forgotten first.

    Args:
        ttl: Seconds after which an answer is forgotten.
        most: Keys remembered.
    """

    def __init__(self, *, ttl: float = CACHE_SECONDS, most: int = LONGEST_MEMORY) -> None:
        self._ttl = ttl
        self._most = most
        self._answers: OrderedDict[bytes, tuple[Answered, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def answered(self, key: bytes, target: TargetRef, now: float, input_tokens: int) -> None:
        """
        A target has answered a call of this key. An empty key is nobody's.

        Args:
            input_tokens: Of the prompt it read; better, where its usage says so, those it read from a cache or wrote to one: some cache
                only what a client marks.
        """
        if not key:
            return
        others = (one for one in self._answers.get(key, ()) if one.target != target and now - one.at < self._ttl)
        self._answers[key] = (Answered(target, input_tokens, now), *others)[:TARGETS_REMEMBERED]
        self._answers.move_to_end(key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def last(self, key: bytes, now: float) -> TargetRef | None:
        """
        Who answered last; `None`: nobody, or longer ago than a cache lives.
        """
        answers = self._answers.get(key)
        return answers[0].target if answers and now - answers[0].at < self._ttl else None

    def warm_tokens(self, key: bytes, target: TargetRef, now: float) -> int:
        """
        Tokens of this conversation that the target may still hold: what it read last. Calls that share a principal alone share no prompt,
        so ask with a conversation's key.
        """
        for one in self._answers.get(key, ()):
            if one.target == target and now - one.at < self._ttl:
                return one.input_tokens if one.input_tokens >= LEAST_CACHED_TOKENS else 0
        return 0


def dice_of(secret: bytes, key: bytes) -> Callable[[str], float]:
    """
    Dice that fall the same for the same key, wherever the secret is the same: the name of a purpose to [0, 1).

    Keyed, since a caller who knew where its key falls could choose one that falls where it likes.
    """

    def throw(purpose: str) -> float:
        digest = hmac.digest(secret, len(key).to_bytes(4) + key + purpose.encode(), "sha256")
        return (int.from_bytes(digest[:8]) >> 11) / (1 << 53)

    return throw
