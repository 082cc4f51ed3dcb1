"""
Which conversation a request belongs to; which formats its schemas demand.
"""

from __future__ import annotations

from typing import Any

import pytest

from excise.privacy.conversation import opening
from excise.privacy.schema_forms import demanded_forms

HELLO = {"role": "user", "content": "hello"}


def test_the_turns_of_a_conversation_share_their_opening() -> None:
    """
    Later turns, another model, moving cache marks: the same. Another first turn: another.
    """
    marked = {"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}]}
    plain = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    first = opening({"model": "a", "messages": [{"role": "system", "content": "s"}, HELLO]})

    assert first == opening(
        {"model": "b", "messages": [HELLO, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "more"}]}
    )
    assert opening({"messages": [marked]}) == opening({"messages": [plain]})
    assert first != opening({"messages": [{"role": "user", "content": "other"}]})


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}, True),
        ({"input": "x", "store": False}, True),
        ({"input": [{"role": "user", "content": "x"}], "store": False}, True),
        ({"input": "x"}, False),  # kept by the provider
        ({"input": "x", "store": False, "previous_response_id": "resp_1"}, False),
        ({"messages": []}, False),
        ({"prompt": "x"}, False),
        ([1], False),
        (None, False),
    ],
)
def test_requests_without_turns_have_none(body: Any, known: bool) -> None:
    """
    They fall back on the tenant.
    """
    assert (opening(body) is not None) == known


def test_a_conversation_that_has_a_name_goes_by_it() -> None:
    """
    Whatever the turns.
    """
    one = opening({"conversation": {"id": "conv_1"}, "input": "a"})

    assert one == opening({"conversation": "conv_1", "input": "b"})
    assert one != opening({"conversation": "conv_2", "input": "a"})


def test_formats_that_schemas_demand() -> None:
    """
    Of tools and answers, at any depth; of the messages none; two that exclude each other: none.
    """
    schema = {"type": "object", "properties": {"to": {"type": "string", "format": "email"}, "born": {"type": "string", "format": "date"}}}

    assert demanded_forms({"tools": [{"function": {"parameters": schema}}]}) == {"EMAIL": "email", "BIRTH_DATE": "date"}
    assert demanded_forms({"response_format": {"json_schema": {"schema": schema}}})["EMAIL"] == "email"
    assert demanded_forms({"messages": [schema]}) == {}
    both = {"a": {"type": "string", "format": "ipv4"}, "b": {"type": "string", "format": "ipv6"}}
    assert demanded_forms({"tools": [both]}) == {}
    assert demanded_forms({"tools": [{"type": "integer", "format": "date"}]}) == {}
