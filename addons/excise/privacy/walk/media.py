"""
What bytes are: by what they say they are and by how they begin.
"""

from __future__ import annotations

# Longest first where one begins another.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"BZh91AY&SY", "application/x-bzip2"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"ID3\x03\x00", "audio/mpeg"),
    (b"ID3\x04\x00", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"OggS\x00", "audio/ogg"),
    (b"fLaC\x00", "audio/flac"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", "application/x-executable"),
    (b"PAR1", "application/vnd.apache.parquet"),
)
_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}
MAGIC_BYTES = 16  # enough of a beginning to know it

_TEXT_TYPES_WORDS = """
    application/json application/jsonl application/x-ndjson application/ndjson application/xml application/yaml application/x-yaml
    application/toml application/sql application/javascript application/x-javascript application/typescript application/rtf
    application/x-sh application/x-www-form-urlencoded application/graphql message/rfc822 image/svg+xml
"""
_TEXT_TYPES = frozenset(_TEXT_TYPES_WORDS.split())
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r\f\x1b") + b"\x7f"
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\r"
_NAMES_WORDS = """
    .txt .text .csv .tsv .json .jsonl .ndjson .md .markdown .log .xml .html .htm .yaml .yml .toml .ini .cfg .conf .env .properties .sql
    .py .js .ts .java .c .h .cpp .cs .go .rs .rb .php .sh .rtf .srt .vtt .tex .eml .ics .vcf
"""
_NAMES = tuple(_NAMES_WORDS.split())


def is_text_name(name: str) -> bool:
    """
    Whether a file's name (lower case) is one of text.
    """
    return name.endswith(_NAMES)


def shows_ascii(data: bytes) -> bool:
    """
    Whether bytes of text in an unknown charset show what of it is ASCII when they are read as Latin-1: Shift-JIS, GB 18030, KOI8 and
    Windows' do; UTF-16 and EBCDIC do not.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data.count(0) * 20 > len(data):
        return False
    # Text of any length has a blank, a comma or a line end; EBCDIC writes them otherwise.
    return len(data) - len(data.translate(None, b" \t\r\n,;")) > len(data) // 1000


def is_text_type(media_type: str) -> bool:
    """
    Whether a declared media type (lower case, no parameters) is of text.
    """
    return media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+json", "+xml", "+yaml"))


def magic(head: bytes) -> str | None:
    """
    The media type the first `MAGIC_BYTES` give away; `None` where they do not.
    """
    for start, media_type in _MAGIC:
        if head.startswith(start):
            return media_type
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return None


def charset_of(data: bytes, *, declared_text: bool = False) -> str | None:
    """
    The charset in which bytes are text, so that decoding and encoding again gives the same bytes; `None` where they are none.

    Args:
        declared_text: They are said to be text; then a few control characters, and letters of Latin-1, are believed.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and len(data) % 2 == 0:
        name = "utf-16-le" if data[:2] == b"\xff\xfe" else "utf-16-be"
        return name if _decodes(data, name) else None
    controls = len(data) - len(data.translate(None, _CONTROLS))
    # PowerShell encodes its commands like this: every other byte of Latin text is zero.
    if controls * 3 > len(data) and len(data) >= 8 and len(data) % 2 == 0:
        for name, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
            if zeros.count(0) * 10 >= len(zeros) * 9 and _decodes(data, name):
                return name
    if controls * 20 > len(data):
        return None
    if _decodes(data, "utf-8"):
        # Random bytes may be UTF-8 by chance only where they are few; then they are hardly ever all printable.
        return "utf-8" if declared_text or len(data) >= 64 or data.decode().replace("\n", " ").replace("\t", " ").isprintable() else None
    plain = len(data) - len(data.translate(None, _PLAIN))
    return "latin-1" if plain * 100 >= len(data) * (60 if declared_text else 85) else None


def _decodes(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return False
    return True
