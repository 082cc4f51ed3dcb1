"""
What a call asks for: its task, its size, what the model must be able to do.
"""

from __future__ import annotations

from functools import partial

from excise.errors import BadRequest
from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.routing.profile import Profile
from excise.routing.profiling import profile_of
from excise.routing.profiling.classifier import Classifier
from excise.routing.targets import GENERATES
from excise.stages.off_loop import run
from excise.stages.route import TRANSLATED_INLINE_BYTES, envelope_of
from excise.wire.dialects.registry import dialect_of
from excise.wire.estimate import estimate_input_tokens


class Profiling(Stage):
    """
    Read a call that generates text in the neutral form, and profile it. Never refuses: what cannot be read has an empty profile.

    Args:
        classifier: Asked for the task where the rules are unsure; `None`: the rules alone.
    """

    def __init__(self, classifier: Classifier | None = None) -> None:
        self._classifier = classifier

    async def on_request(self, exchange: Exchange) -> None:
        call, prompt = exchange.call, exchange.prompt
        assert call is not None and prompt is not None
        exchange.original = prompt
        if call.operation in GENERATES and isinstance(prompt.json, dict):
            await run(partial(_profile, exchange, self._classifier), long=len(prompt.body) > TRANSLATED_INLINE_BYTES)


def _profile(exchange: Exchange, classifier: Classifier | None) -> None:
    call, prompt = exchange.call, exchange.prompt
    assert call is not None and prompt is not None
    exchange.profile = Profile()
    dialect = dialect_of(call.provider, call.dialect)
    if dialect is None:
        return
    try:
        exchange.request = dialect.decode_request(prompt.json, envelope_of(exchange.http, prompt, call.model, call.dialect))
    except BadRequest:
        return  # the provider will say so, or whoever translates it
    tokens = estimate_input_tokens(prompt, call.model or prompt.model)
    exchange.profile = profile_of(exchange.request, input_tokens=tokens, classifier=classifier)
