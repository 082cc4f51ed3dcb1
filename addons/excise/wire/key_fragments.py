"""
Keys in the texts of providers' errors: "Incorrect API key provided: sk-abc***xyz".

Where the key is the operator's and not the caller's, the caller is not to learn any of it, nor whose account it is.
"""

from __future__ import annotations

import re

_LONGEST = 8000  # characters of a text that are looked at
_KEPT = 4000

_GONE = "[redacted]"

_SHAPES = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|xai|pplx|nvapi|csk|hf|r8|fw|ghp|gho|ghu|glpat|dapi|bce)[-_][A-Za-z0-9_*.-]{6,}
    | \bAIza[A-Za-z0-9_*-]{10,}
    | \bya29\.[A-Za-z0-9_*.-]{6,}
    | \b(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=*]{8,}
    | \beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}
    | \b(?:org|proj)[-_][A-Za-z0-9]{8,}
    | \barn:aws[a-z-]{0,10}:[^\s"'<>]{1,300}
    """,
    re.VERBOSE,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=*-]{6,}")
# "API key provided: xyz", "Your api key: ****-key is invalid", "API key ID: …"; not "your API key at https://…".
_NAMED = re.compile(r"(?i)\b((?:api|access|secret|subscription|auth)[ _-]?(?:key|token)\b[^:=.\n\[]{0,30}[:=]\s{0,3})(?!//)[^\s,;]{1,400}")
_PARAMETER = re.compile(r"(?i)([?&](?:key|api[_-]?key|access[_-]?token|token|sig|signature)=)[^&\s\"'<>]{1,400}")
_MASKED = re.compile(r"[^\s\"'<>*]{0,100}+\*{3,}[^\s\"'<>,]{0,100}")


def without_keys(text: str) -> str:
    """
    The text without keys, fragments of keys, tokens, and names of accounts; cut to a few thousand characters.
    """
    text = text[:_LONGEST]
    text = _NAMED.sub(rf"\1{_GONE}", text)
    text = _BEARER.sub(rf"\1 {_GONE}", text)
    text = _PARAMETER.sub(rf"\1{_GONE}", text)
    text = _SHAPES.sub(_GONE, text)
    if "***" in text:
        text = _MASKED.sub(_GONE, text)
    return text[:_KEPT]
