"""
Columns below a word of the header.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.tabular import MOST_ROWS, cells


def column(text, word="ssn"):
    return [text[start:end] for start, end in cells(text, text.index(word))]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|", ", ", " | "])
def test_a_column_goes_down_to_the_end_of_the_block(sign):
    """
    Whatever divides it; a line with another number of cells ends it.
    """
    rows = [("name", "ssn", "city"), ("Ann", "1-2", "Rome"), ("Bob", "3-4", "Oslo")]
    text = "see:\n" + "\n".join(sign.join(row) for row in rows) + "\nthat is all\n"

    assert column(text) == ["1-2", "3-4"]


def test_quotes_and_rules_are_no_part_of_cells():
    """
    As CSV quotes, and as markdown draws.
    """
    assert column('id,"ssn",note\n1,"12","a, b"\n2,34,"x ""y"""\n') == ["12", "34"]
    assert column("| name | ssn |\n|------|-----|\n| Ann | `12` |\n\n| x | y |\n") == ["12"]


def test_a_row_is_no_header():
    """
    A word in the middle of a table heads nothing, nor does one in the last line.
    """
    assert column("a,b,c\n1,ssn,3\n4,5,6\n") == []
    assert column("the ssn, as I said.\nit was, and so on.\n") == []
    assert column("ssn,name") == []


def test_a_column_stays_within_its_element_and_its_bound():
    """
    No cell crosses a bound of the document; a huge table is read for a thousand rows.
    """
    assert column("t\x02ssn,a,b\n1,2,3\x03x\x024,5,6\n") == ["1"]
    assert len(column("ssn,a,b\n" + "1,2,3\n" * 5000)) == MOST_ROWS
