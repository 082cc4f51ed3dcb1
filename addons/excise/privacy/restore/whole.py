"""
Strings that are restored by themselves: documents, snapshots at the end of a stream, objects, error bodies, whatever is no piece.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from excise.privacy.restore.places import KEY, Path
from excise.privacy.surrogate import FEWEST_DIGITS

# Opaque to everybody but the provider, or tokens of the model, which have no value in them.
_NEVER_NAMES = """
    signature thoughtSignature thought_signature redactedContent redacted_content reasoning_details logprobs
    logprobsResult logprobs_result obfuscation b64_json partial_image_b64 inlineData inline_data embedding embeddings
"""
_NEVER = frozenset(_NEVER_NAMES.split())
_ARGUMENTS = frozenset(("arguments", "partial_json", "parameters"))
_CALLED_WITH = frozenset(("args", "input", "arguments", "parameters"))  # objects whose members the client's tools have named
_DEPTH = 200


def strings(body: Any, done: Collection[Path], untouched: Collection[Path]) -> Iterator[tuple[Path, str, bool]]:
    """
    Path and text of every string and key in a document that is to be restored by itself; the last field says whether it is meant to
    be JSON.

    Left out: signed and encrypted members, thinking that carries a signature, log probabilities.

    Args:
        body: The document, parsed.
        done: Paths of strings that are pieces of channels.
        untouched: Paths of strings and objects that are signed, or will be.
    """
    stack: list[tuple[Path, Any, bool]] = [((), body, False)]
    while stack:
        path, node, called_with = stack.pop()
        if path in untouched or len(path) > _DEPTH:
            continue
        if type(node) is str:
            if path not in done:
                yield path, node, bool(path) and path[-1] in _ARGUMENTS
        elif type(node) is list:
            stack.extend(((*path, at), one, called_with) for at, one in enumerate(node))
        elif type(node) is dict and (called_with or not _signed(node)):
            for key, value in node.items():
                if not called_with and (key in _NEVER or key.startswith("encrypted_")):
                    continue
                if len(key) >= FEWEST_DIGITS:
                    yield (*path, key, KEY), key, False
                if type(value) in (str, list, dict):
                    stack.append(((*path, key), value, called_with or (key in _CALLED_WITH and type(value) is dict)))


def _signed(node: dict[str, Any]) -> bool:
    """
    Thinking whose text the provider has signed: a change of it is refused in the next turn.
    """
    if node.get("signature") or node.get("type") == "redacted_thinking":
        return True
    return bool(node.get("thought") and (node.get("thoughtSignature") or node.get("thought_signature")))
