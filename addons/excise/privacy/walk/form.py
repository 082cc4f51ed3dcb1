"""
Forms: every field, file and file name of a `multipart/form-data` body, each where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message
from typing import NamedTuple

from excise.errors import WireError
from excise.privacy.walk.component import FILE_NAME
from excise.privacy.walk.intake import Intake
from excise.privacy.walk.layer import Layer, Place
from excise.wire.multipart import _boundary, _disposition, _refuse_lookalikes

_PARTS_LIMIT = 128
_PART_HEADERS_LIMIT_BYTES = 16 * 1024
_FILE_NAME = re.compile(
    r"(?<![\w*])(filename\*?|name)[ \t]{0,8}=[ \t]{0,8}(?:\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\"|([^\s;\"]+))", re.IGNORECASE
)

type Root = Callable[[str, str, int, int, Place], Layer]


class _Part(NamedTuple):
    head: int
    blank: int
    end: int


def parts(content_type: str, body: bytes) -> list[_Part]:
    """
    Where the parts of a form stand: their headers from `head` to `blank`, their content from `blank` + 4 to `end`.

    Raises:
        WireError: Not a well-formed form, or one two servers may read differently.
    """
    delimiter = b"\r\n--" + _boundary(content_type)
    _refuse_lookalikes(body, delimiter)
    if body.startswith(delimiter[2:]):
        position = len(delimiter) - 2
    elif body.startswith(delimiter):
        position = len(delimiter)
    else:
        raise WireError("the form does not begin with its boundary")
    found: list[_Part] = []
    while not body.startswith(b"--", position):
        if not body.startswith(b"\r\n", position):
            raise WireError("a boundary of the form does not end its line")
        if len(found) == _PARTS_LIMIT:
            raise WireError(f"the form has more than {_PARTS_LIMIT} parts")
        end = body.find(delimiter, position)
        if end < 0:
            raise WireError("the form ends without its last boundary")
        head = position + 2
        blank = body.find(b"\r\n\r\n", head, min(end, head + _PART_HEADERS_LIMIT_BYTES))
        if blank < 0 or body.startswith(b"\r\n", head):
            raise WireError("a part of the form has no headers, or no end of them")
        found.append(_Part(head, blank, end))
        position = end + len(delimiter)
    if body[position + 2 :].strip(b"\r\n"):
        raise WireError("the form goes on after its last boundary")
    return found


def take_form(intake: Intake, content_type: str, body: bytes, root: Root) -> None:
    """
    Take in a form.

    Args:
        root: (text, charset, start, end, place) -> the layer of a stretch of the body, whose changes are written there.
    """
    for part in parts(content_type, body):
        block = body[part.head : part.blank]
        disposition = _disposition(block)
        name = disposition.get_param("name", header="content-disposition")
        key = name if isinstance(name, str) else ""
        filename = disposition.get_filename()
        declared = _content_type(block)
        _headers(intake, block, part.head, root)
        data = body[part.blank + 4 : part.end]
        start, end = part.blank + 4, part.end
        place = Place.FORM_FIELD

        def layer_of(text: str, charset: str, start: int = start, end: int = end, place: Place = place, key: str = key) -> Layer:
            layer = root(text, charset, start, end, place)
            layer.trail = ((None, "form"), key)
            return layer

        if filename is None and not declared:
            try:
                intake.text(layer_of(data.decode("utf-8"), "utf-8"), key)
                continue
            except UnicodeDecodeError:
                pass
        intake.file(layer_of, data, declared, (filename or "").lower(), ((None, "form"), key))


def _content_type(block: bytes) -> str:
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            message = Message()
            message["content-type"] = value.decode("latin-1").strip()
            return message.get_content_type() if value.strip() else ""
    return ""


def _headers(intake: Intake, block: bytes, head: int, root: Root) -> None:
    """
    The headers of a part: names of files can be replaced, the rest is only looked at.
    """
    try:
        text, charset = block.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, charset = block.decode("latin-1"), "latin-1"
    whole = root(text, charset, head, head + len(block), Place.FORM_FILENAME)
    whole.trail = (None, "form")
    seen: list[tuple[int, int]] = []
    for line in re.finditer(r"content-disposition[^\r\n]*", text, re.IGNORECASE):
        for found in _FILE_NAME.finditer(text, line.start(), line.end()):
            at = 2 if found[2] is not None else 3
            start, end = found.span(at)
            named = found[1].lower() != "name"
            seen.append((start, end))
            layer = Layer(
                found[at],
                whole,
                (start, end),
                codec=FILE_NAME,
                place=Place.FORM_FILENAME if named else Place.FORM_FIELD,
                frozen=not named,
                trail=((None, "form"), "filename" if named else "name"),
                depth=1,
            )
            intake.plain(layer, "filename" if named else "")
    position = 0
    for start, end in [*seen, (len(text), len(text))]:
        if start > position:
            rest = Layer(text[position:start], whole, (position, start), place=Place.FORM_FIELD, frozen=True, trail=(None, "form"), depth=1)
            intake.document.put(rest)
        position = max(position, end)
