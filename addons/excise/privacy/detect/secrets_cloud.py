"""
Credentials of AWS, Google Cloud and Azure; with those of `secrets_hosting`.

Shapes as the services document or issue them, collected 2026-11. Microsoft's "identifiable" keys carry a signature in fixed places
(microsoft/security-utilities, "common annotated security keys").
"""

from __future__ import annotations

import re

from excise.privacy.detect import secrets_hosting
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import (
    A_UUID,
    ALNUM,
    BASE64,
    CLOSED,
    ESCAPED,
    HEX,
    LONE,
    LOWER,
    UPPER,
    UUID,
    WORD,
    sample,
    shaped,
    token,
)

_B32 = "K7QZ5XV2M3TWPHDS4RJBYFGNLC6EUAOI"  # base32, mixed

_NOBODYS = re.compile(r"(?:1234|0123|2345|9876|2109)[0-9]*|(?:([0-9])\1{3}){1,3}[0-9]*|([0-9])\2{5}[0-9]*")
_AWS = (
    Detector(
        name="aws-access-key-id",
        entity="API_KEY",
        # Base32; made-up ones have any digit. A3T is the oldest form. What ends in EXAMPLE stands in documentation and opens nothing.
        pattern=rf"{CLOSED}(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}(?<!EXAMPLE)(?![A-Za-z0-9])",
        keywords=("a3t", "akia", "asia", "abia", "acca"),
        validate=lambda match: len(set(match[0])) > 5,
        hits=("AK" + "IA" + _B32[:16], "AS" + "IA" + _B32[8:24], "AK" + "IA" + sample(UPPER, 16)),
        misses=("AKIA" + "X" * 16, "AKIA" + _B32[:15], "B" + "AKIA" + _B32[:16], "AKIA" + "IOSFODNN7" + "EXAMPLE"),
    ),
    Detector(
        name="aws-secret-key",
        entity="API_KEY",
        pattern=(
            r"(?:(?<![A-Za-z0-9+/])(?i:aws|amazon)|A(?:ws|WS|mazon)(?=[A-Z_])|(?i:secret[ _.-]?(?:access)?[ _.-]?key|access[ _.-]?key))"
            r"[^\x03\n]{0,60}?[=:>,|\x02\s\"'`(](?:aws://[^:\s]{1,40}:)?(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=_-])"
        ),
        keywords=(
            "aws",
            "amazon",
            "secret_access",
            "secretaccess",
            "secret access",
            "secret-access",
            "secret_key",
            "secretkey",
            "secret-key",
        ),
        validate=lambda match: _is_aws_secret(match),
        weight=70,
        hits=(
            ("aws_secret_access_key = " + sample(BASE64, 40), sample(BASE64, 40)),
            ('"SecretAccessKey": "' + sample(BASE64, 40) + '"', sample(BASE64, 40)),
            ("AWS_SECRET" + "_ACCESS_KEY\x02" + sample(BASE64, 40) + "\x03", sample(BASE64, 40)),
        ),
        misses=(
            "aws commit = " + sample(HEX, 40).lower(),
            "aws_secret_access_key = " + "x" * 40,
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
        ),
    ),
    shaped(
        "aws-session-token",
        r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu|FQoGZXIvYXdz|FQoDYXdz|AQoDYXdz)(?![A-Za-z0-9/+=%]{0,120}EXAMPLE)(?P<body>[A-Za-z0-9/+=%]{80,2000})",
        ("fwogzxivyxdz", "iqojb3jpz2lu", "fqogzxivyxdz", "fqodyxdz", "aqodyxdz"),
        "FwoGZX" + "IvYXdz" + sample(BASE64, 200),
        "IQoJb3" + "JpZ2lu" + sample(BASE64, 400),
        left=CLOSED,
        right=r"(?![A-Za-z0-9/+])",
    ),
    shaped(
        "bedrock-key",
        r"ABSK(?P<body>[A-Za-z0-9+/]{100,280}={0,2})",
        "absk",
        "AB" + "SK" + sample(BASE64, 128),
        left=CLOSED,
        right="(?![A-Za-z0-9+/])",
    ),
    shaped(
        "bedrock-short-key",
        r"bedrock-api-key-(?P<body>[A-Za-z0-9+/]{24,4000}={0,2})",
        "bedrock-api-key-",
        "bedrock-" + "api-key-" + "YmVkcm9jay5hbWF6b25hd3MuY29t" + sample(BASE64, 60),
        right="(?![A-Za-z0-9+/])",
    ),
    Detector(
        name="aws-account-id",  # no secret to AWS, but it names the owner; those of the documentation are nobody's
        entity="API_KEY",
        pattern=r"(?i:aws[ _.-]?account)(?i:[ _.-]?(?:id|no|number|nr))?[\"'`\]]{0,3}\s{0,3}(?:[:=\x02]|=>|:=|\bis\b)\s{0,3}[\"'`]{0,2}"
        r"(?P<value>[0-9]{12}|[0-9]{4}-[0-9]{4}-[0-9]{4})(?![0-9A-Za-z-])",
        keywords=("aws account", "aws_account", "awsaccount", "aws-account", "aws.account"),
        validate=lambda match: not _NOBODYS.fullmatch(match["value"].replace("-", "")),
        weight=50,
        hits=(("AWS_ACCOUNT_ID=482910375526", "482910375526"), ('"awsAccountId": "482910375526"', "482910375526")),
        misses=("AWS_ACCOUNT_ID=123456789012", "AWS_ACCOUNT_ID=111122223333", "AWS_ACCOUNT_ID=000000000000", "aws account 1234"),
    ),
    shaped("amazon-mws-key", rf"amzn\.mws\.(?P<body>{UUID})", "amzn.mws.", "amzn" + ".mws." + A_UUID),
    token("amazon-oauth-secret", "amzn1.oa2-cs.v1.", HEX, 64),
    shaped(
        "amazon-login-token",
        r"Atz[ar]\|(?P<body>[A-Za-z0-9/+_=-]{60,2000})",
        ("atza|", "atzr|"),
        "At" + "za|" + sample(WORD, 120),
        right=r"(?![\w+/=-])",
    ),
)


def _is_aws_secret(match: re.Match[str]) -> bool:
    value, before = match["value"], match.string[match.start() : match.start("value")].lower()
    if not any(word in before for word in ("secret", "key", "token", "cred", "access", "aws://")):
        return False
    # Names of resources and hashes of files stand beside these words too.
    if "arn:" in match.string[max(0, match.start() - 24) : match.start("value")] or "sha256" in before:
        return False
    # A SHA-1 has no capitals, a path has few: random base64 has all three.
    kinds = sum((any(map(str.islower, value)), any(map(str.isupper, value)), any(map(str.isdigit, value))))
    return kinds == 3 and len(set(value)) > 14 and value.count("/") < 7 and not value.endswith(("EXAMPLEKEY", "EXAMPLE"))


_GOOGLE = (
    token("google-api-key", "AIza", WORD, 35, left=CLOSED),
    token("gemini-key", "AQ.Ab8RN6", WORD, (40, 80)),
    shaped(  # opens nothing alone, but names whose application it is
        "google-oauth-client",
        r"(?P<value>[0-9]{9,14}-(?P<body>[a-z0-9]{32})\.apps\.googleusercontent\.com)",
        ".apps.googleusercontent.com",
        "123456789012-" + sample(LOWER, 32) + ".apps.googleusercontent" + ".com",
        reach=(48, 30),
        left=CLOSED,
    ),
    token("google-oauth-secret", "GOCSPX-", WORD, 28),
    shaped(
        "google-oauth-token",
        r"ya29\.(?P<body>[\w-]{24,2000}(?:\.[\w-]{10,400})?)",
        "ya29.",
        "ya" + "29." + sample(WORD, 120),
        left=CLOSED,
        right=r"(?![\w-])",
    ),
    shaped(
        "google-refresh-token",
        r"1//0(?P<body>[A-Za-z0-9][\w-]{40,200})",
        "1//0",
        "1/" + "/0" + sample(WORD, 100),
        left=LONE,
        right=r"(?![\w/+-])",
        words=True,
    ),
    token("google-hmac-id", "GOOG1E", UPPER, 57, left=CLOSED),
    shaped("google-hmac-user", r"GOOG(?P<body>[A-Z0-9]{16,20})", "goog", "GO" + "OG" + sample(UPPER, 20), left=CLOSED, words=True),
    shaped(
        "firebase-server-key",
        r"AAAA(?P<body>[\w-]{7}:[\w-]{120,180})",
        ":apa91b",
        "AA" + "AA" + sample(WORD, 7) + ":APA91b" + sample(WORD, 134),
        left=CLOSED,
        reach=(12, 190),
        right=r"(?![\w-])",
    ),
    shaped(
        "google-service-key-id",
        r"private_key_id[\"'\\]{0,4}\s{0,3}[:=\x02]\s{0,3}[\"'\\]{0,4}(?P<value>[0-9a-f]{40})",
        "private_key_id",
        ('"private_key' + '_id": "' + sample(HEX, 40) + '"', sample(HEX, 40)),
    ),
)

_AZURE = (
    Detector(
        name="azure-client-secret",
        entity="API_KEY",
        pattern=rf"(?:(?<![A-Za-z0-9_~.-])|{ESCAPED})[A-Za-z0-9_~.-]{{3}}[0-9]Q~[A-Za-z0-9_~.-]{{31,34}}(?![A-Za-z0-9_~-])",
        keywords=("q~",),
        reach=(5, 50),
        across_key=False,
        hits=("k7Q" + "8Q~" + sample(WORD, 31), "a.~" + "8Q~" + sample(WORD, 34)),
        misses=("k7Q" + "8Q~" + sample(WORD, 30),),
    ),
    # The signature stands at a fixed place of the key: `JQQJ9` and what follows is the newest form, the others name their service.
    shaped(
        "azure-annotated-key",
        r"[A-Za-z0-9]{52}JQQJ9[9D][A-Za-z0-9]{18,30}(?:==)?",
        "jqqj9",
        sample(ALNUM, 52) + "JQQJ" + "99" + "BIACYeBjFXJ3w3AAABACOG" + "k7Qz",
        left=LONE,
        reach=(54, 60),
    ),
    shaped(
        "azure-64-byte-key",
        r"[A-Za-z0-9+/]{76}(?:\+ASt|\+ABa|\+AMC|APIM|ACDb|AzFu)[A-Za-z0-9+/]{5,6}[AQgw]?==",
        ("+ast", "+aba", "+amc", "apim", "acdb"),
        sample(BASE64, 76) + "+AS" + "t" + sample(ALNUM, 6) + "==",
        sample(BASE64, 76) + "AC" + "Db" + sample(ALNUM, 6) + "==",
        left=LONE,
        right="(?![A-Za-z0-9+/=])",
        reach=(78, 14),
    ),
    shaped(
        "azure-32-byte-key",
        r"[A-Za-z0-9+/]{33}(?:AIoT|\+ASb|\+AEh|\+ARm|AzCa)[A-P][A-Za-z0-9+/]{5}=",
        ("aiot", "+asb", "+aeh", "+arm", "azca"),
        sample(BASE64, 33) + "+AS" + "b" + "B" + sample(ALNUM, 5) + "=",
        sample(BASE64, 33) + "Az" + "Ca" + "B" + sample(ALNUM, 5) + "=",
        left=LONE,
        right="(?![A-Za-z0-9+/=])",
        reach=(35, 14),
    ),
    shaped(
        "azure-39-byte-key",
        r"[A-Za-z0-9+/]{42}(?:AzSe|\+ACR)[A-D][A-Za-z0-9]{5}",
        ("azse", "+acr"),
        sample(ALNUM, 42) + "Az" + "Se" + "A" + sample(ALNUM, 5),
        sample(BASE64, 42) + "+AC" + "R" + "B" + sample(ALNUM, 5),
        left=LONE,
        right="(?![A-Za-z0-9+/=])",
        reach=(44, 12),
    ),
    shaped(
        "azure-function-key",
        r"[\w-]{44}AzFu[\w-]{5}[AQgw]==",
        "azfu",
        sample(WORD, 44) + "Az" + "Fu" + sample(WORD, 5) + "A==",
        left=LONE,
        right="(?![A-Za-z0-9=])",
        reach=(46, 14),
    ),
    shaped(
        "azure-connection-key",
        r"(?:AccountKey|SharedAccessKey|SharedSecretValue|SharedSecretIssuerKey|accesskey|(?<!Secret)AccessKey|PrimaryKey|SecondaryKey)[\"'\\]{0,3}\s{0,2}[=:\x02]\s{0,2}[\"'\\]{0,3}(?P<value>(?P<body>[A-Za-z0-9+/%]{40,100})={0,2})",
        ("accountkey", "sharedaccesskey", "sharedsecret", "accesskey", "primarykey", "secondarykey"),
        ("AccountKey=" + sample(BASE64, 86) + "==", sample(BASE64, 86) + "=="),
        ("SharedAccessKey=" + sample(BASE64, 43) + "=", sample(BASE64, 43) + "="),
        left="",
        right="(?![A-Za-z0-9+/=])",
        words=True,
    ),
    shaped(
        "azure-app-configuration",
        r"Endpoint=https?://[\w.-]{1,100};Id=[^;\s\x02\x03]{4,100};Secret=(?P<value>[A-Za-z0-9+/=]{36,100})",
        "endpoint=http",
        ("Endpoint=https://app.azconfig.io;Id=x1-l0-s0:abc;Secret=" + sample(BASE64, 43) + "=", sample(BASE64, 43) + "="),
        right="(?![A-Za-z0-9+/=])",
    ),
    shaped(
        "azure-sas",
        r"sig=(?P<value>[A-Za-z0-9%/+]{40,90}(?:%3[Dd]|=){0,2})",
        "sig=",
        ("?sv=2024-11-04&sig=" + sample(ALNUM, 43) + "%3D", sample(ALNUM, 43) + "%3D"),
        left="(?:(?<=[?&;])|(?<=%26))",
        right="(?![A-Za-z0-9%/+=])",
        words=True,
        misses=("?sig=" + sample(ALNUM, 20),),
    ),
    shaped(
        "azure-devops-token",
        r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
        "azdo",
        sample(ALNUM, 76) + "AZ" + "DO" + "k7Qz",
        left=LONE,
        reach=(78, 10),
    ),
    shaped(
        "azure-logic-app-signature",
        r"https://[\w.-]{1,60}\.logic\.azure\.com(?::443)?/[^\s\"'<>\x02\x03]{1,300}?[?&]sig=(?P<value>[\w%-]{40,60})",
        ".logic.azure.com",
        (
            "https://prod-01.westus.logic.azure.com:443/workflows/0f/triggers/manual/paths/invoke?api-version=1&sig=" + sample(WORD, 43),
            sample(WORD, 43),
        ),
        reach=(60, 420),
        left="",
        right=r"(?![\w%-])",
    ),
)

RULES: tuple[Detector, ...] = (*_AWS, *_GOOGLE, *_AZURE, *secrets_hosting.RULES)
