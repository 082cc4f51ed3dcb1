"""
What names something in the account of the house, and what only looks like it.
"""

from __future__ import annotations

import pytest

from excise.stages.stored import stored_in


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "vector_store_ids"),
        ({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "container"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
        ({"input": [{"id": "msg_1"}]}, "item_reference"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]}, "file_id"),
        ({"input": [{"type": "function_call_output", "output": [{"type": "input_image", "file_id": "file-1"}]}]}, "file_id"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}, "file_id"),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}]}, "file_id"),
        ({"messages": [{"content": [{"type": "tool_result", "content": [{"source": {"file_id": "f"}}]}]}]}, "file_id"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://house/plan.pdf"}}]}]}, "file_uri"),
        ({"contents": [{"parts": [{"file_data": {"file_uri": "https://generativelanguage.googleapis.com/v1beta/files/a"}}]}]}, "file_uri"),
        ({"messages": [{"content": [{"image": {"source": {"s3Location": {"uri": "s3://house/plan.png"}}}}]}]}, "file_uri"),
        (
            {"messages": [{"content": [{"toolResult": {"content": [{"document": {"source": {"s3Location": {"uri": "S3://a/b"}}}}]}}]}]},
            "file_uri",
        ),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "gs://house/plan.png"}}]}]}, "file_uri"),
    ],
)
def test_what_is_stored_is_found(body, named):
    """
    Conversations, items of them, files and containers, wherever the providers' dialects name them.
    """
    assert stored_in(body) == named


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"previous_response_id": None, "conversation": ""},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "file_search", "vector_store_ids": []}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"file_id": {"type": "string"}}}}}]},
        {"input": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "file_id"}]}]},
        {"input": [{"type": "function_call", "id": "fc_1", "arguments": '{"file_id":"a"}'}, {"type": "reasoning", "id": "rs_1"}]},
        {
            "messages": [
                {"content": [{"type": "tool_use", "input": {"file_id": "a"}}, {"type": "text", "text": "x"}]},
                {"content": "file_id"},
            ]
        },
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://a.example/files/b.png"}}]}]},
        {"contents": [{"parts": [{"functionCall": {"name": "f", "args": {"uri": "gs://theirs"}}}, {"text": "gs://theirs"}]}]},
        {"prompt": "files/a"},
        {"input": "file_id", "messages": "item_reference", "tools": {"container": "a"}},
    ],
)
def test_what_a_client_sends_whole_is_not(body):
    """
    Histories sent back, arguments and schemas of the client's own tools.
    """
    assert stored_in(body) is None
