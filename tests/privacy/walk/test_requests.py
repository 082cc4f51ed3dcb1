"""
Forms, queries, headers and files: every byte is scanned, left out by a rule, known to be binary, or not understood.
"""

from __future__ import annotations

import base64
import email
import gzip
import json
import urllib.parse
from email.message import Message

import orjson
import pytest

from excise.errors import BadRequest, WireError
from excise.privacy.walk.layer import Place
from excise.privacy.walk.source import Source, of_request
from privacy.walk.marker import MARKER, TOKEN, of_json, replaced, spots

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
BOUNDARY = "----form7MA4YWxk"


def _form(*parts: tuple[str, bytes], boundary: str = BOUNDARY) -> bytes:
    made = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts)
    return made + f"--{boundary}--\r\n".encode()


def _field(name: str, value: bytes) -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="{name}"', value


def _file(name: str, filename: str, content_type: str, data: bytes) -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {content_type}', data


def _of_form(body: bytes) -> Source:
    return of_request("POST", "/v1/files", (), f"multipart/form-data; boundary={BOUNDARY}", body, None)


def _read(body: bytes) -> list[Message]:
    message = email.message_from_bytes(f"content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode() + body)
    return list(message.get_payload())  # type: ignore[arg-type]


def test_a_form_is_read_part_by_part() -> None:
    """
    Fields, file names, text files and batches of JSON lines are rewritten where they stand; the picture between them stays.
    """
    line = {"custom_id": "a", "body": {"messages": [{"role": "user", "content": f"I am {MARKER}"}]}}
    batch = b"\n".join(json.dumps(line | {"custom_id": str(at)}).encode() for at in range(3)) + b"\n"
    body = _form(
        _field("purpose", b"batch"),
        _field("prompt", f"for {MARKER}".encode()),
        _field("metadata", json.dumps({"who": {"is": MARKER}}).encode()),
        _file("image", f"{MARKER}.png", "image/png", PNG),
        _file("file", "batch.jsonl", "application/jsonl", batch),
        _file("file", "notes.txt", "text/plain", f"ünd {MARKER}\r\n".encode()),
        _file("file", "old.txt", "text/plain", f"für {MARKER}".encode("latin-1")),
    )
    source = _of_form(body)
    sent = replaced(source).body
    parts = _read(sent)

    assert {spot.place for spot in spots(source)} == {Place.FORM_FIELD, Place.FORM_FILENAME, Place.BODY_STRING}
    assert sent == body.replace(MARKER.encode(), TOKEN.encode())
    assert parts[3].get_filename() == f"{TOKEN}.png"
    assert parts[3].get_payload(decode=True) == PNG
    assert [(part.media_type, part.bytes_count) for part in source.coverage.binary] == [("image/png", len(PNG))]
    assert not source.coverage.unknown


def test_a_name_in_a_form_cannot_end_its_quotes() -> None:
    """
    What stands in for a file name stays inside its header.
    """
    source = _of_form(_form(_file("file", f"a {MARKER}.txt", "text/plain", b"x")))
    (part,) = _read(replaced(source, 'x"\r\nevil: 1').body)

    assert part.keys() == ["Content-Disposition", "Content-Type"]
    assert "evil" in str(part.get_filename())


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"--" + BOUNDARY.encode() + b"\r\n", _form(_field("a", b"b")) + b"more", _form(_field("a", b"\n--" + BOUNDARY.encode()))],
)
def test_a_form_two_servers_may_read_differently_is_refused(body: bytes) -> None:
    """
    No boundary, no end, something after the end, a boundary after a bare line feed.
    """
    if body:
        with pytest.raises(WireError):
            _of_form(body)


@pytest.mark.parametrize("coded", [MARKER, "".join(f"%{ord(one):02X}" for one in MARKER), f"a+b%20{MARKER}%C3%BC"])
def test_queries_and_urlencoded_bodies(coded: str) -> None:
    """
    Keys and values are read percent-decoded; only the value's own spelling changes.
    """
    query = f"alt=sse&user={coded}&{coded}=1&z=%2f"
    source = of_request("POST", f"/v1/x?{query}", (), "application/x-www-form-urlencoded", query.encode(), None)
    sent = replaced(source, "a b&c=d")
    body = sent.body.decode()

    assert [spot.place for spot in spots(source)].count(Place.QUERY) == 2
    assert sent.path == f"/v1/x?{body}"
    assert body.startswith("alt=sse&user=")
    assert body.endswith("=1&z=%2f")
    wanted = urllib.parse.unquote_plus(coded).replace(MARKER, "a b&c=d")
    assert urllib.parse.parse_qs(body) == {"alt": ["sse"], "user": [wanted], wanted: ["1"], "z": ["/"]}


def test_what_a_path_holds_is_seen_and_cannot_be_changed() -> None:
    """
    A path says what is called: a value in it can only be blocked.
    """
    source = of_request("GET", f"/v1/files/{MARKER}%20x", (), "", b"", None)
    (spot,) = spots(source)

    assert (spot.place, spot.frozen, spot.signed) == (Place.PATH, True, False)
    with pytest.raises(BadRequest):
        source.rewrite([(spot, TOKEN)])


def test_credentials_of_a_query_stay() -> None:
    """
    Gemini's key goes by the query; a sentence under its name does not.
    """
    key = "AIza" + "SyA1b2C3d4" * 3
    assert key not in of_request("POST", f"/v1beta/x?key={key}", (), "", b"", None).text
    assert spots(of_request("POST", f"/v1beta/x?key=I+am+{MARKER}+hello", (), "", b"", None))


HEADERS = {
    "x-title": f"App of {MARKER}",
    "HTTP-Referer": f"https://x.example/{''.join(f'%{ord(one):02x}' for one in MARKER)}",
    "X-Metadata": json.dumps({"user": MARKER}),
    "x-user": f"UTF-8''{''.join(f'%{ord(one):02x}' for one in MARKER)}",
    "Cookie": f"id={MARKER}",
    "user-agent": f"curl of jo@x.example {MARKER}",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_carry_content_are_rewritten(name: str) -> None:
    """
    Gateways take titles and metadata in headers; what is written there never ends the line.
    """
    headers = ((b"Accept", b"*/*"), (name.encode(), HEADERS[name].encode()), (b"authorization", b"Bearer " + MARKER.encode()))
    source = of_request("POST", "/", headers, "", b"", None)
    (spot,) = spots(source)
    sent = source.rewrite([(spot, "x\r\nevil: 1")]).headers

    assert spot.place is Place.HEADER
    assert sent[0] is headers[0]
    assert sent[2] is headers[2]
    assert b"\n" not in sent[1][1]
    assert b"evil" in sent[1][1]
    assert MARKER.encode() not in sent[1][1]


def test_a_header_in_latin_1_keeps_its_charset() -> None:
    """
    Bytes that are no UTF-8 are read, and written, as HTTP/1 defines them.
    """
    source = of_request("POST", "/", ((b"x-title", b"f\xfcr " + MARKER.encode()),), "", b"", None)

    assert replaced(source).headers == ((b"x-title", b"f\xfcr " + TOKEN.encode()),)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", f"ünd {MARKER}".encode()),
        ("text/plain; charset=iso-8859-1", f"für {MARKER}".encode("latin-1")),
        ("application/x-ndjson", b"\n".join(json.dumps({"t": f"x\n{MARKER}"}).encode() for _ in range(2))),
        ("application/jsonl", b'{"a": "' + MARKER.encode() + b'"}\r\n{"a": 1}\r\n'),
        ("application/json", b'{"a": "\\u007aq12345678qz"}'),
        ("", f"{MARKER}".encode()),
        ("application/xml", f"<a>{MARKER.replace('z', '&#122;')}</a>".encode()),
        ("application/octet-stream", f"text all the same {MARKER}".encode()),
        ("image/png", f"text all the same {MARKER}".encode()),
    ],
)
def test_bodies_of_text(content_type: str, body: bytes) -> None:
    """
    Whatever a body is called, text is scanned.
    """
    source = of_request("POST", "/", (), content_type, body, None)
    sent = replaced(source).body

    assert spots(source)
    assert MARKER.encode() not in sent
    assert TOKEN.encode() in sent
    assert not source.coverage.unknown


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/grpc+proto", b"\x00\x00\x00\x00\x05hello"),
        ("application/x-protobuf", b"\x0a\x05hello"),
        ("multipart/mixed; boundary=x", b"--x--"),
        ("application/x-thing", b"\x00\x01\x02\x03\xff\xfe"),
        ("text/plain; charset=utf-7", b"+AHo-q"),
        ("text/plain", gzip.compress(b"x")[:2] + b"\x00\x01\x02\x03"),
    ],
)
def test_what_is_not_understood_is_said(content_type: str, body: bytes) -> None:
    """
    The caller refuses what nobody here can read.
    """
    coverage = of_request("POST", "/", (), content_type, body, None).coverage

    assert coverage.unknown[0].where == "$"
    assert coverage.unscanned >= len(body)


@pytest.mark.parametrize(
    ("content_type", "body", "media_type"),
    [
        ("audio/wav", b"RIFF\x00\x00\x00\x00WAVE\x00\x01\xff", "audio/wav"),
        ("application/octet-stream", PNG, "image/png"),
        ("", PNG, "image/png"),
    ],
)
def test_binary_bodies_are_accounted_for(content_type: str, body: bytes, media_type: str) -> None:
    """
    They are not scanned; policy decides.
    """
    coverage = of_request("POST", "/", (), content_type, body, None).coverage

    assert [part.media_type for part in coverage.binary] == [media_type]
    assert coverage.scanned == 1  # the path


def _image(data: bytes, declared: str = "image/png") -> dict[str, object]:
    source = {"type": "base64", "media_type": declared, "data": base64.b64encode(data).decode()}
    return {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}


@pytest.mark.parametrize("size", [20, 1000])
def test_pictures_are_listed_and_never_changed(size: int) -> None:
    """
    Not even what looks like a value by chance inside their base64 is in the document.
    """
    coded = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\x00" * (size - 2)).decode()
    planted = coded[:16] + MARKER + coded[28:]
    value = _image(b"")
    value["messages"][0]["content"][0]["source"]["data"] = planted  # type: ignore[index]
    source = of_json(value)

    assert not spots(source)
    assert [(part.media_type, part.where) for part in source.coverage.binary] == [("image/png", "$.messages[0].content[0].source.data")]


@pytest.mark.parametrize(
    "value",
    [
        {"image_url": {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}},
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"images": [base64.b64encode(PNG).decode()]},
        {"content": "look: ![x](data:image/png;base64," + base64.b64encode(PNG).decode() + ") nice"},
    ],
)
def test_data_is_known_wherever_it_stands(value: dict[str, object]) -> None:
    """
    Data URLs, inline data, bare base64: by their bytes.
    """
    assert [(part.media_type, part.bytes_count) for part in of_json(value).coverage.binary] == [("image/png", len(PNG))]


def test_text_called_a_picture_is_text() -> None:
    """
    What it is counts, not what it is called.
    """
    source = of_json(_image(f"hello, {MARKER}".encode()))
    sent = orjson.loads(replaced(source).body)

    assert base64.b64decode(sent["messages"][0]["content"][0]["source"]["data"]).decode() == f"hello, {TOKEN}"
    assert not source.coverage.binary


def test_extracted_text_is_scanned_and_cannot_be_changed() -> None:
    """
    A PDF's text comes from an extractor; what is found in it can only be blocked.
    """
    pdf = b"%PDF-1.7\n" + bytes(range(256))
    source = of_json(_image(pdf, "application/pdf"), extract=lambda media_type, data: f"{media_type} {len(data)} {MARKER}")
    (spot,) = spots(source)

    assert f"application/pdf {len(pdf)}" in source.text
    assert spot.frozen
    assert not spot.signed


def test_token_ids_are_no_text() -> None:
    """
    A prompt as token ids says what its text says, to the model's tokenizer alone: it is not understood, and the reason says what to do.
    """
    (unknown,) = of_json({"input": [[9906, 1917, 11, 420] * 4]}).coverage.unknown

    assert unknown.where == "$.input[0]"
    assert "send text" in unknown.why
    assert not of_json({"counts": [1, 2, 3] * 9}).coverage.unknown


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("連絡先は\n", "shift-jis"),
        ("联系方式和客户\n", "gb18030"),
        ("контактные данные клиента ", "koi8-r"),
        ('{"a": "контактные данные"}\n', "cp1251"),
        ("\x08\x08ab ", "ascii"),
    ],
)
@pytest.mark.parametrize(("name", "content_type"), [("a.csv", "application/octet-stream"), ("a.jsonl", ""), ("a", "text/plain")])
def test_text_in_any_charset_shows_its_ascii(text: str, charset: str, name: str, content_type: str) -> None:
    """
    What is called text is read, whatever its letters are; the bytes around a value stay.
    """
    around = (text * 30).encode(charset)
    source = _of_form(_form(_file("file", name, content_type, around + MARKER.encode())))

    assert around + TOKEN.encode() in replaced(source).body
    assert not source.coverage.unknown
    assert not source.coverage.binary


@pytest.mark.parametrize("data", ["x y".encode("utf-16") + b"x", "a person called x, who lives there".encode("cp037")])
def test_text_that_shows_nothing_is_not_understood(data: bytes) -> None:
    """
    UTF-16 with half a character, EBCDIC: there is text in it, and nobody here sees it.
    """
    source = _of_form(_form(_file("file", "a.txt", "text/plain", data)))

    assert source.coverage.unknown
    assert not source.coverage.binary


def test_letters_in_unknown_bytes_are_seen() -> None:
    """
    Bytes of no known kind are binary, but a value in plain letters among them can be blocked.
    """
    data = bytes(range(256)) + f" {MARKER} ".encode() + bytes(range(128, 256))

    for source in (
        _of_form(_form(_file("file", "a.bin", "application/octet-stream", data))),
        of_request("POST", "/", (), "application/octet-stream", data, None),
    ):
        assert [spot.frozen for spot in spots(source)] == [True]
        assert source.coverage.binary
