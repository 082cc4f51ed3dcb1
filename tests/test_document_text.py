"""
The text of PDF and office files, read in a process of its own.
"""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from excise.documents import MAX_SECONDS, extractor, kind_of, text_of

pypdf = pytest.importorskip("pypdf", reason="the extra `documents` is not installed")
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def office(**parts: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return made.getvalue()


def pdf(text: str, **about: str) -> bytes:
    """
    One page that says `text`, written by hand: the library only copies pages.
    """
    content = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >> stream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< " + b" ".join(f"/{name} ({value})".encode() for name, value in about.items()) + b" >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 7\n0000000000 65535 f \n%btrailer << /Size 7 /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF" % (table, len(body))
    return body + end


def read(content: bytes, media_type: str = "") -> str | None:
    extract = extractor()
    assert extract is not None
    return extract(media_type, content)


def test_a_pdf_gives_its_text_and_who_wrote_it() -> None:
    """
    Pages and metadata.
    """
    text = read(pdf("call jane.doe@example.com", Author="John Smith"), "application/pdf")

    assert text is not None
    assert "jane.doe@example.com" in text
    assert "John Smith" in text


def test_office_files_give_their_text() -> None:
    """
    Paragraphs apart, runs together, entities undone, comments and properties too.
    """
    body = "<w:p><w:r><w:t>jane</w:t></w:r><w:r><w:t xml:space='preserve'>.doe@example.com</w:t></w:r></w:p><w:p><w:t>A&amp;B</w:t></w:p>"
    text = read(office(word__document=body, word__comments="<w:t>a note</w:t>", docProps__core="<dc:creator>J. Smith</dc:creator>"), DOCX)

    assert text is not None
    assert "A&B" in text
    assert "a note" in text
    assert "J. Smith" in text


def test_the_content_says_what_a_file_is() -> None:
    """
    Whatever it is called.
    """
    assert kind_of("image/png", pdf("x")) == "application/pdf"
    assert kind_of("", office(word__document="x")) == DOCX
    assert kind_of("application/pdf", b"GIF89a") is None
    assert read(b"GIF89a", "application/pdf") is None


@pytest.mark.parametrize(
    "content",
    [
        pdf("x")[:200],
        pdf("x").replace(b"/Type /Catalog", b"/Type /Nothing"),
        b"%PDF-1.4\n" + b"1 0 obj\n<< /Kids [1 0 R] >>\n" * 10,
        b"PK\x03\x04" + b"\0" * 100 + b"word/",
        office(word__document="x")[:-30],
    ],
)
def test_what_cannot_be_read_gives_nothing(content: bytes) -> None:
    """
    Broken files are no documents: whoever asked treats them as binary.
    """
    text = read(content)

    assert not text or text.strip() == "" or "x" in text  # some readers mend what is broken


def test_bombs_are_refused_in_time() -> None:
    """
    Neither memory nor time without end.
    """
    began = time.monotonic()

    assert read(office(word__document="<w:t>" + "a" * (80 << 20) + "</w:t>"), DOCX) is None
    assert time.monotonic() - began < MAX_SECONDS + 5
    with pytest.raises(ValueError, match="too much text"):
        text_of(DOCX, office(word__document="<w:t>" + "a" * (17 << 20) + "</w:t>"))
