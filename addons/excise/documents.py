"""
The text of PDF and office files, so that it can be scanned. In a process of its own, without files or network to misuse and with little
time and memory: such files come from anywhere, and their readers are large.

Run as `python -m excise.documents MEDIA-TYPE`: the file on standard input, its text on standard output, exit status 3 where it is no
document we can read.
"""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from html import unescape

MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_SECONDS = 10
MAX_MEMORY_BYTES = 1 << 30
_UNREADABLE = 3

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
_OFFICE = {
    f"{_OOXML}wordprocessingml.document": re.compile(r"word/[a-z0-9]+\.xml"),
    f"{_OOXML}spreadsheetml.sheet": re.compile(r"xl/(sharedStrings|workbook|comments[0-9]*|worksheets/[^/]+)\.xml"),
    f"{_OOXML}presentationml.presentation": re.compile(r"ppt/(slides|notesSlides|comments)/[^/]+\.xml"),
    f"{_ODF}text": re.compile(r"(content|meta|styles)\.xml"),
    f"{_ODF}spreadsheet": re.compile(r"(content|meta)\.xml"),
    f"{_ODF}presentation": re.compile(r"(content|meta|styles)\.xml"),
}
_PROPERTIES = re.compile(r"docProps/[a-z]+\.xml")  # author, company, title
_BLOCK_END = re.compile(r"</(?:[a-z]+:)?(?:p|si|row|tr|h|v|t)>|<(?:[a-z]+:)?(?:br|tab|cr)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


def extractor() -> Callable[[str, bytes], str | None] | None:
    """
    A function from media type and content to text, `None` for what is no document; itself `None` where the extra `documents` is not
    installed. It starts a process and waits up to `MAX_SECONDS`: call it in a thread.
    """
    try:
        import pypdf  # noqa: F401 - is it there?
    except ImportError:
        return None
    return _text_apart


def _text_apart(media_type: str, content: bytes) -> str | None:
    if kind_of(media_type, content) is None:
        return None
    command = [sys.executable, "-I", "-m", "excise.documents", media_type]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=MAX_SECONDS, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def kind_of(media_type: str, content: bytes) -> str | None:
    """
    What a file is: `application/pdf` or one of the office types; `None` for others. The content decides, and the name only between
    office types.
    """
    if content[:1024].lstrip().startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(b"PK\x03\x04"):
        if media_type in _OFFICE:
            return media_type
        for name, mark in (("word/", "word"), ("xl/", "sheet"), ("ppt/", "presentation")):
            if name.encode() in content:
                return next(office for office in _OFFICE if mark in office)
        return f"{_ODF}text" if b"content.xml" in content else None
    return None


def text_of(media_type: str, content: bytes) -> str:
    """
    All text of a document, metadata included.

    Raises:
        ValueError: It is encrypted, broken, of another kind, or longer than `MAX_TEXT_BYTES`; or parts of it have no text (scanned pages).
    """
    kind = kind_of(media_type, content)
    if kind is None:
        raise ValueError("no document")
    pieces = _pdf(content) if kind == "application/pdf" else _office(_OFFICE[kind], content)
    text: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_TEXT_BYTES:
            raise ValueError("too much text")
        text.append(piece)
    return "\n".join(text)


def _pdf(content: bytes) -> Iterator[str]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise ValueError("encrypted")
        yield from (str(value) for value in (reader.metadata or {}).values())
        if reader.attachments:
            raise ValueError("files inside")
        for page in reader.pages:
            text = page.extract_text()
            if not text.strip() and "/XObject" in page.get("/Resources", {}):
                raise ValueError("a page that is a picture")
            yield text
            for note in page.get("/Annots") or ():
                yield str(note.get_object().get("/Contents", ""))
        yield from (f"{name} {field.get('/V', '')}" for name, field in (reader.get_fields() or {}).items())
    except (PyPdfError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        raise ValueError("broken") from error


def _office(wanted: re.Pattern[str], content: bytes) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [part for part in archive.infolist() if wanted.fullmatch(part.filename) or _PROPERTIES.fullmatch(part.filename)]
            if sum(part.file_size for part in parts) > 4 * MAX_TEXT_BYTES:
                raise ValueError("too much text")
            if not parts:
                raise ValueError("broken")
            for part in parts:
                with archive.open(part) as stream:
                    xml = stream.read(4 * MAX_TEXT_BYTES + 1).decode("utf-8")
                yield unescape(_TAG.sub("", _BLOCK_END.sub("\n", xml)))
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError("broken") from error


def main() -> int:
    """
    Read one document under limits.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        text = text_of(sys.argv[1] if len(sys.argv) > 1 else "", sys.stdin.buffer.read())
    except (ValueError, MemoryError):
        return _UNREADABLE
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
