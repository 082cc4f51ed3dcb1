"""
What the stand-in thought comes back unharmed, or is refused: proofs are checked as the real ones are.
"""

from __future__ import annotations

import base64
import copy
from typing import Any

from excise.standin.gemini.rules import DUMMIES
from excise.standin.signing import genuine, sign
from standin.asking import WAYS, Way

THINKS: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
ENCRYPTED: dict[str, Any] = {"reasoning": {"effort": "high"}, "include": ["reasoning.encrypted_content"], "store": False}


def looped(way: Way, prompt: str = "think hard, use tool", **more: Any) -> dict[str, Any]:
    """
    A conversation in the middle of a loop: asked, called, answered.
    """
    body = way.body(prompt, tools=True, **more)
    got = way.send(body)
    assert got.status == 200, got.data
    way.go_on(body, got.json, [(id_, name, "18 C") for id_, name, _ in way.calls(got.json)])
    return body


def test_a_proof_is_of_its_maker_and_its_text() -> None:
    """
    Another maker's, of another text, changed, or none at all: not genuine.
    """
    proof = sign("claude", "so", "seed")

    assert genuine("claude", "so", proof)
    assert sign("claude", "so", "seed") == proof != sign("claude", "so", "other seed")
    assert not any(genuine(*other) for other in [("gemini", "so", proof), ("claude", "sO", proof), ("claude", "so", proof[:-4] + "AAAA")])
    assert not any(genuine("claude", "so", wrong) for wrong in ("", "?", "AAAA", base64.b64encode(bytes(48)).decode()))


def test_claudes_thought_comes_back() -> None:
    """
    As it was: taken. Changed, or another's: 400, naming the block.
    """
    way = WAYS["anthropic"]
    body = looped(way, **THINKS)
    assert way.send(body).status == 200

    for field, value in (("thinking", "other"), ("signature", sign("gemini", "", "x"))):
        changed = copy.deepcopy(body)
        changed["messages"][1]["content"][0][field] = value
        got = way.send(changed)
        assert got.status == 400
        assert "messages.1.content.0: Invalid `signature` in `thinking` block" in got.data.decode()


def test_without_its_thought_a_loop_cannot_go_on() -> None:
    """
    While thinking is on the turn that called must begin with it; with thinking off it need not be there.
    """
    way = WAYS["anthropic"]
    body = looped(way, **THINKS)
    del body["messages"][1]["content"][0]

    got = way.send(body)

    assert got.status == 400
    assert "Expected `thinking` or `redacted_thinking`, but found `tool_use`" in got.data.decode()
    del body["thinking"]
    assert way.send(body).status == 200


def test_a_thought_that_is_not_shown_has_a_proof_all_the_same() -> None:
    """
    `display: omitted`: an empty thought, which must come back too.
    """
    way = WAYS["anthropic"]
    body = looped(way, thinking={**THINKS["thinking"], "display": "omitted"})
    block = body["messages"][1]["content"][0]

    assert (block["type"], block["thinking"]) == ("thinking", "")
    assert way.send(body).status == 200


def test_a_secret_thought_comes_back() -> None:
    """
    Redacted blocks are checked as well.
    """
    way = WAYS["anthropic"]
    body = looped(way, "think secretly, use tool", **THINKS)
    assert way.send(body).status == 200

    body["messages"][1]["content"][0]["data"] = "AAAA"
    assert "Invalid `data` in `redacted_thinking`" in way.send(body).data.decode()


def test_bedrock_hands_claude_the_proof() -> None:
    """
    Claude's own rules hold behind Bedrock; its sentence is wrapped.
    """
    way = WAYS["bedrock-claude"]
    body = looped(way, additionalModelRequestFields=THINKS)
    assert way.send(body).status == 200

    changed = copy.deepcopy(body)
    changed["messages"][1]["content"][0]["reasoningContent"]["reasoningText"]["signature"] = "AAAA"
    assert "The model returned the following errors: messages.1.content.0: Invalid `signature`" in way.send(changed).data.decode()
    del body["messages"][1]["content"][0]
    assert "but found `tool_use`" in way.send(body).data.decode()


def test_nova_knows_no_thoughts() -> None:
    """
    A model that does not think refuses another's thoughts.
    """
    way = WAYS["bedrock-nova"]
    body = looped(way, "use tool")
    body["messages"][1]["content"].insert(0, {"reasoningContent": {"reasoningText": {"text": "so", "signature": "AAAA"}}})

    assert "doesn't support the reasoningContent" in way.send(body).data.decode()


def test_responses_take_their_own_encrypted_thoughts() -> None:
    """
    Its own item passes; a foreign or spoilt one does not; without content it must be stored.
    """
    way = WAYS["openai-responses"]
    body = looped(way, **ENCRYPTED)
    item = body["input"][1]
    assert (item["type"], way.send(body).status) == ("reasoning", 200)

    item["encrypted_content"] = sign("claude", "", "x")
    assert way.send(body).json["error"]["code"] == "invalid_encrypted_content"
    del item["encrypted_content"]
    got = way.send(body)
    assert got.status == 404
    assert "Items are not persisted when `store` is set to false" in got.data.decode()


def test_a_thought_must_be_followed_by_what_was_thought() -> None:
    """
    A reasoning item alone is refused.
    """
    way = WAYS["openai-responses"]
    body = looped(way, **ENCRYPTED)
    body["input"] = [*body["input"][:2], {"role": "user", "content": "and?"}]

    assert "without its required following item" in way.send(body).data.decode()


def test_a_stored_response_can_be_gone_on_with() -> None:
    """
    `previous_response_id` brings the whole conversation back, calls too; what was not stored is not found.
    """
    way = WAYS["openai-responses"]
    first = way.send(way.body("plan: get_weather, get_time", tools=True)).json
    (call,) = way.calls(first)
    output = {"type": "function_call_output", "call_id": call[0], "output": "18 C"}
    body = {**way.body("", tools=True), "input": [output], "previous_response_id": first["id"]}
    second = way.send(body).json
    unstored = way.send(way.body("hello", store=False)).json

    assert [name for _, name, _ in way.calls(second)] == ["get_time"]
    assert way.send({**body, "previous_response_id": unstored["id"]}).json["error"]["code"] == "previous_response_not_found"


def test_gemini_3_wants_its_signature_back() -> None:
    """
    On the first call of each step of this turn; a dummy of Google's own does, a foreign one does not, and none is none.
    """
    way = WAYS["gemini-3"]
    body = looped(way, "use all tools")
    part = body["contents"][1]["parts"][0]
    assert "thoughtSignature" in part
    assert "thoughtSignature" not in body["contents"][1]["parts"][1]
    assert way.send(body).status == 200

    for dummy in DUMMIES:
        for said in (dummy, base64.b64encode(dummy.encode()).decode()):
            part["thoughtSignature"] = said
            assert way.send(body).status == 200
    part["thoughtSignature"] = sign("claude", "get_weather", "x")
    assert "Corrupted thought signature." in way.send(body).data.decode()
    del part["thoughtSignature"]
    assert "missing a thought_signature" in way.send(body).data.decode()


def test_earlier_turns_need_no_signature() -> None:
    """
    Only what follows the user's last word is looked at.
    """
    way = WAYS["gemini-3"]
    body = looped(way, "use tool")
    del body["contents"][1]["parts"][0]["thoughtSignature"]
    body["contents"].append({"role": "model", "parts": [{"text": "It is 18 C."}]})
    way.say(body, "echo: thanks")

    assert way.text(way.send(body).json) == "thanks"


def test_a_signature_belongs_to_its_call() -> None:
    """
    Put on a call of another tool it is not genuine.
    """
    way = WAYS["gemini-3"]
    body = looped(way, "use tool")
    body["contents"][1]["parts"][0]["functionCall"]["name"] = "get_time"
    body["contents"][2]["parts"][0]["functionResponse"]["name"] = "get_time"

    assert "Corrupted" in way.send(body).data.decode()


def test_geminis_streamed_signature_comes_on_an_empty_text() -> None:
    """
    The last piece of a text is empty but for the proof, and it must be taken back.
    """
    way = WAYS["gemini-3"]
    body = way.body("echo: so")
    parts = [part for chunk in way.send(body, stream=True).events for part in chunk["candidates"][0]["content"]["parts"]]
    assert (parts[-1]["text"], "thoughtSignature" in parts[-1]) == ("", True)

    body["contents"].append({"role": "model", "parts": parts})
    way.say(body, "echo: and so")
    assert way.send(body).status == 200


def test_deepseek_wants_its_thought_back_inside_a_loop() -> None:
    """
    `reasoning_content` of the turn that called must be there until the user speaks again.
    """
    way = WAYS["deepseek"]
    body = looped(way)
    assert way.send(body).status == 200

    del body["messages"][1]["reasoning_content"]
    got = way.send(body)
    assert got.status == 400
    assert "Missing `reasoning_content`" in got.data.decode()
    way.say(body, "echo: thanks")
    assert way.send(body).status == 200
