"""
Private keys, by the form they are kept in: PEM and OpenPGP blocks however they were escaped or cut, PuTTY, JWK, XML of .NET.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from excise.privacy.detect.detector import ELEMENT_END, Detector, Finding

_LONGEST_BLOCK = 32_768  # an RSA key of 16384 bits is 12,700 characters of PEM; OpenPGP keys with photos are longer, and cut

_BEGIN = re.compile(r"(?i)-{4,5} ?BEGIN (?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?) ?-{4,5}")
_END = re.compile(r"(?i)-{4,5} ?(?:END|BEGIN) [A-Z0-9 ]{0,48}-{4,5}")
# Lines of a block without its end: long runs of base64, between them line ends real or escaped, the quotes, signs and margins that
# programs, diffs and mails add; then one shorter run, if it stands alone on the next line.
_LINES = re.compile(
    r"(?:(?:[ \t\r\n\"'>*#|,+]|\\+[nrt\"]|(?:Proc-Type|DEK-Info|Version|Comment|Charset):[^\r\n\\]{0,120}+){1,16}+"
    r"[A-Za-z0-9+/]{16,}+={0,2})*+"
    r"(?:(?:\r?\n|\\+n)[ \t>*#|]{0,8}[A-Za-z0-9+/]{1,80}+={0,2}(?=\\|[\r\n\"'\x03]|\Z))?"
)
_BODY = re.compile(r"[A-Za-z0-9+/=]+")
_MARGIN = re.compile(r"\\+[nrt]|[\s\"'+>*#|,\\]+|(?:Proc-Type|DEK-Info|Version|Comment|Charset):[^\r\n\\]{0,120}")
_WRITTEN = re.compile(r"[\"'`]|[^\s:] [^\s]")  # pieces of a program, words of a sentence
_LEAST_CUT_BODY = 24  # characters of base64 behind a BEGIN that has no END
_LEAST_CODED_BODY = 40  # between what may be code or words


_CUT = "-----BEGIN PRIVATE " + "KEY----- MIGHAgEAMBMGByqGSM49AgEGCCqGSM49"


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """
    `-----BEGIN … PRIVATE KEY-----` and what belongs to it. A block that was cut ends with its last line of base64.

    Source: RFC 7468 and RFC 4716 (the four dashes), RFC 9580 6.2, read 2026-11.
    """

    name: str = "private-key-block"
    entities: tuple[str, ...] = ("PRIVATE_KEY",)
    keywords: tuple[str, ...] = ("---begin ", "--- begin ")
    hits: tuple[str | tuple[str, str], ...] = (
        "-----BEGIN RSA PRIVATE " + "KEY-----\n" + "MIIEpAIBAAKCAQEA0mB5k3Zq7y9wXv\n" * 3 + "-----END RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE " + "KEY-----\\n" + "b3BlbnNzaC1rZXktdjEAAAAA\\n" * 2 + "-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\nVersion: 1\n\nlQOYBF4zQpMBCAC7vQZ3\n=aB3d\n-----END PGP PRIVATE KEY BLOCK-----",
        (
            "key: -----BEGIN PRIVATE " + "KEY----- MIGHAgEAMBMGByqGSM49AgEGCCqGSM49",
            "-----BEGIN PRIVATE " + "KEY----- MIGHAgEAMBMGByqGSM49AgEGCCqGSM49",
        ),
    )
    misses: tuple[str, ...] = (
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        "a block starts with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----",
        '"-----BEGIN PRIVATE KEY-----\\n" + body + "\\n-----END PRIVATE KEY-----"',
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nXXXX\nXXXX\n-----END PRIVATE KEY-----",
        "pem = '-----BEGIN RSA PRIVATE KEY-----\\n'\npem += b64encode(private_key_of_this_person)\npem += '-----END RSA PRIVATE KEY-----'",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = 0
        for place in places:
            if place < done or (begin := _BEGIN.match(text, max(done, place - 2)) or _BEGIN.match(text, max(done, place - 1))) is None:
                continue
            start, body = begin.span()
            bound = text.find(ELEMENT_END, body, body + _LONGEST_BLOCK)
            limit = bound if bound >= 0 else min(len(text), body + _LONGEST_BLOCK)
            end = _END.search(text, body, limit)
            if end is not None and " PRIVATE " in f" {end[0].upper()}" and "END" in end[0].upper()[:9]:
                stop, least = end.end(), 8
                inside = text[body : end.start()]
                if _WRITTEN.search(inside.strip()):
                    least = _LEAST_CODED_BODY
            else:
                lines = _LINES.match(text, body, end.start() if end else limit)
                inside = lines[0].rstrip() if lines else ""
                stop, least = body + len(inside), _LEAST_CUT_BODY
            done = stop
            if _is_body(inside, least):
                yield Finding(start, stop, "PRIVATE_KEY", self.name, 80)


def _is_body(inside: str, least: int) -> bool:
    """
    Whether what stands between is mostly base64, not a remark or a variable.
    """
    bare = _MARGIN.sub("", inside)
    letters = sum(map(len, _BODY.findall(bare)))
    # A few characters are not of it in keys shortened with dots; code between quotes has brackets and underscores.
    return letters >= least and letters >= (1.0 if least == _LEAST_CODED_BODY else 0.9) * len(bare) and len(set(bare)) >= 4


_ENCODED = re.compile(r"(?:(?<![A-Za-z0-9+/])|(?<=\\n))(?:[A-Za-z0-9+/_-]|\\+[nr]|\s(?=[A-Za-z0-9+/_-]{20})){40,32768}+={0,2}")


def _holds_a_key(match: re.Match[str]) -> bool:
    try:
        head = b64decode(match[0][:96])
    except Error:
        return False
    return b"PRIVATE KEY" in head


_PEM_OF_RSA = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBL" + "RVktLS0tLQpNSUlFcEFJQkFBS0NBUUVBMG1CNWszWnE3eTl3WHY="

_JWK_MEMBER = re.compile(
    r"(?<![\w-])(?P<name>d|p|q|dp|dq|qi|k)(?:\\{0,3}[\"'])?\s{0,4}[:\x02]\s{0,4}(?:\\{0,3}[\"'])?(?P<value>[\w-]{20,1400})(?![\w-])"
)
_JWK_REACH = 4_000
_D = "870MB6gfuTJ4HtUnUvYMyJpr" + "5eUZNP4Bk43bVdj3eAE"  # RFC 7517, appendix A.2


@dataclass(frozen=True, slots=True)
class WebKey:
    """
    The private members of a JSON web key, wherever its `kty` stands.

    Source: RFC 7518 6.2.2, 6.3.2, 6.4.1, read 2026-11.
    """

    name: str = "private-key-jwk"
    entities: tuple[str, ...] = ("PRIVATE_KEY",)
    keywords: tuple[str, ...] = ("kty",)
    hits: tuple[str | tuple[str, str], ...] = (
        (
            '{"kty":"EC","crv":"P-256","x":"abc","d":"870MB6gfuTJ4HtUnUvYMyJpr' + '5eUZNP4Bk43bVdj3eAE"}',
            "870MB6gfuTJ4HtUnUvYMyJpr" + "5eUZNP4Bk43bVdj3eAE",
        ),
        ("d\x02870MB6gfuTJ4HtUnUvYMyJpr" + "5eUZNP4Bk43bVdj3eAE\x03kty\x02EC\x03", "870MB6gfuTJ4HtUnUvYMyJpr" + "5eUZNP4Bk43bVdj3eAE"),
    )
    misses: tuple[str, ...] = (
        '{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}',
        '"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"',
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        searched = 0
        for place in places:
            if not re.match(r"[\"'\\]{0,4}\s{0,4}[:\x02]\s{0,4}[\"'\\]{0,4}(?:RSA|EC|OKP|oct)\b", text[place + 3 : place + 20]):
                continue
            start, end = max(searched, place - _JWK_REACH), min(len(text), place + _JWK_REACH)
            for member in _JWK_MEMBER.finditer(text, start, end):
                yield Finding(*member.span("value"), "PRIVATE_KEY", self.name, 80)
            searched = max(searched, end)


RULES = (
    KeyBlock(),
    WebKey(),
    Detector(
        name="private-key-base64",  # a PEM file in a Kubernetes Secret or an environment variable
        entity="PRIVATE_KEY",
        keywords=("ls0tls1crudjti", "u1niifbssvzbveugs0vzieziteugrk9stufu"),  # "-----BEGIN", "SSH PRIVATE KEY FILE FORMAT"
        pattern=_ENCODED.pattern,
        validate=_holds_a_key,
        hits=(_PEM_OF_RSA,),
        misses=("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURkekNDQWwrZ0F3SUJBZ0lFQWdBQXVUQU5CZ2s=",),
    ),
    Detector(
        name="private-key-putty",  # PuTTY documentation, appendix C, read 2026-11
        entity="PRIVATE_KEY",
        keywords=("private-lines:",),
        pattern=r"(?i:Private-Lines:) ?[0-9]{1,3}(?P<value>(?:\s{1,4}[A-Za-z0-9+/=]{4,76}(?![\w:-])){1,200}"
        r"(?:\s{1,4}(?i:Private-(?:MAC|Hash)): ?[0-9a-f]{40,64})?)",
        hits=(
            (
                "Private-Lines: 1\n" + "AAAAgQDk3q7y9wXvMIIEpAIB\nPrivate-MAC: " + "0a" * 20,
                "\nAAAAgQDk3q7y9wXvMIIEpAIB\nPrivate-MAC: " + "0a" * 20,
            ),
        ),
        misses=("Private-Lines: 8",),
    ),
    Detector(
        name="private-key-xml",  # RSAKeyValue of .NET: D and the primes; XML Signature 4.5.2.2 has the public half, read 2026-11
        entity="PRIVATE_KEY",
        keywords=("<d>", "<p>", "<q>", "<dp>", "<dq>", "<inverseq>"),
        pattern=r"<(?P<tag>D|P|Q|DP|DQ|InverseQ)>\s{0,20}(?P<value>[A-Za-z0-9+/\s]{40,2000}={0,2})\s{0,20}</(?P=tag)>",
        validate=lambda match: " " not in match["value"].strip(),
        hits=(("<D>" + "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nLk7Qz9Xv8M3tW1pH0==" + "</D>", "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nLk7Qz9Xv8M3tW1pH0=="),),
        misses=("<P>This is only a paragraph of some words and nothing else</P>",),
    ),
)
