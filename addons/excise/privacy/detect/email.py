"""
E-mail addresses: as they are, in percent encoding, and written so that robots should not read them.

The search begins at the sign in the middle, forward for the domain and then back for the local part: an expression that begins with the
local part is quadratic on long words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from excise.privacy.detect.detector import Finding
from excise.privacy.detect.tlds import TLDS

MOST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_LOCAL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.+-%'!#$*^~"  # not = & / ? { } | `: they stand around addresses
_NEVER_FIRST = ".'!#$*^~%+-"
_LABEL = r"[^\W_](?:[\w-]{0,62}[^\W_])?+"
_DOMAIN = re.compile(rf"@({_LABEL}(?:\.{_LABEL}){{1,8}})(?![\w-]*@)(\()?")
_LITERAL = re.compile(r"@\[(?:IPv6:[0-9A-Fa-f:.]{2,45}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\]")
_QUOTED = re.compile(r'(?<![\w\\])"(?:[^"\\\x00-\x1f]|\\.){1,64}"$')
_USERINFO = re.compile(r"://[^\s/?#@<>\"']*$")
_UNICODE_LOCAL = re.compile(r"[\w.+%'!#$*^~-]{1,64}$")
# Accounts that everybody logs in with: `git@github.com:…` names a server.
_NOBODY = frozenset({"git", "hg", "svn"})


def domain_end(domain: str) -> int:
    """
    How much of `domain`, labels joined by dots, is a host name with a known top-level domain; 0: nothing. What was glued to it by a
    missing blank (`example.com.Thanks`) is left off.
    """
    while True:
        head, dot, last = domain.rpartition(".")
        if not dot:
            return 0
        # Numbers in front are versions, but for names of two labels: `163.com`.
        if last.lower() in TLDS and not ("." in head and head.rpartition(".")[2].isdigit()):
            return len(domain)
        domain = head


class Emails:
    """
    `local@domain`, the domain's last label in the frozen list of top-level domains.
    """

    name = "email"
    entities = ("EMAIL",)
    keywords: tuple[str, ...] = ()  # a search for one plain character is cheaper than the gate, and bounded when there are very many
    hits: tuple[str | tuple[str, str], ...] = (
        ("mail ann.lee@example.com.", "ann.lee@example.com"),
        ("<ann+news@mail.example.co.uk>", "ann+news@mail.example.co.uk"),
        ("email\x02ANN@EXAMPLE.ORG\x03", "ANN@EXAMPLE.ORG"),
        ("mailto:o'brien@example.ie?subject=x", "o'brien@example.ie"),
        ("'ann@example.com'", "ann@example.com"),
        ("jörg@müller.de", "jörg@müller.de"),
        ("иван@почта.рф", "иван@почта.рф"),
        ("ann@xn--mller-kva.de", "ann@xn--mller-kva.de"),
        ('"ann lee"@example.com', '"ann lee"@example.com'),
        ("https://example.com/?to=ann@example.com&x=1", "ann@example.com"),
        ("write to ann@example.com.Thanks", "ann@example.com"),
        ("ann@[192.0.2.7]", "ann@[192.0.2.7]"),
        ("**ann@example.io**", "ann@example.io"),
        ("ann@example.com,bob@example.com", "bob@example.com"),
    )
    misses: tuple[str, ...] = (
        "git@github.com:org/repo.git",
        "lodash@4.17.21",
        "@app.route",
        "icon@2x.png",
        "postgres://ann:pw@db.example.com/x",
        "x@y",
        "a" * 65 + "@example.com",
        "q@k.to(device)",
        "@babel/core@^7.0.0",
        "https://medium.com/@ann.lee",
        "pii-1@redacted.invalid",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        if "@" not in text:
            return
        for found in _DOMAIN.finditer(text):
            length = domain_end(found[1])
            at = found.start()
            if length and (found[2] is None or length < len(found[1])) and (start := _local(text, at)) < at:
                yield Finding(start, at + 1 + length, "EMAIL", self.name, 80)
        if "@[" in text:
            for found in _LITERAL.finditer(text):
                if (start := _local(text, found.start())) < found.start():
                    yield Finding(start, found.end(), "EMAIL", self.name, 80)


def _local(text: str, at: int) -> int:
    """
    Where the local part in front of the sign at `at` begins; `at` itself: there is none.
    """
    floor = max(0, at - MOST_LOCAL - 1)
    before = text[floor:at]
    if before.endswith('"'):
        quoted = _QUOTED.search(text, max(0, at - MOST_LOCAL - 2), at)
        return quoted.start() if quoted is not None else at
    kept = len(before.rstrip(_LOCAL))
    if not before.isascii() and kept and before[kept - 1].isalpha():
        wide = _UNICODE_LOCAL.search(before)
        kept = wide.start() if wide is not None else kept
    local = before[kept:]
    if len(local) > MOST_LOCAL or local.endswith("."):
        return at
    local = local.lstrip(_NEVER_FIRST)
    if not local or local.lower() in _NOBODY:
        return at
    start = at - len(local)
    if start and text[start - 1] in ":/" and _USERINFO.search(text, max(0, start - 200), start):
        return at  # somebody's password in front of a host, or a name to log in with
    return start


_LABEL_ASCII = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOT = r"(?:\.|\s{0,2}[\[({<]\s?(?i:dot|\.|punkt|punto|point)\s?[\])}>]\s{0,2}|\s(?i:dot|punkt|punto|point)\s)"
_DOTS = re.compile(_DOT)
# Words in front of "at" that are no names: "look at example dot com".
_SAID_BEFORE_AT = (
    "look looking me us it them him her you is are be was here there available found live work works working hosted site website page"
    " out online only up back"
)
_NO_NAMES = frozenset(_SAID_BEFORE_AT.split())


class SpeltEmails:
    """
    Addresses whose sign is written otherwise.

    Args:
        sign: What stands for the sign, matched where a keyword begins.
        dot: What stands for dots in the domain.
        plain: There is no bracket that says that an address is meant; so the words must be likely.
    """

    entities = ("EMAIL",)

    def __init__(
        self,
        name: str,
        keywords: tuple[str, ...],
        sign: str,
        dot: str,
        hits: tuple[str | tuple[str, str], ...],
        misses: tuple[str, ...],
        *,
        plain: bool = False,
    ) -> None:
        self.name, self.keywords, self.hits, self.misses = name, keywords, hits, misses
        self._plain = plain
        self._rest = re.compile(rf"{sign}(?P<domain>{_LABEL_ASCII}(?:{dot}{_LABEL_ASCII}){{1,6}})(?![A-Za-z0-9])")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for place in places:
            if (found := self._rest.match(text, place)) is None:
                continue
            domain = _DOTS.sub(".", found["domain"])
            if domain_end(domain) < len(domain):
                continue
            at = place
            while at and text[at - 1] == " " and place - at < 2:
                at -= 1
            start = _local(text, at)
            if start < at and not (self._plain and text[start:at].lower() in _NO_NAMES):
                yield Finding(start, found.end(), "EMAIL", self.name, 80)


RULES = (
    Emails(),
    SpeltEmails(
        "email-percent-encoded",
        ("%40", "%2540"),
        r"%(?:25)?40",
        r"\.",
        hits=(("?to=ann.lee%40example.com&x=1", "ann.lee%40example.com"), ("/u/ann%2540example.org/", "ann%2540example.org")),
        misses=("%40example.com", "ann%40localname", "https://ann:x%40y.example.com@db/"),
    ),
    SpeltEmails(
        "email-entity-encoded",
        ("&#64;", "&#x40;", "&commat;"),
        r"&(?i:#64|#x40|commat);",
        r"(?:\.|&#46;|&#x2e;|&period;)",
        hits=(("<b>ann&#64;example.com</b>", "ann&#64;example.com"),),
        misses=("a &#64; b",),
    ),
    SpeltEmails(
        "email-bracketed",
        (
            "[at]",
            "(at)",
            "{at}",
            "<at>",
            "[@]",
            "(@)",
            "[ at ]",
            "( at )",
        ),
        r"(?:\s?[\[({<]\s?(?i:at|@)\s?[\])}>]\s{0,2})",
        _DOT,
        hits=(
            ("ann.lee [at] example [dot] com", "ann.lee [at] example [dot] com"),
            ("ann(at)example.com", "ann(at)example.com"),
            ("ann [at] example.co.uk", "ann [at] example.co.uk"),
            ("reach ann{at}example dot org now", "ann{at}example dot org"),
        ),
        misses=("element[at]index", "call(at)x"),
    ),
    SpeltEmails(
        "email-in-words",
        (" at ",),
        r"\s(?i:at)\s",
        r"\s(?i:dot)\s",
        hits=(("write to ann.lee at example dot com please", "ann.lee at example dot com"),),
        misses=("look at example dot com", "we met at noon", "see me at example.com"),
        plain=True,
    ),
)
