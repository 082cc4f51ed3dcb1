"""
Whether a value, taken by itself, is a secret: passwords and random characters are, words, names, code and placeholders are not.
"""

from __future__ import annotations

import re

from excise.privacy.detect.assignment_words import Promise, promise
from excise.privacy.detect.naturalness import surprise

# What stands where a secret will be put, or was: templates and variables of shells, programs and documents at its head, …
_TEMPLATE = re.compile(
    r"[\s\"'(\[<]*(?:\$\{|\$\(|\{\{|\{%|<%|%\(|#\{|@\{|\[\[|<[\w .-]*>|\{[\w.]*\}|%[\w.-]+%|%[sdrv]\b|\$[A-Za-z_]\w*\s*$)"
)
# … and words and fillers anywhere in it. None is likely among random characters.
_FILLER_WORDS = """
    ${ {{ <%= #{ ... … *** • xxxx 0000000 111111 _____ ----- ==== 1234567 abcdefg qwerty placeholder changeme change_me change-me
    change_this change-this example redacted replaceme replace_me replace-me replace_with replace-with insert_ insert- your_ your- _here
    -here dummy foobar lorem deadbeef fixme process.env os.environ getenv not-real notreal not_real notsecret fake sample mock
"""
_FILLERS = tuple(_FILLER_WORDS.split())


def is_placeholder(value: str) -> bool:
    """
    Whether `value` stands for a secret instead of being one.
    """
    if _TEMPLATE.match(value):
        return True
    lower = value.lower()
    return any(filler in lower for filler in _FILLERS)


_STOP_WORDS = """
    password passwd passwort passphrase pass pwd secret token key apikey admin administrator root user username test testing tester
    guest demo default none null nil undefined true false yes no string str text number int integer bool boolean object array any
    unknown void optional required empty hidden private public login letmein welcome foo bar baz qux hello world abc abcd xyz asdf
    qwerty mypassword mysecret mytoken mykey yourpassword yoursecret yourtoken yourkey newpassword oldpassword wrongpassword badpassword
    secretpassword testpassword testtoken testkey testsecret supersecret topsecret verysecret notsecret anothersecret wrong invalid
    bearer basic value postgres mysql redis mongo mongodb rabbitmq elastic sa oracle minio vagrant docker ubuntu pytest somepassword
    sometoken somekey somesecret goodpassword userpassword dbpassword rootpassword adminpassword
"""
_STOP = frozenset(_STOP_WORDS.split())
_PADDING = re.compile(r"[\W_]+|[0-9]{1,4}$|^[0-9]{1,4}")

_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)")
_MARKED_HEX = re.compile(r"[A-Za-z]{1,10}[_-]?(?P<hex>[0-9a-f]{24,})")  # one vendor's hexadecimal: beside its mark the rest looks written
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?")
# Never a secret by its form: hashes that say so, paths, URLs, addresses, versions, dates, MIME types, CSS.
_FORM = re.compile(
    r"(?i)(?:sha(?:1|224|256|384|512)|md5|blake2[bs]|urn|arn|https?|ftp|file|data|ssh-(?:rsa|ed25519|dss)|ecdsa-[\w-]+|s3|gs|projects|refs|secrets?|vault|op|env|keychain|aws-sm)"
    r"[-:/=+ ].*"
    r"|(?:\.{0,2}|~)/.*|[a-z]:\\.*|[\w-]+(?:/[\w.@-]+)+\.[a-z]{1,5}"  # paths
    r"|[^@\s]{1,64}@(?:[\w-]{1,63}\.)+[a-z]{2,24}"
    r"|v?[0-9]+(?:\.[0-9]+){1,5}(?:[-+.][\w.+-]+)?"
    r"|[0-9]{1,4}[-/.:][0-9]{1,2}[-/.:][0-9]{1,4}(?:[T ].*)?"
    r"|[+-]?[0-9.,_]+(?:e[+-]?[0-9]+)?[a-z%]{0,3}"  # numbers with a unit
    r"|(?:[\w-]{1,63}\.){2,8}(?:com|org|net|io|dev|local|internal)(?:[:/].*)?"
)
_DIGITS = re.compile(r"[0-9]{16,24}")
_LETTER = re.compile(r"[A-Za-z]")
_DIGIT = re.compile(r"[0-9]")
_MARK = re.compile(r"[!@#$%^&*?+=~]")
_CALL = re.compile(r"(?:[\w$]+\.)+[a-z_$][\w$]*|[\w.]+[(\[{].*|.*(?:=>|->|&&|\|\||::|\)\s*\{|[;{}]).*")
_CODE = re.compile(r"[\[{<+.,&);:\s]|0x[0-9a-fA-F]+$|(?:\\\\x[0-9a-f]{2})+$|.*[+(,&:\[{\s]$")  # JSON, pieces of concatenations, numbers
_NUMBERED = re.compile(r"[A-Za-z_.-]+[0-9]")
_MEMBER = re.compile(r"(?:[A-Za-z_$]\w*\.)+[A-Za-z_$]\w*")
# Meant to be shown: hashes that say so, SubjectPublicKeyInfo of EC, Ed25519 and RSA keys.
_SHOWN = re.compile(
    r"(?i:sha[0-9]{1,3}|md5|blake2[bs]?|h1)[-:=]|M(?:FkwEwYHKoZI|HYwEAYHKoZI|CowBQYDK2V|IG[a-f]MA0GCSqG|IIB[A-Za-z]{2}ANBgkq|IIC[A-Za-z]{2}ANBgkq)"
)
# Names of classes and functions: a random text has no digit seldom, and every second run of its small letters is one letter.
_CLASS_NAME = re.compile(r"_{0,2}[a-z]{0,12}(?:[A-Z]{1,5}[a-z]{2,12}[0-9]?){2,7}[A-Z]?")
_EXPRESSION = re.compile(r"\\[(|.)wdsb]|\[\^|\.\*\$|\(\?[:=!<]")  # `pat = "\.\(gz\|zip\)$"`: a pattern
_PRINTED = re.compile(r"[!-~]+")

_ONE_TOKEN = re.compile(r"[A-Za-z0-9_\-+/=.~:!@#$%^&*?,|]+")

# Bits `surprise` must show: (shorter than 12, shorter than 16, longer).
_BITS = {Promise.PASSWORD: (6.0, 4.0, 2.0), Promise.KEY: (14.0, 8.0, 3.0), Promise.PERHAPS: (99.0, 60.0, 45.0)}


def is_secret(value: str, promised: Promise, *, enclosed: bool) -> bool:
    """
    Whether `value` is a secret, when its name promised one.

    Args:
        value: Without quotes, 6 to 256 characters.
        promised: Not `NOTHING`.
        enclosed: Its end is certain: it stood in quotes, in an element of its own, or alone on its line.
    """
    if len(set(value)) < 4 or is_placeholder(value) or is_stop_word(value) or _CLASS_NAME.fullmatch(value) or _EXPRESSION.search(value):
        return False
    if promised is Promise.PASSWORD and is_password(value, enclosed=enclosed):
        return True
    return len(value) >= 8 and _is_random(value, promised, enclosed=enclosed)


def is_stop_word(value: str) -> bool:
    """
    Whether `value` says nothing: a word from examples, perhaps with digits or marks around it, or one character over and over.
    """
    core = _PADDING.sub("", value.lower())
    return core in _STOP or len(set(value)) < 4 or len(core) < 2


def is_password(value: str, *, enclosed: bool) -> bool:
    """
    Whether `value` is what people choose as a password: at least six characters, not all letters, not code, not a form known to be none.
    """
    if not (6 if enclosed else 8) <= len(value) <= 64 or _FORM.fullmatch(value) or _CODE.match(value):
        return False
    words = value.split(" ")
    letters, digits, marks = bool(_LETTER.search(value)), bool(_DIGIT.search(value)), bool(_MARK.search(value))
    if len(words) > 1:
        # Sentences are labels and messages; a passphrase in digits and marks is not one.
        return enclosed and len(words) <= 3 and digits and marks and letters
    if not enclosed and _CALL.fullmatch(value):
        return False
    if letters and digits and marks:
        return True
    if letters and digits:
        # `latin1`, `urllib2`: names that end in a digit.
        return enclosed and not _NUMBERED.fullmatch(value) and (surprise(value) > -8 or (len(value) >= 8 and value.isalnum()))
    return letters and marks and enclosed and _MARK.search(value[1:-1]) is not None and surprise(value) > 0


def _is_random(value: str, promised: Promise, *, enclosed: bool) -> bool:
    if _UUID.fullmatch(value):
        return promised is Promise.KEY
    if not _ONE_TOKEN.fullmatch(value) and not (
        enclosed and len(value) >= 20 and _PRINTED.fullmatch(value) and not _CODE.match(value) and surprise(value) > 0.9 * len(value)
    ):
        return False
    if _DIGITS.fullmatch(value):
        return promised is Promise.KEY
    if len(set(value)) < min(len(value), 24) * 0.36 or _SHOWN.match(value):
        return False
    if _HEX.fullmatch(value):
        # Hashes are as random: a name that only perhaps means a secret does not make one of them.
        return promised is not Promise.PERHAPS and len(value) >= 16 and bool(_LETTER.search(value) and _DIGIT.search(value))
    if promised is not Promise.PERHAPS and (marked := _MARKED_HEX.fullmatch(value)):
        return bool(_LETTER.search(marked["hex"]) and _DIGIT.search(marked["hex"]))
    if promised is Promise.PERHAPS and not (value != value.lower() and value != value.upper() and _DIGIT.search(value)):
        return False
    short, middle, long = _BITS[promised]
    bits, surprised = short if len(value) < 12 else middle if len(value) < 16 else long, surprise(value)
    # Random characters may begin like a path; paths are far from random.
    return surprised > bits and (surprised > 1.2 * len(value) or not (_FORM.fullmatch(value) or _MEMBER.fullmatch(value)))


_HASH_LINE = re.compile(
    r"(?P<name>[^\n\x02\x03]{0,200}?)[\"'`]?[ \t]{0,8}(?:[:=\x02]|[=-]>)[ \t]{0,8}[\"'`]?(?P<hash>[0-9a-f]{32,128})[\"'`]?,?[ \t]*"
)
_AROUND = 1_000  # characters looked at in front and behind
_OTHERS = 3


def in_table_of_hashes(text: str, start: int, stop: int) -> bool:
    """
    Whether the hexadecimal value at [start, stop) is one of many of its length in a table whose other names promise nothing secret: the
    checksums of a lock file, where some package is called `token`.
    """
    value = text[start:stop]
    if not _HEX.fullmatch(value):
        return False
    others = 0
    for line in re.split(r"[\n\x03]", text[max(0, start - _AROUND) : stop + _AROUND]):
        row = _HASH_LINE.fullmatch(line)
        if row is not None and len(row["hash"]) == len(value) and row["hash"] != value and promise(row["name"][-48:]) is Promise.NOTHING:
            others += 1
    return others >= _OTHERS
