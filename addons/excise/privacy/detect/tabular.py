"""
Delimited text: what stands below a word of a header line. So `ssn` in the first line of a CSV is context for the whole column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from excise.privacy.detect.detector import ELEMENT_END, KEY_END

SEPARATORS = "\t|;,"
MOST_ROWS = 1_000
MOST_HEADER = 2_000  # characters of a header line
MOST_COLUMNS = 64
MOST_BLOCK = 262_144  # characters of a block that are read: a header of many context words has it read once for each

_RULE = re.compile(r"[\s|:+=-]+")  # the line below the header of a markdown table
_LONG_NUMBER = re.compile(r"[0-9]{4}")
_CELLS = {
    separator: re.compile(rf'[ ]*(?:"(?:[^"\n]|"")*"(?=[ ]*(?:{re.escape(separator)}|$))|[^{re.escape(separator)}\n]*)[ ]*')
    for separator in SEPARATORS
}


def cells(text: str, place: int) -> Iterator[tuple[int, int]]:
    """
    The cells below a header cell.

    Args:
        text: A document, or any text.
        place: Where a context word begins in it.

    Yields:
        (start, end) of each cell of the column in which `place` stands, without quotes and outer blanks, from the top: if that word
        stands in the first line of a block of lines with the same number of commas, semicolons, tabs or pipes (tables of markdown too);
        at most 1,000 rows of at most 256 kB. Nothing if not, and nothing for a text of one column: what is on the next line of such a
        text is near enough for a window. Cheap where there is no table: two lines are looked at.
    """
    start, end = _line(text, place)
    if end < 0 or end >= len(text) or text[end] != "\n":
        return
    header = text[start:end]
    following = _next(text, end)
    if following is None:
        return
    below = text[following[0] : following[1]]
    separator = _separator(header, below)
    if separator is None or _LONG_NUMBER.search(header) or not _is_first(text, start, header.count(separator), separator):
        return
    heads = _spans(header, separator)
    column = next((index for index, (_, cell_end) in enumerate(heads) if place - start < cell_end or cell_end == len(header)), 0)
    yield from _column(text, following, separator, len(heads), column)


def _line(text: str, place: int) -> tuple[int, int]:
    """
    The line around `place`, within its element; its end is -1 if the line is too long for a header.
    """
    floor = max(0, place - MOST_HEADER)
    start = max(text.rfind(sign, floor, place) for sign in ("\n", KEY_END, ELEMENT_END)) + 1
    if start == 0 and floor > 0:
        return 0, -1
    end = text.find("\n", place, start + MOST_HEADER)
    return start, end


def _next(text: str, end: int) -> tuple[int, int] | None:
    """
    The line after the line break at `end`, within the element; `None` if the element ends there.
    """
    start = end + 1
    if start >= len(text):
        return None
    stop = text.find("\n", start, start + MOST_HEADER)
    if stop < 0:
        stop = min(len(text), start + MOST_HEADER)
    for sign in (ELEMENT_END, KEY_END):
        if (bound := text.find(sign, start, stop)) >= 0:
            stop = bound
    return (start, stop) if stop > start else None


def _separator(header: str, below: str) -> str | None:
    """
    What both lines are divided by. One separator alone divides two columns only if the header's cells are short: else it is a sentence.
    """
    for separator in SEPARATORS:
        count = header.count(separator)
        if 0 < count < MOST_COLUMNS and (below.count(separator) == count or ('"' in below and len(_spans(below, separator)) == count + 1)):
            if count == 1 and (len(header) > 60 or header.rstrip().endswith((separator, ".", ":"))):
                continue
            return separator
    return None


def _is_first(text: str, start: int, count: int, separator: str) -> bool:
    """
    Whether no row of as many cells stands above: then the line is itself a row, whatever words it has.
    """
    if start < 2 or text[start - 1] != "\n":
        return True
    floor = max(0, start - 1 - MOST_HEADER)
    above = max(text.rfind(sign, floor, start - 1) for sign in ("\n", KEY_END, ELEMENT_END)) + 1
    return text.count(separator, max(above, floor), start - 1) != count


def _spans(line: str, separator: str) -> list[tuple[int, int]]:
    """
    The cells of a line, as (start, end) with quotes and blanks.
    """
    if '"' in line:
        cell, spans, at = _CELLS[separator], [], 0
        while (found := cell.match(line, at)) is not None:
            spans.append(found.span())
            at = found.end() + 1
            if at > len(line) or line[at - 1] != separator:
                break
        return spans
    spans, at = [], 0
    while (stop := line.find(separator, at)) >= 0:
        spans.append((at, stop))
        at = stop + 1
    spans.append((at, len(line)))
    return spans


def _column(text: str, line: tuple[int, int] | None, separator: str, width: int, column: int) -> Iterator[tuple[int, int]]:
    last = (line[0] if line else 0) + MOST_BLOCK
    for _ in range(MOST_ROWS):
        if line is None or line[0] > last:
            return
        row = text[line[0] : line[1]]
        if '"' not in row and row.count(separator) != width - 1:
            return
        spans = _spans(row, separator)
        if len(spans) != width:
            return
        if not _RULE.fullmatch(row):
            start, end = spans[column]
            cell = row[start:end]
            start += len(cell) - len(cell.lstrip(" \t\r\"'`*"))
            end -= len(cell) - len(cell.rstrip(" \t\r\"'`*"))
            if start < end:
                yield line[0] + start, line[0] + end
        if line[1] >= len(text) or text[line[1]] != "\n":
            return
        line = _next(text, line[1])
