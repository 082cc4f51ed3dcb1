"""
Form uploads, read just enough to know the model and whether a stream is wanted.
"""

from __future__ import annotations

import re
from email.message import Message

from excise.errors import BadRequest, WireError

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARTS_LIMIT = 128
_PART_HEADERS_LIMIT_BYTES = 16 * 1024
_FIELD_LIMIT_BYTES = 2048  # of the fields asked for; others are not copied


def form_fields(content_type: str, body: bytes, wanted: frozenset[str], spans: dict[str, tuple[int, int]] | None = None) -> dict[str, str]:
    """
    The text fields of a `multipart/form-data` body whose names are in `wanted` (lower case).

    Two servers must not read two models from one form. So a wanted field may come once, in any case of letters; lines that look like a
    boundary but are not quite one are refused; every part must have one plain `content-disposition`.

    Args:
        spans: Is given where in the body each value stands.

    Raises:
        WireError: Not a well-formed form, or too many parts.
        BadRequest: A wanted field is repeated, is a file, is longer than 2 KiB, or is not UTF-8.

    Source: RFC 7578, RFC 2046 5.1.1, read 2026-11.
    """
    delimiter = b"\r\n--" + _boundary(content_type)
    fields: dict[str, str] = {}
    # The first delimiter may stand at the very start, without a line end before it.
    if body.startswith(delimiter[2:]):
        position = len(delimiter) - 2
    elif body.startswith(delimiter):
        position = len(delimiter)
    else:
        raise WireError("the form does not begin with its boundary")
    for _ in range(_PARTS_LIMIT):
        if body.startswith(b"--", position):
            if body[position + 2 :].strip(b"\r\n"):
                raise WireError("the form goes on after its last boundary")
            _refuse_lookalikes(body, delimiter)
            return fields
        if not body.startswith(b"\r\n", position):
            raise WireError("a boundary of the form does not end its line")
        end = body.find(delimiter, position)
        if end < 0:
            raise WireError("the form ends without its last boundary")
        found = _part(body, position + 2, end, wanted, fields)
        if found is not None and spans is not None:
            spans[found[0]] = found[1:]
        position = end + len(delimiter)
    raise WireError(f"the form has more than {_PARTS_LIMIT} parts")


def with_field(content_type: str, body: bytes, name: str, value: str) -> bytes:
    """
    The form with one text field set, and no other byte changed. A field that is not there is added in front.

    Args:
        name: Of the field, lower case.
        value: Its text. Must hold no line end.

    Raises:
        WireError: Not a well-formed form, or the value cannot stand in it.
        BadRequest: See `form_fields`.
    """
    spans: dict[str, tuple[int, int]] = {}
    form_fields(content_type, body, frozenset((name,)), spans)
    boundary = _boundary(content_type)
    data = value.encode("utf-8")
    if b"\r" in data or b"\n" in data or b"--" + boundary in data:
        raise WireError("a field of the form cannot hold this value")
    if name in spans:
        start, end = spans[name]
        return body[:start] + data + body[end:]
    part = b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (boundary, name.encode("ascii"), data)
    return part + body.removeprefix(b"\r\n")


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundaries = [value for name, value in message.get_params(failobj=[]) if name.lower() == "boundary"]
    boundary = boundaries[0].strip() if len(boundaries) == 1 else ""
    if not _BOUNDARY.fullmatch(boundary):
        raise WireError("the form has no usable boundary")
    return boundary.encode("ascii")


def _refuse_lookalikes(body: bytes, delimiter: bytes) -> None:
    """
    Some parsers also take a boundary after a bare line feed; they would see other parts than we do.
    """
    bare = delimiter[1:]
    if body.count(bare) != body.count(delimiter):
        raise WireError("the form has a boundary after a bare line feed")


def _part(body: bytes, start: int, end: int, wanted: frozenset[str], fields: dict[str, str]) -> tuple[str, int, int] | None:
    """
    Note a wanted field; its name, and where its value stands.
    """
    if body.startswith(b"\r\n", start):
        raise WireError("a part of the form has no headers")
    blank = body.find(b"\r\n\r\n", start, min(end, start + _PART_HEADERS_LIMIT_BYTES))
    if blank < 0:
        raise WireError("a part of the form has no end of headers")
    disposition = _disposition(body[start:blank])
    name = disposition.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise WireError("a part of the form has no plain name")
    name = name.casefold()
    if name not in wanted:
        return None
    if disposition.get_filename() is not None:
        raise BadRequest(f"the form's field {name} is a file")
    if name in fields:
        raise BadRequest(f"the form's field {name} is given twice", kind="duplicate_key")
    value = body[blank + 4 : end]
    if len(value) > _FIELD_LIMIT_BYTES:
        raise BadRequest(f"the form's field {name} is too long")
    try:
        fields[name] = value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"the form's field {name} is not UTF-8") from None
    return name, blank + 4, end


def _disposition(block: bytes) -> Message:
    """
    The part's `content-disposition`, as the one header of a message.
    """
    found: list[str] = []
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or line[:1] in b" \t" or b"\n" in line or b"\r" in line:
            raise WireError("a part of the form has a malformed header")
        match name.strip().lower():
            case b"content-disposition":
                found.append(value.decode("utf-8", "replace").strip())
            case b"content-transfer-encoding" if value.strip().lower() not in (b"binary", b"7bit", b"8bit"):
                raise WireError("a part of the form has a transfer encoding; send it plain")
    if len(found) != 1 or not found[0].lower().startswith("form-data"):
        raise WireError("a part of the form needs one content-disposition of form-data")
    message = Message()
    message["content-disposition"] = found[0]
    names = [key for key, _ in message.get_params(failobj=[], header="content-disposition") if key.lower() in ("name", "name*")]
    if len(names) != 1:
        raise WireError("a part of the form has no plain name")
    return message
