"""
Credentials of HTTP: Authorization and Cookie headers, curl's options, and the files that carry the same (docker, npm, Kubernetes Secrets).
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from excise.privacy.detect.assignment_value import is_placeholder, is_stop_word
from excise.privacy.detect.detector import ELEMENT_END, Detector, Finding
from excise.privacy.detect.naturalness import surprise

_READ = 200  # characters of a value are enough to judge it


def decoded(value: str) -> str | None:
    """
    The text base64 stands for; `None`: it is not base64, or not of text.
    """
    try:
        text = b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (Error, ValueError):
        return None
    return text if text.isprintable() else None


def _names_a_user(match: re.Match[str]) -> bool:
    text = decoded(match["value"])
    return text is not None and text.find(":") > 0 and not is_placeholder(text)


def _opens(match: re.Match[str]) -> bool:
    value = match["value"]
    if match["scheme"].strip().lower() == "basic":
        return _names_a_user(match)
    return is_opaque(value)


def is_opaque(value: str) -> bool:
    """
    Whether `value` looks made by a program: not a word, a variable, or a place to fill in.
    """
    head = value[:_READ]
    if is_placeholder(head) or is_stop_word(head) or not re.search(r"[0-9A-Z]", head):
        return False
    return surprise(head) > (4 if len(head) >= 16 else 8)


def _is_opaque(match: re.Match[str]) -> bool:
    return is_opaque(match["value"])


def _for_a_server(match: re.Match[str]) -> bool:
    """
    `-u` is curl's only where curl, or its like, is called.
    """
    before = match.string[max(0, match.start() - 400) : match.start()]
    value = match["value"]
    return re.search(r"\b(?:curl|http|https|xh|wget|ab|hey)\b", before) is not None and not (is_placeholder(value) or is_stop_word(value))


_SESSION = re.compile(
    r"(?i)(?:sess|auth|token|sid|jwt|csrf|xsrf|login|remember|secret|key|cf_|__secure|__host|credential|user|access|refresh|id$)"
)
_ATTRIBUTES = "path domain expires max-age samesite version comment priority partitioned httponly secure"
_ATTRIBUTE = frozenset(_ATTRIBUTES.split())
_HEADER = re.compile(r"(?i)(?:-?2?)\\{0,3}[\"']?\s{0,3}(?:[:=\x02]|=>|,)\s{0,3}\\{0,3}[\"']?")
_PAIR = re.compile(
    r"[ \t]{0,4}(?P<name>[\w.!#$%&'*+^`|~-]{1,80})=\\?\"?"
    r"(?P<value>[^\s;,\"\\\x02\x03]{0,4096}+)\\?\"?[^;\s\x02\x03]{0,64}+;?"
)


@dataclass(frozen=True, slots=True)
class Cookies:
    """
    Values of `Cookie` and `Set-Cookie` that look made by a program, and those of cookies whose name means a session.

    Source: RFC 6265 4.1.1 and 4.2.1, read 2026-11.
    """

    name: str = "cookie"
    entities: tuple[str, ...] = ("AUTH_HEADER",)
    keywords: tuple[str, ...] = ("cookie",)
    hits: tuple[str | tuple[str, str], ...] = (
        ("Cookie: theme=dark; sessionid=k7Qz9Xv8M3tW1pH0dS2rJ4", "k7Qz9Xv8M3tW1pH0dS2rJ4"),
        ("Set-Cookie: sid=k7Qz9Xv8M3tW1pH0; Path=/; HttpOnly", "k7Qz9Xv8M3tW1pH0"),
        ("cookie\x02sid=k7Qz9Xv8M3tW1pH0\x03", "k7Qz9Xv8M3tW1pH0"),
    )
    misses: tuple[str, ...] = (
        "Cookie: theme=dark; lang=en-GB",
        "Set-Cookie: a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        "cookie = parse(request)",
        "cookies: none",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = 0
        for place in places:
            header = _HEADER.match(text, place + 6) if place >= done else None
            if header is None:
                continue
            at = header.end()
            while pair := _PAIR.match(text, at):
                at = pair.end()
                name, value = pair["name"], pair["value"]
                if name.lower() in _ATTRIBUTE or len(value) < 10:
                    continue
                if is_opaque(value) and (_SESSION.search(name) or len(value) >= 16):
                    yield Finding(*pair.span("value"), "AUTH_HEADER", self.name, 60)
            done = at


_KIND = re.compile(r"kind\"?\s{0,3}:\s{0,3}\"?Secret\b")
_DATA = re.compile(r"(?m)^(?P<indent>[ ]{0,16})data:[ \t]*\r?$")
_ENTRY = re.compile(
    r"[\r\n]+(?P<indent>[ ]{1,24})(?P<name>[\w.-]{1,128}):[ \t]{1,4}[\"']?(?P<value>[A-Za-z0-9+/]{4,4096}+={0,2})[\"']?"
    r"[ \t]*(?=[\r\n\x03]|\Z)"
)
_JSON_DATA = re.compile(r"\"data\"\s{0,3}:\s{0,3}\{")
_JSON_ENTRY = re.compile(r"\s*\"(?P<name>[\w.-]{1,128})\"\s{0,3}:\s{0,3}\"(?P<value>[A-Za-z0-9+/]{4,4096}+={0,2})\"\s*,?")
_LONGEST_MANIFEST = 4_000


@dataclass(frozen=True, slots=True)
class KubernetesSecret:
    """
    The values under `data:` of a manifest of kind Secret, in YAML or JSON.

    Source: Kubernetes documentation, "Secrets", read 2026-11.
    """

    name: str = "kubernetes-manifest"
    entities: tuple[str, ...] = ("PASSWORD", "API_KEY")
    keywords: tuple[str, ...] = ("kind: secret", '"kind"', "kind:  secret", 'kind: "secret"')
    hits: tuple[str | tuple[str, str], ...] = (
        ("apiVersion: v1\nkind: Secret\ndata:\n  note: cm9zZWJ1ZA==\n", "cm9zZWJ1ZA=="),
        ('{"kind": "Secret", "data": {"note": "cm9zZWJ1ZA=="}}', "cm9zZWJ1ZA=="),
    )
    misses: tuple[str, ...] = ("kind: ConfigMap\ndata:\n  note: cm9zZWJ1ZA==\n", "kind: Secret\nmetadata:\n  name: rosebuds\n")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = 0
        for place in places:
            kind = _KIND.match(text, place + (text[place] == '"'))
            if kind is None:
                continue
            start, end = max(done, text.rfind(ELEMENT_END, 0, place) + 1, place - _LONGEST_MANIFEST), place + _LONGEST_MANIFEST
            if (next_one := text.find("\n---", place, end)) >= 0:
                end = next_one
            if (last_one := text.rfind("\n---", start, place)) >= 0:
                start = last_one
            done = max(done, end)
            for data in _DATA.finditer(text, start, min(end, len(text))):
                yield from self._entries(text, data.end(), _ENTRY)
            for data in _JSON_DATA.finditer(text, start, min(end, len(text))):
                yield from self._entries(text, data.end(), _JSON_ENTRY)

    def _entries(self, text: str, at: int, entry: re.Pattern[str]) -> Iterator[Finding]:
        while match := entry.match(text, at):
            at = match.end()
            entity = "PASSWORD" if "pass" in match["name"].lower() else "API_KEY"
            if len(match["value"]) % 4 == 0:
                yield Finding(*match.span("value"), entity, self.name, 65)


_TOKEN = "k7Qz9Xv8M3tW1pH0" + "dS2rJ4bY5fG6nL"
_BASIC = "Ym9iOnJvc2Vi" + "dWQ5OTE="  # bob:rosebud991

RULES = (
    Detector(
        name="authorization",  # RFC 9110 11.6.2 and the IANA registry of schemes, read 2026-11
        entity="AUTH_HEADER",
        keywords=("authorization",),
        pattern=r"(?<![A-Za-z0-9])(?i:authorization)\\{0,3}[\"'`]?\]?\s{0,3}(?::|=>?|,|\x02)\s{0,3}\\{0,3}(?:f?[\"'`])?"
        r"(?P<scheme>(?i:basic|bearer|token|apikey|api-key|bot|key"
        r"|ssws|oauth|negotiate|splunk|genie\s?key|sso-key|digest|nats|dpop)[ :=]{1,3}|)"
        r"(?:token=\\?\"?)?(?P<value>[A-Za-z0-9._~+/=:|@$!*-]{8,8192}+)",
        validate=_opens,
        weight=60,
        hits=(
            (f"Authorization: Bearer {_TOKEN}", _TOKEN),
            (f'-H "Authorization: token {_TOKEN}"', _TOKEN),
            (f"'Authorization': 'Basic {_BASIC}'", _BASIC),
            (f"authorization\x02{_TOKEN}\x03", _TOKEN),
        ),
        misses=(
            "Authorization: Bearer <token>",
            "Authorization: Bearer YOUR_API_KEY",
            "Authorization: Basic realm",
            "authorization: required",
            'headers["Authorization"] = make_header(x)',
        ),
    ),
    Detector(
        name="bearer",
        entity="AUTH_HEADER",
        keywords=("bearer ",),
        pattern=r"(?i:bearer) {1,3}(?P<value>[A-Za-z0-9._~+/=-]{16,8192}+)",
        validate=_is_opaque,
        weight=55,
        hits=((f'headers = {{"X-Auth": "Bearer {_TOKEN}"}}', _TOKEN),),
        misses=("bearer authentication-required-here", "Bearer ${TOKEN}", "a bearer of bad news"),
    ),
    Detector(
        name="basic",
        entity="AUTH_HEADER",
        keywords=("basic ",),
        pattern=r"(?<!\w)(?i:basic) {1,3}(?P<value>[A-Za-z0-9+/]{6,512}+={0,2})(?![\w-])",
        validate=_names_a_user,
        weight=55,
        hits=((f"Proxy-Auth: Basic {_BASIC}", _BASIC),),
        misses=("basic knowledge of networks", "Basic authentication"),
    ),
    Detector(
        name="curl-user",  # curl's manual, -u and -U, read 2026-11
        entity="AUTH_HEADER",
        keywords=(" -u", " --user", " --proxy-user"),
        pattern=r" (?:-[uU]|--user|--proxy-user)[ =]{0,2}\\?[\"']?[^\s:\"'\\]{1,128}:(?P<value>[^\s\"'\\\x02\x03]{3,256})",
        validate=_for_a_server,
        weight=60,
        hits=(("curl -u bob:rosebud991 https://h.example", "rosebud991"), ("curl -s --user 'bob:rose!bud' https://h", "rose!bud")),
        misses=(
            "curl -u user:password https://h",
            "curl -u $USER:$PASS https://h",
            "docker run -u 1000:1000 image",
            "curl -u bob https://h",
        ),
    ),
    Detector(
        name="docker-auth",  # Docker's config.json, read 2026-11
        entity="AUTH_HEADER",
        keywords=('"auth"', '\\"auth\\"', "auth\x02", "_auth"),
        pattern=r"(?<![A-Za-z0-9])(?:\\{0,3}\")?_?auth(?:\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"|\x02|\s{0,2}=\s{0,2}\"?)(?P<value>[A-Za-z0-9+/]{8,4096}+={0,2})(?=\\{0,3}\"|\x03|\s|\Z)",
        validate=_names_a_user,
        weight=60,
        hits=((f'{{"auths": {{"h": {{"auth": "{_BASIC}"}}}}}}', _BASIC), (f"//registry.example/:_auth={_BASIC}", _BASIC)),
        misses=('"auth": "required"', '"auth": "YmFzaWM="'),
    ),
    Detector(
        name="npmrc",  # npm's documentation of .npmrc, read 2026-11
        entity="API_KEY",
        keywords=(":_authtoken", ":_password", "_authtoken=", "_authtoken ="),
        pattern=r":?_(?i:authToken|password)\s{0,2}=\s{0,2}\"?(?P<value>[^\s\"'${}<>\x02\x03]{8,1024})",
        validate=_is_opaque,
        weight=60,
        hits=((f"//registry.example/:_authToken={_TOKEN}", _TOKEN), ("//h/:_password=cm9zZWJ1ZDk5MQ==", "cm9zZWJ1ZDk5MQ==")),
        misses=("//registry.example/:_authToken=${NPM_TOKEN}", "//registry.example/:_authToken=YOUR_TOKEN_HERE"),
    ),
    Cookies(),
    KubernetesSecret(),
)
