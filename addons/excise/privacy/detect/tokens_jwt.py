"""
JSON web tokens: signed (three parts), without a signature (`alg` none), encrypted (five parts).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error

import orjson

from excise.privacy.detect.detector import Detector


def _has_header(match: re.Match[str]) -> bool:
    header = match["header"]
    try:
        decoded = orjson.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (Error, ValueError):
        return False
    return isinstance(decoded, dict) and isinstance(decoded.get("alg"), str)


_HEADER = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
_CLAIMS = "eyJzdWIiOiIxMjM0NTY3ODkwIn0"

RULES = (
    Detector(
        name="jwt",
        entity="JWT",
        # A header is an object: `{"`, or `{` and white space. What stands in front may be other base64, glued on without a separator.
        keywords=("eyj", "ewog", "ewoj", "ew0k", "eyai"),
        pattern=r"(?:(?<![\w-])|(?<=[_-])|(?<=\\[nrt])|(?<=%20)|(?<=%3D))(?P<header>(?:eyJ|ewog|ewoJ|ew0K|eyAi)[\w-]{10,1000}+)\.(?P<claims>[\w-]{4,65536}+|(?=\.))"
        r"(?:\.[\w-]{0,8192}+)(?:\.[\w-]{8,65536}+\.[\w-]{16,128}+)?",
        validate=_has_header,
        hits=(
            _HEADER + "." + _CLAIMS + "." + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "eyJhbGciOiJub25lIn0" + "." + _CLAIMS + ".",
            "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0"
            + "..48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.SdiwkIr3ajwQzaBtQD_A",
        ),
        misses=(_HEADER, _HEADER + ".", "eyJhIjoxfQ." + _CLAIMS + ".abc", "eyJx.eyJy.eyJz"),
    ),
    Detector(
        # JWTs in Kubernetes Secrets and Authorization values are encoded once more: `eyJhbGciOi` becomes `ZXlKaGJHY2lPa`.
        name="jwt-encoded",
        entity="JWT",
        keywords=("zxlkagjhy2lpa", "zxlkmgvyqwlpa", "zxlkcmzpsjp"),
        pattern=r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{60,8192}+={0,2}",
        hits=("ZXlKaGJHY2lPaUpJVXpJMU5pSXNJblI1Y0NJNklrcFhWQ0o5LmV5SnpkV0lpT2lJeE1qTTBO" + "VFkzT0Rrd0luMC5kQmpmdEplWjRDVlA=",),
        misses=("ZXlKaGJHY2lPaUpJVXpJ",),
    ),
)
