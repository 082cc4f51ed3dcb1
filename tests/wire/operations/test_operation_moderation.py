"""
Moderation between OpenAI's words and Mistral's.
"""

from __future__ import annotations

from typing import Any

import pytest
from operation_calls import cross, send

from excise.wire.operations import moderation

OPENAIS = {
    "id": "modr-1",
    "model": "omni-moderation-latest",
    "results": [
        {
            "flagged": True,
            "categories": {"harassment": True, "hate": False, "hate/threatening": True, "violence": False, "self-harm": False},
            "category_scores": {"harassment": 0.9, "hate": 0.1, "hate/threatening": 0.8, "violence": 0.2, "self-harm": 0.0},
        }
    ],
}
MISTRALS = {
    "id": "m1",
    "model": "mistral-moderation-latest",
    "results": [
        {
            "categories": {"sexual": False, "hate_and_discrimination": False, "violence_and_threats": True, "pii": False},
            "category_scores": {"sexual": 0.01, "hate_and_discrimination": 0.02, "violence_and_threats": 0.97, "pii": 0.0},
        }
    ],
}


def test_openais_clients_are_told_what_mistral_finds() -> None:
    """
    Under OpenAI's names, with the scores; categories Mistral does not judge are not there, for nobody has found them harmless.
    """
    done = cross(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": "I will get you."}, MISTRALS)

    (result,) = done.answer["results"]
    assert done.sent == {"model": "target-model", "input": "I will get you."}
    assert done.lost == {"categories": "changed"}
    assert result["flagged"] is True
    assert result["categories"] == {"sexual": False, "hate": False, "violence": True}
    assert result["category_scores"] == {"sexual": 0.01, "hate": 0.02, "violence": 0.97}


def test_what_openai_has_no_category_for_is_flagged_all_the_same() -> None:
    """
    Personal data found by Mistral is no category of OpenAI's, and no reason to call the text harmless.
    """
    found = {"results": [{"categories": {"sexual": False, "pii": True}, "category_scores": {"sexual": 0.0, "pii": 0.9}}]}

    (result,) = cross(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": "x"}, found).answer["results"]

    assert result["flagged"] is True and result["categories"] == {"sexual": False}


def test_mistrals_clients_are_told_what_openai_finds() -> None:
    """
    The worst of OpenAI's narrow categories is Mistral's broad one.
    """
    done = cross(moderation.MISTRAL, moderation.OPENAI, {"model": "m", "input": ["x"]}, OPENAIS)

    (result,) = done.answer["results"]
    assert done.sent == {"model": "target-model", "input": ["x"]}
    assert result["categories"] == {"hate_and_discrimination": True, "violence_and_threats": False, "selfharm": False}
    assert result["category_scores"]["hate_and_discrimination"] == 0.8


def test_own_words_pass() -> None:
    """
    To another model of the same provider's form nothing changes, and nothing is noted.
    """
    done = cross(moderation.OPENAI, moderation.OPENAI, {"model": "m", "input": ["x"]}, OPENAIS)

    assert done.losses == () and done.answer["results"][0]["categories"] == OPENAIS["results"][0]["categories"]


def test_pictures_are_judged_by_openai_alone() -> None:
    """
    Parts are one input: their texts go together, a picture makes Mistral no target.
    """
    words = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    picture = [*words, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]

    assert send(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": words}).sent["input"] == ["a\nb"]
    assert send(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": picture}).lost["image"] == "impossible"


@pytest.mark.parametrize(
    "answer", [{}, {"results": []}, {"results": [{}]}, {"results": [{"categories": {"hate": "no"}}]}, {"results": [5]}]
)
def test_no_judgement_is_an_error_and_no_acquittal(answer: Any) -> None:
    """
    An answer without categories flags nothing; it must not be read so.
    """
    assert cross(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": "x"}, answer).status >= 500


def test_every_input_has_its_judgement() -> None:
    """
    One result for two texts is none.
    """
    assert cross(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": ["x", "y"]}, MISTRALS).status >= 500
