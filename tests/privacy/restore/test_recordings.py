"""
Recorded streams of real providers, with placeholders planted into the text, the reasoning and the arguments they carry.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from typing import Any

import pytest

from excise.privacy.restore import Restorer
from excise.privacy.restore.channels import Channels
from excise.privacy.restore.framing import overwritten
from excise.privacy.restore.places import locate
from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame, Framing
from privacy.restore.planting import TOKENS, VALUES, with_values
from recordings import header, records, require_recordings, response_body, response_encoding

_PROTOCOLS = """
    openai-chat openai-completions openai-responses anthropic-messages anthropic-vertex anthropic-complete gemini gemini-interactions
    bedrock-converse bedrock-invoke bedrock-agent cohere-v1 cohere-v2 ollama openai-assistants writer replicate
"""

# A string that ends in a beginning of JWT_…, in its case or another; or a cut escape.
_MAY_BEGIN_JWT = re.compile(rb'J(?:WT?)?"|[^0-9A-Za-z](?i:jwt?)"|\\\\u')


def _decoder(record: dict[str, Any]) -> AnswerDecoder:
    return AnswerDecoder(
        content_type=header(record["response"], "content-type"),
        content_encoding=response_encoding(record),
        dialect=record["meta"]["protocol"],
        operation=record["meta"]["operation"] or "",
        limit=1 << 24,
    )


def _frames(record: dict[str, Any]) -> tuple[list[Frame], Framing]:
    decoder = _decoder(record)
    return decoder.feed(response_body(record)) + decoder.close(), decoder.framing


def _streams(protocol: str) -> list[dict[str, Any]]:
    found = [record for record in records() if record["meta"]["stream"] and record["meta"]["protocol"] == protocol]
    if not found:
        pytest.skip(f"no stream of {protocol} among the recordings")
    return found


def _restored(frames: list[Frame], dialect: str, framing: Framing) -> list[Frame]:
    restorer = Restorer(dialect, "", framing, TOKENS)
    return [frame for one in frames for frame in restorer.feed([one])] + restorer.close()


def _texts(frames: list[Frame]) -> dict[Any, str]:
    """
    Text of every channel.
    """
    channels, texts = Channels(), defaultdict(str)
    for frame in frames:
        if type(frame.json) is dict:
            for piece in channels.read(frame.json, frame.event).pieces:
                texts[piece.channel] += piece.text
    return dict(texts)


def _planted(frames: list[Frame], framing: Framing, rolls: random.Random) -> tuple[list[Frame], int]:
    """
    The frames with placeholders written into the pieces of each channel, cut where the pieces happen to be cut.
    """
    channels, out, count = Channels(), [], 0
    carried: dict[Any, str] = {}
    for frame in frames:
        sight = channels.read(frame.json, frame.event) if type(frame.json) is dict else None
        if sight is None or not sight.pieces or type(frame.json) is not dict:
            out.append(frame)
            continue
        places = locate(frame.data or b"", {piece.path for piece in sight.pieces})
        writes = []
        for piece in sight.pieces:
            start, end = places[piece.path]
            raw = (frame.data or b"")[start:end]
            rest = carried.pop(piece.channel, "")
            fresh = not rest
            # Into the text, not into an escape; arguments only where a string is open.
            if (
                not rest
                and piece.text
                and piece.text[-1:].isalpha()
                and "\\" not in piece.text
                and not piece.certain
                and rolls.random() < 0.3
            ):
                rest = rolls.choice(list(TOKENS))
                count += 1
            over = piece.final or any(piece.channel[: len(end)] == end for end in sight.ends)
            cut = rolls.randrange(len(rest) + 1) if fresh and rest and not over else len(rest)
            written = rest[:cut].encode()
            writes.append((start, end, raw + written if fresh else written + raw))
            if rest[cut:]:
                carried[piece.channel] = rest[cut:]
        out.append(overwritten(frame, framing, sorted(writes)))
    return out, count


@require_recordings
@pytest.mark.parametrize("protocol", _PROTOCOLS.split())
def test_recorded_streams_pass_untouched(protocol: str) -> None:
    """
    A stream without placeholders leaves byte for byte, up to the frames that ended in what might have begun one.
    """
    untouched = 0
    for record in _streams(protocol):
        frames, framing = _frames(record)
        out = _restored(frames, protocol, framing)
        assert _texts(out) == _texts(frames)
        assert [frame.data for frame in out if not frame.data] == [frame.data for frame in frames if not frame.data]
        if not _MAY_BEGIN_JWT.search(b"".join(frame.data or b"" for frame in frames)):
            untouched += 1
            restorer = Restorer(protocol, "", framing, {"JWT_" + "Z" * 20: "x"})
            assert all(got is sent for got, sent in zip(restorer.feed(frames), frames, strict=True))
            assert restorer.close() == []
    assert untouched


@require_recordings
@pytest.mark.parametrize("protocol", _PROTOCOLS.split())
def test_planted_placeholders_come_back(protocol: str) -> None:
    """
    Wherever in a channel a placeholder stands, and however the provider's deltas cut it, the client reads the value.
    """
    rolls = random.Random(protocol)
    planted = whole = 0
    for record in _streams(protocol):
        frames, framing = _frames(record)
        sent, count = _planted(frames, framing, rolls)
        planted += count
        whole += sum(text.count(token) for text in _texts(sent).values() for token in TOKENS)
        wanted, got = _texts(sent), _texts(_restored(sent, protocol, framing))
        for name, text in wanted.items():
            if text.lstrip()[:1] not in ("{", "["):
                assert got.get(name, "") == with_values(text)
    if not planted:
        pytest.skip("nothing to plant into")
    assert whole > planted / 2  # the others lost their second half to the end of the channel


@require_recordings
@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses", "anthropic-messages", "bedrock-converse", "cohere-v2"])
def test_placeholders_in_recorded_arguments(protocol: str) -> None:
    """
    Arguments of recorded calls stay JSON, with the exact values, though the values hold quotes, backslashes and line feeds.
    """
    rolls = random.Random(protocol)
    seen = 0
    for record in _streams(protocol):
        frames, framing = _frames(record)
        for name, text in _texts(frames).items():
            try:
                arguments = json.loads(text)
            except ValueError:
                continue
            if type(arguments) is not dict or not any(type(value) is str for value in arguments.values()):
                continue
            planted = {key: f"{rolls.choice(list(TOKENS))} {value}" if type(value) is str else value for key, value in arguments.items()}
            sent = _with_arguments(frames, framing, name, json.dumps(planted), rolls)
            got = json.loads(_texts(_restored(sent, protocol, framing))[name])
            for key, value in planted.items():
                assert got[key] == (with_values(value) if type(value) is str else value)
            seen += 1
    assert seen
    assert any('"' in value for value in VALUES.values())


def _with_arguments(frames: list[Frame], framing: Framing, name: Any, text: str, rolls: random.Random) -> list[Frame]:
    """
    The frames with other arguments in the channel `name`, cut anew over the same pieces.
    """
    places: list[tuple[Frame, tuple[int, int]]] = []
    channels = Channels()
    for frame in frames:
        if type(frame.json) is dict:
            pieces = channels.read(frame.json, frame.event).pieces
            paths = [piece.path for piece in pieces if piece.channel == name]
            places += [(frame, locate(frame.data or b"", {path})[path]) for path in paths]
    cuts = [0, *sorted(rolls.randrange(len(text) + 1) for _ in places[1:]), len(text)]
    cut = {id(frame): (span, text[cuts[at] : cuts[at + 1]]) for at, (frame, span) in enumerate(places)}
    out = []
    for frame in frames:
        if id(frame) in cut:
            span, piece = cut[id(frame)]
            out.append(overwritten(frame, framing, [(*span, json.dumps(piece)[1:-1].encode())]))
        else:
            out.append(frame)
    return out
