"""
A word and the value beside it, wherever the two stand.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.labelled import Labelled, other_scripts
from excise.privacy.detect.scanner import Scanner

BADGE = Labelled(
    name="badge",
    entity="CUSTOM",
    keywords=("badge",),
    label=r"(?i:(?<![a-z])badge(?:[ _-]?(?:no|number))?)(?![a-z])",
    value=r"(?<![0-9])[0-9]{6}(?![0-9])",
)
NEAR = Labelled(name="near", entity="CUSTOM", keywords=("badge",), label="badge", value=r"(?<![0-9])[0-9]{6}(?![0-9])", reach=20, before=10)


def found(rule, text):
    return [text[one.start : one.end] for one in Scanner([rule]).scan(text)]


@pytest.mark.parametrize(
    "text",
    [
        "badge 417293",
        "Badge No.: 417293",
        "badge\x02417293\x03",
        '"badge_number": "417293"',
        "badge: 417293",
        "badge = '417293'",
        "<badge>417293</badge>",
        "his badge number is 417293.",
        "BADGE #417293",
        "| badge | 417293 |",
        "badge=417293&x=1",
        "**Badge:** 417293",
        "name,badge,x\nAnn,417293,1\n",
    ],
)
def test_a_value_follows_its_label(text):
    """
    As a key, in a header, in a form, in a sentence, in markup.
    """
    assert found(BADGE, text) == ["417293"]


@pytest.mark.parametrize("text", ["badges 417293", "a badge for room 417293", "badge\x03417293", "badge " + "-" * 60 + "417293", "417293"])
def test_nothing_may_stand_between_but_filling(text):
    """
    Nor the end of an element.
    """
    assert found(BADGE, text) == []


def test_with_a_reach_anything_may_stand_between():
    """
    Within its characters, on both sides; a value that begins inside is found whole.
    """
    assert found(NEAR, "a badge for room 417293") == ["417293"]
    assert found(NEAR, "417293 badge") == ["417293"]
    assert found(NEAR, "badge" + " " * 17 + "417293") == ["417293"]
    assert found(NEAR, "badge" + " " * 21 + "417293") == []
    assert found(NEAR, "417293\x03badge") == []


def test_two_labels_of_one_header_give_two_columns():
    """
    And words in the rows head nothing.
    """
    assert found(BADGE, "badge,badge no,x\n417293,417294,badge\n417295,417296,badge\n") == ["417293", "417294", "417295", "417296"]


def test_labels_of_other_scripts():
    """
    Words with characters outside ASCII are found as they are listed.
    """
    rule = other_scripts(BADGE, "пропуск пропуска_№")

    assert found(rule, "пропуск: 417293") == ["417293"] == found(rule, "номер пропуска № 417293")
    assert found(rule, "badge 417293") == []
