"""
Addresses of machines: IPv4, IPv6, MAC.

Addresses that mean no machine at all are never found: loopback, unspecified, broadcast, masks, documentation (RFC 5737, 3849, 9637). Those
of private networks are found under detector names of their own, so that a profile can leave them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from excise.privacy.detect.detector import Detector, Finding

# Searched from the first dot: a plain character is found much faster than any digit.
_DOTTED = re.compile(r"\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9A-Za-z_])(?!\.[0-9A-Za-z])")
_FIRST = re.compile(r"(?<![0-9A-Za-z_.])[0-9]{1,3}$")
_FIRST_AFTER_SIGN = re.compile(r"(?<=[-@=+~^_])[0-9]{1,3}$")
_ALNUM = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# What makes four numbers a version; blanks, quotes and signs of assignment or comparison may stand between.
_VERSION = re.compile(
    r"(?i:(?:\b(?:version|versions|ver|release|revision|firmware|section|clause|oid)|_version|[a-z]version)[\s\"'`:=<>~^,()v\x02-]{0,6}$"
    r"|(?<![a-z0-9])v[. ]?$|(?:==|>=|<=|~=|!=|[a-z0-9]<|@|\^|~|§ ?)v?$)"
)
_VERSION_WORDS = ("version", "versions", "ver", "release", "revision", "firmware", "section", "clause", "oid")
_ASSIGNING = " \t\n\"'`:=<>~^,()vV-\x02"
_COMPARING = frozenset("=@^~§<vV.")
_JOINING = frozenset("-_/vV")
# Four numbers below 256 each are a host sooner than a version, if a name to log in with is in front.
_LOGIN = re.compile(r"(?<![\w./-])(?:root|admin|ubuntu|user|ec2-user|debian|pi|centos|postgres)@$")
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_]-v?$|(?:^|[\s\"'(;])[A-Za-z]{2,24}/v?$")
_HOST_BEFORE = re.compile(r"(?i:server|host|node|ip|client|addr|router|gateway|proxy|peer|from|to)[-/]$")
_BUMP = re.compile(r"(?i:updat|upgrad|bump|patch|releas|downgrad)[a-z]*[\w ./@:*`-]{0,32}\b(?:to|from)[ :`]{1,3}$")
# Headings: `### 5.3.1.1 Addresses`.
_LINE_BEGIN = re.compile(r"(?:^|[\n\x02\x03])[ \t]*(?:(?:/?\*+|#+|//+|--|%|;)[ \t]*)?$")
_HEADING = re.compile(r"\.?[ \t]+[A-Z]")
_SMALL = re.compile(r"1?[0-9]\.[12]?[0-9]\.[12]?[0-9]\.[12]?[0-9]")
_PACKAGE = re.compile(
    r" (?:[Rr]elease|[Cc]hangelog)| [0-9] [01] [0-9.-]|-[0-9]{1,2}(?![0-9.])|[-_.](?:[a-z]|py[0-9]|cp[0-9]|whl|tar|zip|jar|dll|so"
    r"|exe|deb|rpm|msi|nupkg)"
)
_OIDS = frozenset({(2, 5, 4), (2, 5, 29), (1, 3, 101)})  # object identifiers of certificates: attributes, extensions, Edwards curves
_DOCUMENTATION = frozenset({(192, 0, 2), (198, 51, 100), (203, 0, 113)})  # RFC 5737
# RFC 1918, 3927 (link-local), 6598 (carrier-grade NAT), 2544 (benchmarks)
_PRIVATE = frozenset(
    {(192, 168), (169, 254), (198, 18), (198, 19)} | {(172, part) for part in range(16, 32)} | {(100, part) for part in range(64, 128)}
)
_NO_MACHINE4 = tuple(
    ipaddress.ip_network(network)
    for network in ("0.0.0.0/8", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "255.0.0.0/8")
)
_NO_MACHINE6 = tuple(ipaddress.ip_network(network) for network in ("::/127", "2001:db8::/32", "3fff::/20"))


class Ipv4:
    """
    Four numbers and three dots that are no version.
    """

    name = "ipv4"
    detectors = ("ipv4", "ipv4-private")
    entities = ("IP_ADDRESS",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("host 8.8.8.8 is up", "8.8.8.8"),
        ("ip\x02192.168.1.20\x03", "192.168.1.20"),
        ("http://10.0.0.5:8080/x", "10.0.0.5"),
        ("from 93.184.216.34.", "93.184.216.34"),
        ("172.16.0.0/12", "172.16.0.0"),
        ("addr=52.95.110.1", "52.95.110.1"),
        ("root@8.8.4.4", "8.8.4.4"),
        ("ssh ip-52-95-110-1 is 52.95.110.1", "52.95.110.1"),
    )
    misses: tuple[str, ...] = (
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104 - a sample
        "255.255.255.0",
        "192.0.2.4",
        "version 1.2.3.4",
        "v1.2.3.4",
        "pkg==4.3.2.1",
        "pkg@1.2.3.4",
        "1.3.6.1.4.1",
        "256.1.1.1",
        "Chrome/120.1.2.3",
        "foo-1.2.3.4.tar.gz",
        "1.2.3.4-beta",
        "01.002.3.4",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for found in _DOTTED.finditer(text):
            at = found.start()
            first = _FIRST.search(text, max(0, at - 4), at)
            if first is None:
                continue
            parts = (first[0], *found.groups())
            if not all(map(_is_byte, parts)):
                continue
            address = tuple(map(int, parts))
            start, end = first.start(), found.end()
            if address[0] in (0, 127, 255) or address[:3] in _DOCUMENTATION or (address[:3] in _OIDS and address[3] < 128):
                continue
            private = address[0] == 10 or address[:2] in _PRIVATE or address[0] >= 240
            if not _is_version(text, start, end, private=private):
                yield Finding(start, end, "IP_ADDRESS", "ipv4-private" if private else self.name, 80)


def _is_byte(digits: str) -> bool:
    return len(digits) == 1 or (digits[0] != "0" and int(digits) < 256)


def _is_version(text: str, start: int, end: int, *, private: bool) -> bool:
    floor = max(0, start - 32)
    near = text[floor:start]
    last = near[-1:]
    # Most stand behind a blank or a quote with no such word in front.
    if near.rstrip(" ")[-1:] in _COMPARING or near.rstrip(_ASSIGNING)[-9:].lower().endswith(_VERSION_WORDS):
        before = _VERSION.search(near)
        if before is not None and not (before[0] == "@" and _LOGIN.search(near)):
            return True
    if last in _JOINING and _NAME_BEFORE.search(near):
        return not (text.startswith(":", end) or (private and not text.startswith("10.", start)) or _HOST_BEFORE.search(near))
    if last in " :`" and _BUMP.search(text, max(0, start - 60), start):
        return True
    if _PACKAGE.match(text, end):
        return True
    return (
        not private
        and _SMALL.fullmatch(text, start, end) is not None
        and _HEADING.match(text, end) is not None
        and _LINE_BEGIN.search(near) is not None
    )


# Either `::`, or eight groups: so never a time of day.
_COLONS = re.compile(r":(?::|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:)")
_HEX = "0123456789abcdefABCDEF:"
_RUN6 = re.compile(r"[0-9A-Fa-f:]+(?:[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9]))?")
_LONGEST6 = 45
_GLUED = re.compile(r"[0-9A-Za-z_]|\.[0-9A-Za-z]")


class Ipv6:
    """
    Eight groups, or fewer with one `::`, with at least two groups of hex digits: `a::b` in source code is a scope.
    """

    name = "ipv6"
    detectors = ("ipv6", "ipv6-private")
    entities = ("IP_ADDRESS",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("ping 2606:4700:4700::1111 now", "2606:4700:4700::1111"),
        ("[2a00:1450:4001:81b::200e]:443", "2a00:1450:4001:81b::200e"),
        "2001:0470:0000:0000:0000:0000:0000:0001",
        ("ip\x02fe80::1ff:fe23:4567:890a\x03", "fe80::1ff:fe23:4567:890a"),
        "::ffff:8.8.8.8",
        ("fd12:3456:789a:1::1/64", "fd12:3456:789a:1::1"),
        ("at 2A02:2E0:3FE:1001:7777:772E:2:85.", "2A02:2E0:3FE:1001:7777:772E:2:85"),
    )
    misses: tuple[str, ...] = (
        "::1",
        "::",
        "std::dead::beef",
        "12:30:45",
        "2001:db8::1",
        "a::b",
        "00:1b:44:11:3a:b7",
        "1::2",
        "x[::2]",
        "ab:cd:ef:01:23:45:67:89:ab:cd",
        "add::bad::fee",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = 0
        for colons in _COLONS.finditer(text):
            at = colons.start()
            if at < done:
                continue
            before = text[max(done, at - _LONGEST6) : at]
            start = at - len(before) + len(before.rstrip(_HEX))
            if (run := _RUN6.match(text, start)) is None:
                continue
            done = end = run.end()
            if start and text[start - 1] in _ALNUM and 0 <= (colon := text.find(":", start, at + 1)) < end and text[colon + 1] != ":":
                start = colon + 1  # the end of a word, and the colon behind it: `value:2a00::1`
            if end - start > _LONGEST6 or (start and (text[start - 1] in _ALNUM or text[start - 1] in "_.")) or _GLUED.match(text, end):
                continue
            value = text[start:end]
            if value.endswith(":") and not value.endswith("::"):
                value, end = value[:-1], end - 1
            if (name := _kind6(value)) is not None:
                yield Finding(start, end, "IP_ADDRESS", name, 80)


def _kind6(value: str) -> str | None:
    """
    The detector that found `value`; `None`: it is no address of a machine.
    """
    groups = [group for group in value.split(":") if group]
    # Scopes of C++ and Perl are words of hex letters; times are pairs of digits.
    if len(value) < 8 or not any(sign.isdigit() for sign in value) or ("::" in value and max(map(len, groups)) < 3):
        return None
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return None
    if any(address in network for network in _NO_MACHINE6):
        return None
    mapped = address.ipv4_mapped
    if mapped is not None and any(mapped in network for network in _NO_MACHINE4):
        return None
    return "ipv6-private" if (mapped.is_private if mapped is not None else address.is_private or address.is_link_local) else "ipv6"


_MAC_NOBODY = re.compile(
    r"(?i)(?:(?:00|ff)[:.-]?)+|(?:0000|ffff)[.](?:0000|ffff)[.](?:0000|ffff)|01[:-]?00[:-]?5e.*|33[:-]33.*|(?:aa[:-]bb[:-]cc|00[:-]11[:-]22[:-]33).*"
)


def _somebodys_mac(found: re.Match[str]) -> bool:
    value = found["value"]
    return _MAC_NOBODY.fullmatch(value) is None and any(sign.isdigit() for sign in value)


class Macs:
    """
    Six pairs with colons or dashes, three groups of four with dots; not within longer rows (fingerprints) nor words.
    """

    name = "mac"
    entities = ("MAC_ADDRESS",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("ether 3c:22:fb:9a:10:07 up", "3c:22:fb:9a:10:07"),
        ("mac\x023C-22-FB-9A-10-07\x03", "3C-22-FB-9A-10-07"),
        ("interface 3c22.fb9a.1007.", "3c22.fb9a.1007"),
    )
    misses: tuple[str, ...] = (
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "SHA1 3c:22:fb:9a:10:07:3c:22:fb:9a:10:07:aa:bb:cc:dd",
        "3c22.fb9a.1007.aaaa",
        "2024-10-22-10-20-30",
        "10:20:30:40:50:60:70",
        "x3c:22:fb:9a:10:07",
    )
    _FORMS = (
        re.compile(r":[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}(?![0-9A-Za-z_])(?!:[0-9A-Fa-f])"),
        re.compile(r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}(?![0-9A-Za-z_])(?!-[0-9A-Fa-f])"),
    )
    _CISCO = re.compile(r"\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![0-9A-Za-z_])(?!\.[0-9A-Za-z])")
    _PAIR = re.compile(r"(?<![0-9A-Za-z_])[0-9A-Fa-f]{2}$")
    _ROW = re.compile(r"(?:^|[^0-9A-Za-z])[0-9A-Fa-f]{2}[:-]$")
    _FOUR = re.compile(r"(?<![0-9A-Za-z_.*])[0-9A-Fa-f]{4}$")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for form in self._FORMS:
            for found in form.finditer(text):
                first = self._PAIR.search(text, max(0, found.start() - 4), found.start())
                if first is not None and self._ROW.search(text[max(0, first.start() - 4) : first.start()]) is None:
                    yield from self._one(text, first.start(), found.end())
        for found in self._CISCO.finditer(text):
            if (first := self._FOUR.search(text, max(0, found.start() - 5), found.start())) is not None:
                yield from self._one(text, first.start(), found.end())

    def _one(self, text: str, start: int, end: int) -> Iterator[Finding]:
        value = text[start:end]
        if _MAC_NOBODY.fullmatch(value) is None and not (value[2] == "-" and value.replace("-", "").isdigit()) and _mixed(value):
            yield Finding(start, end, "MAC_ADDRESS", self.name, 80)


def _mixed(value: str) -> bool:
    """
    Has digits, and with dots letters as well: `1234.5678.9012` is a number.
    """
    digits = any(sign.isdigit() for sign in value)
    return digits and (value[2] in ":-" or any(sign.isalpha() for sign in value))


RULES = (
    Ipv4(),
    Ipv6(),
    Macs(),
    Detector(
        name="mac-named",
        entity="MAC_ADDRESS",
        pattern=r"(?i:(?<![a-z])(?:mac|bssid|hwaddr|ether)(?:[ _-]?(?:address"
        r"|addr))?)[\s\"':=\x02]{1,6}(?P<value>[0-9A-Fa-f]{12})(?![0-9A-Za-z])",
        keywords=("mac", "bssid", "hwaddr", "ether"),
        reach=None,
        validate=_somebodys_mac,
        weight=50,
        hits=(("mac_address\x023C22FB9A1007\x03", "3C22FB9A1007"),),
        misses=("mac 000000000000", "hmac: 3c22fb9a1007", "macro 3C22FB9A1007"),
    ),
)
