"""
From findings to what leaves: each action, the second look, what cannot be changed.
"""

from __future__ import annotations

import base64
import random
from typing import Any

import orjson
import pytest

from excise.errors import Refused, Unavailable
from excise.privacy.detect.detector import Detector, Rule
from excise.privacy.detect.scanner import Scanner
from excise.privacy.placeholder import Placeholders
from excise.privacy.profiles import Action, Profile, combined
from excise.privacy.protection import Protection
from excise.privacy.redact import Plan, look, masked
from excise.privacy.vault import Limits, Vault
from excise.privacy.walk.source import of_request

PLACEHOLDERS = Placeholders(b"k" * 32)
RULES: tuple[Rule, ...] = (
    Detector("mail", "EMAIL", r"[a-z.]+@[a-z]+\.com", ("@",), reach=(40, 40)),
    Detector("card", "CARD", r"(?<!\d)\d{16}(?!\d)"),
    Detector("word", "PASSWORD", r"(?<=password )\w+", ("password",), reach=(0, 40), weight=50),
    Detector("key", "API_KEY", r"key-\d{6}", ("key-",)),
)


def protection(**actions: Action) -> Protection:
    scanner = Scanner(RULES, own=PLACEHOLDERS.is_own)
    every = {"EMAIL": Action.PSEUDONYMISE, "CARD": Action.PSEUDONYMISE, "PASSWORD": Action.PSEUDONYMISE, "API_KEY": Action.PSEUDONYMISE}
    return Protection("test", Profile("test", every | actions), lambda: scanner)


def redacted(body: Any, chosen: Protection, vault: Vault | None = None, forms: dict[str, str] | None = None) -> tuple[Any, Plan, Vault]:
    vault = vault if vault is not None else Vault(PLACEHOLDERS, "test")
    raw = orjson.dumps(body)
    source = of_request("POST", "/v1/x", ((b"content-type", b"application/json"),), "application/json", raw, body)
    plan = Plan(source, chosen, vault, PLACEHOLDERS, forms or {}, 0.0)
    for _ in plan.decide(look(source, chosen.scanner(), chosen, vault.known(0.0))):
        pass
    out = plan.carry_out().body
    if not plan.replacements:
        assert out is raw
    return orjson.loads(out), plan, vault


def test_a_value_found_once_is_taken_out_everywhere() -> None:
    """
    Also where nothing round it says what it is.
    """
    said, plan, _ = redacted({"a": "the password hunter22 is old", "b": ["use hunter22!", "x"]}, protection())

    assert "hunter22" not in orjson.dumps(said).decode()
    (token,) = {text for text, _ in ((word, 0) for word in said["b"][0].split() if word.startswith("PASSWORD_"))}
    assert token.rstrip("!") in said["a"]
    assert plan.counts.total() == 2


def test_every_action_does_what_its_name_says() -> None:
    """
    Masked, hashed and removed values never come back; reported and allowed ones pass; only pseudonyms are kept.
    """
    body = {"mail": "to a.b@c.com", "card": "4111111111111111", "key": "key-123456 x", "p": "password hunter22"}
    chosen = protection(EMAIL=Action.HASH, CARD=Action.MASK, API_KEY=Action.REMOVE, PASSWORD=Action.REPORT_ONLY)
    said, plan, vault = redacted(body, chosen)

    assert said["mail"].startswith("to EMAIL_")
    assert said["card"] == "********1111"
    assert said["key"] == " x"
    assert said["p"] == body["p"]
    assert len(vault) == 0
    assert plan.counts == {
        ("EMAIL", "mail", "hash"): 1,
        ("CARD", "card", "mask"): 1,
        ("API_KEY", "key", "remove"): 1,
        ("PASSWORD", "word", "report-only"): 1,
    }


def test_what_is_blocked_names_its_place_and_not_its_value() -> None:
    """
    The path, the kind and the detector.
    """
    with pytest.raises(Refused, match=r"e-mail addresses.*\$\.messages\[0\]\.content.*mail") as caught:
        redacted({"messages": [{"content": "a.b@c.com"}]}, protection(EMAIL=Action.BLOCK))

    assert "a.b" not in str(caught.value)


@pytest.mark.parametrize("action", [Action.PSEUDONYMISE, Action.MASK, Action.HASH, Action.REMOVE])
def test_the_other_occurrences_go_as_well(action: Action) -> None:
    """
    Whatever is done with a value, it is done wherever it stands.
    """
    said, plan, _ = redacted({"m": "the password hunter22. why does hunter22 fail?"}, protection(PASSWORD=action))

    assert "hunter22" not in said["m"]
    assert plan.counts.total() == 2


@pytest.mark.parametrize("lenient", [Action.REPORT_ONLY, Action.ALLOW])
def test_the_strictest_action_holds_where_findings_overlap(lenient: Action) -> None:
    """
    A password that looks like a key or a card is a password.
    """
    said, _, _ = redacted({"m": "the password key-123456"}, protection(API_KEY=lenient))
    assert "the password key-" not in said["m"] or "123456" not in said["m"]
    said, _, _ = redacted({"m": "the password 4111111111111111"}, protection(CARD=lenient))
    assert "1111" not in said["m"]


def test_calls_at_once_do_not_leave_each_others_values() -> None:
    """
    Both have looked before either has decided: each covers its own values.
    """
    vault, chosen = Vault(PLACEHOLDERS, "test"), protection()
    body = {"m": ["the password hunter22", "why does hunter22 fail?"]}
    raw = orjson.dumps(body)
    plans = []
    for _ in range(2):
        source = of_request("POST", "/v1/x", ((b"content-type", b"application/json"),), "application/json", raw, body)
        plan = Plan(source, chosen, vault, PLACEHOLDERS, {}, 0.0)
        plans.append((plan, look(source, chosen.scanner(), chosen, vault.known(0.0))))
    for plan, spots in plans:
        list(plan.decide(spots))
        assert b"hunter22" not in plan.carry_out().body


def test_a_number_stays_a_number() -> None:
    """
    Of as many digits, whatever is done with it.
    """
    for action in (Action.PSEUDONYMISE, Action.MASK, Action.HASH, Action.REMOVE):
        said, _, _ = redacted({"card": 4111111111111111}, protection(CARD=action))
        assert isinstance(said["card"], int)
        assert len(str(said["card"])) == 16
        assert said["card"] != 4111111111111111


def test_a_demanded_form_is_kept() -> None:
    """
    Where a schema of the request wants an e-mail, the stand-in is one.
    """
    said, _, vault = redacted({"mail": "a.b@c.com"}, protection(), forms={"EMAIL": "email"})

    assert said["mail"].endswith("@redacted.invalid")
    assert vault.tokens[said["mail"]] == "a.b@c.com"


def test_the_same_request_again_is_the_same_bytes() -> None:
    """
    With the same vault, with an empty one, and after what came back was sent again: prompt caches hit.
    """
    body = {"m": ["the password hunter22", "mail a.b@c.com", "later hunter22"]}
    first, _, vault = redacted(body, protection())
    again, _, _ = redacted(body, protection(), vault)
    fresh, _, _ = redacted(body, protection())
    twice, plan, _ = redacted(first, protection(), vault)

    assert first == again == fresh == twice
    assert not plan.replacements


@pytest.mark.parametrize(
    ("text", "blocks_signed", "refused"),
    [
        ("I would write to a.b@c.com", False, False),  # the model's own invention
        ("I would write to a.b@c.com", True, True),
        ("take key-123456", False, True),  # a secret by its shape
        ("the password hunter22", False, False),  # a secret by a word beside it
        ("the user is x.y@z.com", False, True),  # a value the client gave elsewhere
    ],
)
def test_a_signed_block_is_never_changed(text: str, blocks_signed: bool, refused: bool) -> None:
    """
    What is surely the client's own in it refuses the call; else it is counted.
    """
    signature = base64.b64encode(random.Random(1).randbytes(150)).decode()
    body = {
        "messages": [
            {"role": "user", "content": "I am x.y@z.com"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": text, "signature": signature}]},
        ]
    }
    chosen = protection()
    chosen = Protection("test", Profile("test", chosen.profile.actions, blocks_signed=blocks_signed), chosen.scanner)
    vault = Vault(PLACEHOLDERS, "test")
    redacted({"m": "I am x.y@z.com"}, chosen, vault)  # an earlier turn
    if refused:
        with pytest.raises(Refused, match="thinking"):
            redacted(body, chosen, vault)
    else:
        said, plan, _ = redacted(body, chosen, vault)
        assert said["messages"][1] == body["messages"][1]
        assert "report-only" in {action for _, _, action in plan.counts}


def test_a_full_vault_refuses() -> None:
    """
    A value that cannot be kept cannot be turned back, and is not let out either.
    """
    vault = Vault(PLACEHOLDERS, "test", Limits(entries=1))
    with pytest.raises(Unavailable):
        redacted({"a": "a.b@c.com and x.y@z.com"}, protection(), vault)


def test_masks() -> None:
    """
    The last four of long numbers, nothing of anything else.
    """
    assert masked("CARD", "4111 1111 1111 1111") == "********1111"
    assert masked("EMAIL", "jane@example.com") == "********"
    assert masked("PHONE", "12345") == "********"


def test_profiles_add_up() -> None:
    """
    What one looks for is looked for, what both leave out is left out, and single actions have the last word.
    """
    both = combined(["secrets", "strict"], {"EMAIL": Action.BLOCK})

    assert both.actions["API_KEY"] is Action.PSEUDONYMISE
    assert both.actions["EMAIL"] is Action.BLOCK
    assert not both.leaves_out
    assert both.blocks_binary
    assert "ipv4-private" in combined(["pii"], {}).leaves_out
    assert "LOCATION" not in combined(["pii"], {}).actions
