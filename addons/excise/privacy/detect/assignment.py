"""
Secrets known by the name they are assigned to, in whatever language, file format or sentence the assignment is written.

`name` sign `value`: at each word that names secrets one anchored expression reads the rest of the name and the sign; what the name
promises and whether the value keeps it are asked only behind a sign. Most words cost that one expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from excise.privacy.detect.assignment_value import in_table_of_hashes, is_secret
from excise.privacy.detect.assignment_words import Promise, promise
from excise.privacy.detect.detector import Finding
from excise.privacy.detect.naturalness import surprise

_LONGEST_NAME = 48
_SHORTEST_VALUE = 6
_LONGEST_VALUE = 256  # with what stands around it

# The rest of a name; never given back, so that a place inside a name already read can be passed over.
_REST = re.compile(r"[\w.]{0,48}+(?:-[\w.]{1,48}+){0,6}+")
_NAME_BACKWARDS = re.compile(r"(?:[\w.]|-(?![->]))*+(?: [A-Za-z][\w.-]{0,24}+){0,2}")

_SIGN = re.compile(
    r"""
    (?P<close>\\{0,3}["'`]|&quot;)?[\])}]{0,2}
    (?:
      (?P<element>\x02|\x03(?:value|default|content|secret)\x02)
    | ,?\s{1,40}\\{0,3}["']?(?:value|content|default(?:Value)?|secret)\\{0,3}["']?[ ]{0,3}[=:]
    | [ \t]{0,12}(?:
          (?: [ ]?:[ ]?[\w.\[\]|?*&<>]{1,30}+ | [ ][\w*&<>.]{1,24}+ | \[\w{0,4}\] )[ ]?=(?=[ ]?["'`])  # typed: `token: str = "…"`
        | (?P<equals>[?+.|:]{0,3}=(?![=~])>?|:(?!:)|->|<-)
        | (?:or|\|\||\?\?)(?=\s{0,3}["'`])
        | (?P<tag>>)\s{0,40}
        | (?P<call>\()(?=\s{0,3}[bfru]?["'`])\s{0,3}  # `setApiKey("…")`
        | (?P<comma>,)(?=\s{0,12}\\{0,3}["'`])\s{0,12}
        )
    | (?P<gap>[ \t]{1,12})(?:(?P<verb>ist?|lautet|est?|e|è|é|jest|är|er|este|are|was|(?:is|was|=)\ set\ to)[ :]{1,3})?+
    )
    """,
    re.VERBOSE,
)
# `password for the printer: …`, `API key of staging is …`
_WORDS = re.compile(r"(?:[\w'()@-]{1,20}[ ]){1,4}?(?:(?:[\w'()@-]{1,20}[ ]?:|=|is|ist|est|es|è|é|jest|är|er)[ ])")
_VALUE = re.compile(
    r"""
    [ \t]{0,12}(?:[|>][+-]?\r?\n[ \t]{1,24}|!!?\w{1,12}[ ])?
    (?:
      (?:(?:new[ ])?[A-Za-z_][\w.:]{0,48}+\((?:(?<=ecret\()|(?<=oken\()|(?<=[Kk]ey\()|(?<=ssword\()|(?<=tring\()|(?<=entials\()|(?<=str\()
         |(?<=bytes\()|(?<=[.:]of\()|(?<=from\()|(?<=alueOf\()|(?<=Some\()|(?<=arse\()|(?<=itive\())|[rbufRBUF@$L]{1,2})?
      (?: "{3}(?P<triple>[^"\\\x02\x03]{6,256}+)"
        | "(?P<double>(?:[^"\\\n\x02\x03]|\\.){6,256}+)"
        | '(?P<single>(?:[^'\\\n\x02\x03]|\\.){6,256}+)'
        | `(?P<back>[^`\\\n\x02\x03]{6,256}+)`
        | (?P<escape>\\{1,3}["'`]|&quot;)(?P<escaped>[^"'`\\\n\x02\x03&]{6,256}+)(?=(?P=escape))
      )
    | ["'`]?(?P<bare>[^\s"'`<>\x02\x03,;()\[\]{}|&\\]{6,256}+)
    )
    """,
    re.VERBOSE,
)
_ELEMENT = re.compile(r"(?P<bare>[^\x02\x03]{6,256}+)(?=\x03|\Z)")
_QUOTED = ("double", "single", "back", "escaped", "triple")
_SETS = re.compile(r"(?:^|[\s;&(])(?:setx|setenv|ENV|ARG|\#define|set|config|:)[ \t]*\Z")  # in front of a name whose sign is a space
_CALLS = re.compile(r"[(\[{]\s*\\{0,3}\Z|(?:\A|[\n\x02\x03])\\{0,3}\Z")  # in front of the quote of a name that a comma follows
_LINE_END = re.compile(r",[ ][A-Za-z]{2,}[ .!]|[;,]?[ \t]*(?:[\r\n\x03]|\Z|#|//)|\\n")
_LINE_START = re.compile(r"(?:\A|[\n\x03\x02])[ \t]*(?:export |set |- )?\Z")
_MARKS = frozenset("&|,;)]}>")  # may go on behind them
_NEXT_PAIR = re.compile(r"[;&,|][ ]?[\w ]{1,32}[=:]")
_OURS = re.compile(r"[A-Z]{1,8}_[A-Z0-9]{15,22}")  # a placeholder: what stands behind it is no part of it
_REST_OF_LINE = re.compile(r"[^\s\x02\x03\"'`\\]{1,128}")
_SCHEME = re.compile(r"(?i)(?:bearer|token|basic|apikey)\s+")
_CALL_ENDS = re.compile(r"\s{0,3}[),]")
_HASH_LENGTHS = frozenset((32, 40, 56, 64, 96, 128))
_SAMPLE = "k7qz9x8m3tw1ph0d" + "s2rj4by5fg6nl0vc"


@dataclass(frozen=True, slots=True)
class Assignment:
    """
    The rule.
    """

    name: str = "assignment"
    entities: tuple[str, ...] = ("API_KEY", "PASSWORD")
    keywords: tuple[str, ...] = (
        "pass",
        "pwd",
        "pswd",
        "passw",
        "secret",
        "token",
        "key",
        "cred",
        "auth",
        "bearer",
        "access",
        "_pat",
        "psk",
        "kennwort",
        "losungswort",
        "contrase",
        "senha",
        "wachtwoord",
        "haslo",
        "senord",
        "parol",
        "heslo",
        "jelszo",
        "salasana",
        "adgangskode",
        "sifre",
        "motdepasse",
        "mdp",
        "clave",
        "geheim",
        "schluessel",
        "segreto",
        "jeton",
        "_pw",
        "hasło",
        "парол",
        "Парол",
        "密码",
        "密碼",
        "口令",
        "パスワード",
        "비밀번호",
        "pw=",
        "pw:",
        "pat=",
        "pat:",
        "pat =",
        'pat"',
        "pat\x02",
    )
    hits: tuple[str | tuple[str, str], ...] = (
        (f'adafruit_api_token = "{_SAMPLE}"', _SAMPLE),
        (f'"finicityToken": "{_SAMPLE}",', _SAMPLE),
        (f"<serviceSecret>{_SAMPLE}</serviceSecret>", _SAMPLE),
        (f"service-key\x02{_SAMPLE}\x03", _SAMPLE),
        ('DB_PASS="hunter22' + '!x"', "hunter22" + "!x"),
        ("my password is hunter" + "22!", "hunter" + "22!"),
    )
    misses: tuple[str, ...] = (
        "password = getpass.getpass()",
        'api_key: "YOUR_API_KEY"',
        "max_tokens: 4096",
        "token_type: bearer",
        f'cache_key = "{_SAMPLE}"',
        f"signature\x02{_SAMPLE}\x03",
        "password=password",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = -1
        for place in places:
            if place < done:
                continue
            rest = _REST.match(text, place)
            assert rest is not None  # it matches nothing, too
            done = rest.end()
            sign = _SIGN.match(text, done)
            if sign is None or done - place >= _LONGEST_NAME:
                continue
            after, verb = sign.end(), sign["verb"] is not None
            if sign["gap"] is not None and not verb and (words := _WORDS.match(text, after)):
                after, verb = words.end(), True
            value = (_ELEMENT if sign["element"] else _VALUE).match(text, after)
            if value is None:
                continue
            if value.end() - after >= _LONGEST_VALUE:
                done = value.end()  # the rest of it would be read again from each word in it
                continue
            if sign["gap"] is not None and value["bare"] is not None and len(value["bare"]) < 20 and value["bare"].isalpha():
                continue  # the next word of a sentence
            found = _judge(text, place, done, sign, verb, value)
            if found is not None:
                done = found.end
                yield found


RULES = (Assignment(),)


def _judge(text: str, place: int, end: int, sign: re.Match[str], prose: bool, value: re.Match[str]) -> Finding | None:
    """
    The finding, if the name that holds the word at `place` and ends at `end` promises a secret and `value` keeps it.
    """
    backwards = _NAME_BACKWARDS.match(text[max(0, place - _LONGEST_NAME) : place][::-1])
    before = backwards[0][::-1] if backwards else ""
    promised = promise(before + text[place:end])
    if promised is Promise.NOTHING or len(before) >= _LONGEST_NAME:
        return None
    first = place - len(before.rpartition(" ")[2])
    in_front = text[max(0, first - 1) : first]
    option = in_front == "-" or text[first] == "-"
    quoted = value.lastgroup if value.lastgroup in _QUOTED else None
    start, stop = value.span(quoted or "bare")
    if sign["tag"] and not (in_front in ("<", ":") or sign["close"]):
        return None
    if sign["comma"] and not (sign["close"] and in_front == sign["close"][-1:] and _CALLS.search(text, max(0, first - 9), first - 1)):
        return None
    if sign["call"] and (quoted is None or promised is Promise.PERHAPS or "\\" in value[0] or _CALL_ENDS.match(text, value.end()) is None):
        return None
    if in_front == ":" and text.startswith("::", first - 2):
        return None  # AWS::IAM::AccessKey, std::key: a type
    if sign["gap"] is not None and not prose and not option:
        if text[first:end].lower() == "pass" or value["back"]:
            return None  # "Pass `x`" is English
        if quoted is None and promised is Promise.KEY and not _SETS.search(text, max(0, first - 16), first):
            promised = Promise.PERHAPS
    enclosed = quoted is not None or bool(sign["element"])
    if not enclosed:
        # Of a shell: `NAME=value command`, `--password value`.
        shell = option or (text[first:end].isupper() and text[end:start] == "=")
        stop, enclosed = _bare_end(text, start, stop, place - len(before), promised, prose=prose, shell=bool(shell))
        enclosed = enclosed or text.startswith("</", stop) or (in_front in ("?", "&") and text[stop : stop + 1] in ("&", "#"))
    elif scheme := _SCHEME.match(text, start, stop):
        start = scheme.end()
    if stop - start < _SHORTEST_VALUE or (promised is Promise.PERHAPS and not enclosed and sign["gap"] is None):
        return None
    found = text[start:stop]
    if len(found) in _HASH_LENGTHS and in_table_of_hashes(text, start, stop):
        return None
    if sign["call"] and promised is Promise.KEY and surprise(found) < 0.8 * len(found):
        return None  # what a function called `token` is given is a name as often
    if prose and quoted is None and not any(map(str.isdigit, found)) and surprise(found) < len(found):
        return None
    if not is_secret(found, promised, enclosed=enclosed):
        return None
    entity = "PASSWORD" if promised is Promise.PASSWORD else "API_KEY"
    return Finding(start, stop, entity, "assignment", 20)


def _bare_end(text: str, start: int, stop: int, line: int, promised: Promise, *, prose: bool, shell: bool) -> tuple[int, bool]:
    """
    Where a value without quotes ends, and whether that is certain. `start` where it is code.
    """
    # Lines of .env files and YAML: whatever stands to the end of the line is the password, marks included, unless another pair follows.
    goes_on = promised is Promise.PASSWORD and not prose and text[stop : stop + 1] in _MARKS
    if goes_on and not _NEXT_PAIR.match(text, stop) and not _OURS.fullmatch(text, start, stop):
        rest = _REST_OF_LINE.match(text, stop) if _LINE_START.search(text, max(0, line - 24), line) else None
        if rest is not None and _LINE_END.match(text, rest.end()):
            stop = rest.end()
    if text[stop : stop + 1] in ("(", "[", "{") or text.startswith((" | ", " & "), stop):
        return start, False  # a call, an index, a type
    while stop > start and text[stop - 1] in ".:?,":
        stop -= 1
    return stop, bool(_LINE_END.match(text, stop)) or prose or (shell and text[stop : stop + 1].isspace())
