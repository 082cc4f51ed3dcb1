"""
Whom a call may be sent to, in which order, and why: decided before anything of it leaves.
"""

from __future__ import annotations

import random
from dataclasses import replace

from excise.errors import BadRequest
from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.policy.compile import Policy
from excise.policy.deployment import TargetRef
from excise.policy.store import PolicyStore
from excise.routing.course import Course
from excise.routing.plan import Plan
from excise.routing.planning import planned
from excise.stages.outlook import Outlook
from excise.stages.wanted import wanted
from excise.wire.error_shapes import THREAD_UNSUPPORTED


class Planning(Stage):
    """
    Plan calls that policy sends elsewhere, or that come with a key of ours. All others go where the client sent them, and nowhere else.

    Args:
        store: The policy in force.
        outlook: What is known of targets now.
    """

    def __init__(self, store: PolicyStore, outlook: Outlook) -> None:
        self._store = store
        self._outlook = outlook

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            BadRequest: The model is not known, or nobody can do what is asked, each with why.
            Refused: The key may not ask for this.
        """
        policy = self._store.current
        found = wanted(policy, exchange)
        if found is None:
            return
        call, prompt = exchange.call, exchange.prompt
        assert call is not None and prompt is not None
        threaded = isinstance(prompt.json, dict) and prompt.json.get("thread") is not None
        if threaded and call.dialect == "anthropic-messages":
            # Anthropic's SDKs begin a thread by themselves, and go on without one where they get this very kind of error.
            raise BadRequest(
                "message threads are kept at the provider, and this call may be answered by another; send the whole history instead",
                kind=THREAD_UNSUPPORTED,
            )
        plan = planned(found.choice, found.rule, self._outlook.view(policy, exchange, found.choice))
        terms = plan.failover
        plan = replace(plan, failover=replace(terms, first_byte_seconds=terms.head_seconds(stream=prompt.stream)))
        exchange.course = Course(
            plan,
            started=exchange.started,
            dice=random.random,
            may_retry=self._outlook.health.may_retry,
            refusals="refusal" in plan.failover.answers,
            larger=lambda one, other: self._larger(policy, one, other),
            keys=lambda target: max(1, len(policy.deployments[target.deployment].credentials)),
        )
        if not plan.candidates:
            raise BadRequest(nobody(plan), kind="no_candidate")

    def _larger(self, policy: Policy, one: TargetRef, other: TargetRef) -> bool:
        first, second = (self._outlook.capability(policy, target).max_input_tokens for target in (one, other))
        return first is not None and second is not None and first > second


def nobody(plan: Plan) -> str:
    """
    Why a plan has no candidates.
    """
    return "no target can take this call. " + "; ".join(
        f"{one.target.deployment}/{one.target.model}: {one.reason}" for one in plan.excluded
    )
