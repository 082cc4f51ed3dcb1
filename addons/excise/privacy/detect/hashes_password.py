"""
Hashes of passwords: they can be cracked offline, so they are not to leave.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Detector

_SALT = "k7Qz9Xv8M3tW1pH0dS2rJ4"
_B64 = "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nLk7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nLk7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nL"

RULES = (
    Detector(
        name="password-hash-bcrypt",  # passlib, "bcrypt": 22 characters of salt, 31 of hash, read 2026-11
        entity="PASSWORD_HASH",
        keywords=("$2a$", "$2b$", "$2x$", "$2y$"),
        pattern=r"\$2[abxy]\$[0-3][0-9]\$[./A-Za-z0-9]{53}(?![./A-Za-z0-9])",
        hits=("$2b$12$" + _SALT + "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nLe",),
        misses=("$2b$12$short", "$2b$12$"),
    ),
    Detector(
        name="password-hash-argon2",  # PHC string format, read 2026-11
        entity="PASSWORD_HASH",
        keywords=("$argon2", "$scrypt$", "$balloon", "$yescrypt$"),
        pattern=r"\$(?:argon2(?:id|i|d)|scrypt|balloon|yescrypt)\$(?:v=[0-9]{1,3}\$)?[a-z]{1,6}=[0-9]{1,12}(?:,[a-z]{1,6}=[\w+/-]{1,64}){0,6}"
        r"\$[\w+/.-]{8,128}={0,2}\$[\w+/.-]{16,256}={0,2}",
        hits=("$argon2id$v=19$m=65536,t=3,p=4$" + _SALT + "$" + _B64[:43], "$scrypt$ln=16,r=8,p=1$" + _SALT + "$" + _B64[:43]),
        misses=("$argon2id$", "$argon2id$v=19$m=65536,t=3,p=4"),
    ),
    Detector(
        name="password-hash-crypt",  # crypt(5): MD5, SHA-256, SHA-512, yescrypt, scrypt, Sun MD5, apr1, phpass; read 2026-11
        entity="PASSWORD_HASH",
        keywords=("$1$", "$5$", "$6$", "$y$", "$7$", "$gy$", "$md5", "$apr1$", "$sha1$", "$p$", "$h$", "$s$", "$8$", "$9$"),
        pattern=r"(?<![\w$])\$(?:"
        r"(?:1|apr1)\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}"
        r"|5\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}"
        r"|6\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}"
        r"|g?y\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"
        r"|7\$[./A-Za-z0-9]{11,97}\$[./A-Za-z0-9]{43}"
        r"|md5[,$](?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,16}\${1,2}[./A-Za-z0-9]{22}"
        r"|sha1\$[0-9]{1,9}\$[./A-Za-z0-9]{1,64}\$[./A-Za-z0-9]{28}"
        r"|[PH]\$[./0-9A-Za-z]{31}|S\$[./0-9A-Za-z]{52}"
        r"|[89]\$[./A-Za-z0-9]{14}\$[./A-Za-z0-9]{43}"  # Cisco types 8 and 9
        r")(?![./A-Za-z0-9])",
        hits=(
            "$1$k7Qz9Xv8$" + _B64[:22],
            "$apr1$k7Qz9Xv8$" + _B64[:22],
            "$5$rounds=5000$" + _SALT[:16] + "$" + _B64[:43],
            "$6$" + _SALT[:16] + "$" + _B64[:86],
            "$y$j9T$" + _SALT + "$" + _B64[:43],
            ("root:$6$" + _SALT[:16] + "$" + _B64[:86] + ":19000:0", "$6$" + _SALT[:16] + "$" + _B64[:86]),
            "$P$B" + _B64[:30],
        ),
        misses=("$1$2", "costs $5$ or $6$ a piece", "US$1$k7Qz9Xv8$" + _B64[:22]),
    ),
    Detector(
        name="password-hash-pbkdf2",  # Django, Werkzeug, passlib, ASP.NET-like `$pbkdf2-…`; their documentation read 2026-11
        entity="PASSWORD_HASH",
        keywords=(
            "pbkdf2",
            "$pbkdf2",
            "scrypt:",
            "bcrypt_sha256$",
            "bcrypt$$",
            "{ssha",
            "{pbkdf2",
            "{sha",
            "{crypt}",
            "{smd5}",
            "argon2$argon2",
        ),
        pattern=r"(?i:\$?pbkdf2(?:[_:-](?:hmac[_:-])?sha(?:1|224|256|384|512))?|scrypt)(?:\$|:[0-9]{1,9}(?::[0-9]{1,3}){0,2}\$)(?:[0-9]{1,9}\$)?"
        r"[\w./+-]{4,128}={0,2}\$[\w./+-]{16,256}={0,2}"
        r"|\{(?i:S?SHA(?:224|256|384|512)?|SMD5|CRYPT|PBKDF2[A-Z0-9_-]{0,12})\}[\w./+$=-]{24,256}"
        r"|(?i:bcrypt(?:_sha256)?)\${1,2}2[abxy]\$[0-3][0-9]\$[./A-Za-z0-9]{53}",
        hits=(
            "pbkdf2_sha256$600000$" + _SALT + "$" + _B64[:43] + "=",
            "pbkdf2:sha256:260000$k7Qz9Xv8$" + "0f" * 32,
            "scrypt:32768:8:1$k7Qz9Xv8$" + "0f" * 64,
            "$pbkdf2-sha256$29000$" + _SALT + "$" + _B64[:43],
            "{SSHA}" + _B64[:32],
        ),
        misses=("pbkdf2_sha256", "scrypt: a function", "{SHA}", "algorithm pbkdf2:sha256:600000"),
    ),
)
