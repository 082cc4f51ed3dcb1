"""
The stage that asks policy.
"""

from __future__ import annotations

import pytest

from excise.errors import Refused
from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest, Principal, Prompt
from excise.policy.store import PolicyStore
from excise.stages.govern import Govern

POLICY = """version: 1
rules:
  - {name: no large ones, when: {model: "*-large*"}, then: deny, reason: large models need approval}
default: allow
"""


def exchange(model: str | None = "gpt-mini", operation: str = "chat", provider: str = "openai", **body: object) -> Exchange:
    return Exchange(
        id="0",
        started_at_us=0,
        started=0.0,
        client=ClientInfo(ip="192.0.2.1", port=1, capture=Capture.PROXY),
        http=HttpRequest("POST", "https", "api.openai.com", 443, "/v1/chat/completions", (), b""),
        call=Call(provider=provider, operation=operation, dialect="openai-chat", model_at="body"),
        principal=Principal(id="shop", type="listed"),
        prompt=Prompt(body=b"", json={"model": model, **body}, model=model, stream=False),
    )


@pytest.fixture
def store(tmp_path):
    (tmp_path / "default.yml").write_text(POLICY)
    return PolicyStore(tmp_path)


async def test_an_allowed_call_has_its_decision(store):
    """
    With the policy's id, for the record.
    """
    one = exchange()
    await Govern(store).on_request(one)

    assert one.decision is not None
    assert (one.decision.allow, one.decision.rule, one.decision.policy_id) == (True, "default", store.current.id)


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (exchange(model="acme-large-7"), "no large ones"),
        (exchange(model="models/ACME-LARGE"), "no large ones"),
        (exchange(model=None), "no large ones"),
        (exchange(models=["acme-large"]), "no large ones"),
        (exchange(operation="unknown"), "defaults.unknown"),
        (exchange(provider="unknown"), "defaults.unknown"),
    ],
)
async def test_a_denied_call_is_refused_with_rule_and_reason(store, one, rule):
    """
    The text says which rule, why, and what to do; nothing of the request stands in it. The decision is there for the record.
    """
    with pytest.raises(Refused) as caught:
        await Govern(store).on_request(one)

    assert one.decision is not None
    assert (one.decision.allow, one.decision.action, one.decision.rule) == (False, "deny", rule)
    assert (caught.value.status, caught.value.kind) == (403, "policy_denied")
    assert repr(rule) in caught.value.message
    assert one.decision.reason in caught.value.message
    assert "excise policy explain" in caught.value.message
    assert "acme" not in caught.value.message.lower()


async def test_a_reload_is_seen_by_the_next_call(store, tmp_path):
    """
    The stage asks the store each time.
    """
    stage = Govern(store)
    await stage.on_request(exchange())
    (tmp_path / "default.yml").write_text("version: 1\ndefault: deny\n")
    store.reload()

    with pytest.raises(Refused, match="no rule allows this call"):
        await stage.on_request(exchange())
