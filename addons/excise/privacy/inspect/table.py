"""
The header of a table that is still being written: it names the columns of every row.
"""

from __future__ import annotations

from excise.privacy.detect.tabular import MOST_HEADER, SEPARATORS


class Table:
    """
    Reads what has left, line by line.
    """

    __slots__ = ("_form", "_header", "_line")

    def __init__(self) -> None:
        self._line = ""  # the last one, unfinished
        self._header = ""
        self._form = ("", 0)

    def go_on(self, text: str) -> None:
        """
        `text` has left.
        """
        *lines, rest = (self._line + text if len(self._line) < MOST_HEADER else text).split("\n")
        for line in lines:
            form = max(((sign, line.count(sign)) for sign in SEPARATORS), key=lambda one: one[1])
            if not form[1] or form != self._form:
                self._form, self._header = form, line if form[1] else ""
        self._line = rest

    def before(self, context: str) -> str:
        """
        What to put in front of the end of the text that has left, so that its rows are read under their header.
        """
        if not self._header or len(self._header) > MOST_HEADER or self._header in context:
            return ""
        return self._header + "\n"
