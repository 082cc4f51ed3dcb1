"""
Secrets known by structure: private keys, tokens, connection strings, headers, URLs, hashes, wallets.
"""

import hashlib
from base64 import b64encode, urlsafe_b64encode

import pytest

from excise.privacy.detect import connections, hashes_password, http_auth, keys_private, tokens_jwt, url_query, wallet_secrets
from excise.privacy.detect.bip39_words import WORDS
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(
    (
        *keys_private.RULES,
        *tokens_jwt.RULES,
        *connections.RULES,
        *http_auth.RULES,
        *url_query.RULES,
        *hashes_password.RULES,
        *wallet_secrets.RULES,
    )
)
LINES = [
    "MIIEpAIBAAKCAQEA0mB5k3Zq7y9wXvRt4u6Pq8sLkJhGfDsAzXcVbNmQwErTyUiO",
    "pAsDfGhJkLzXcVbNm1234567890qWeRtYuIoPaSdFgHjKlZxCvBnMqWeRtYuIoPa",
]
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"
TOKEN = "k7Qz9Xv8M3tW1pH0" + "dS2rJ4bY5fG6nL"


def found(text: str) -> list[tuple[str, str]]:
    return [(one.entity, text[one.start : one.end]) for one in SCANNER.scan(text)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\\\n", "\\r\\n", " ", "\n    ", '\\n" +\n  "', "\n> "])
def test_a_pem_key_is_found_in_every_spelling(end: str) -> None:
    """
    In a file, in JSON, in JSON in JSON, on one line, in YAML, in a program, in a mail.
    """
    block = end.join([BEGIN, *LINES, END])

    assert found(f'key: "{block}" and more') == [("PRIVATE_KEY", block)]


@pytest.mark.parametrize("end", ["\n", "\\n", "\\\\n"])
def test_a_key_cut_short_is_taken_to_its_last_line(end: str) -> None:
    """
    The half of a key is enough for whoever finds the other half.
    """
    block = end.join([BEGIN, *LINES])

    assert found(f"{block}\n\nThat was all (I cut it).") == [("PRIVATE_KEY", block)]
    assert found(f"{block}\x03next element") == [("PRIVATE_KEY", block)]


def test_two_keys_are_two_findings() -> None:
    """
    The first without its end does not swallow the second.
    """
    cut, whole = "\n".join([BEGIN, *LINES]), "\n".join([BEGIN, *LINES, END])

    assert found(f"{cut}\n{whole}") == [("PRIVATE_KEY", cut), ("PRIVATE_KEY", whole)]


def test_a_pem_key_in_base64_is_found() -> None:
    """
    As Kubernetes Secrets and CI variables hold it.
    """
    value = b64encode("\n".join([BEGIN, *LINES, END]).encode()).decode()

    assert found(f"KEY_B64={value}\n") == [("PRIVATE_KEY", value)]


def test_the_public_half_of_a_web_key_stays() -> None:
    """
    `n`, `e`, `x`, `y` are meant to be shown.
    """
    public = '{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx","e":"AQAB"'

    assert found(public + "}") == []
    assert found(public + ',"p":"' + TOKEN + '"}') == [("PRIVATE_KEY", TOKEN)]


def jwt(header: str, *parts: str) -> str:
    return ".".join([urlsafe_b64encode(header.encode()).decode().rstrip("="), *parts])


@pytest.mark.parametrize(
    "token",
    [
        jwt('{"alg":"RS256"}', "eyJzdWIiOiJib2IifQ", TOKEN),
        jwt('{ "alg": "RS256"}', "eyJzdWIiOiJib2IifQ", TOKEN),
        jwt('{\n "typ": "JWT", "alg": "RS256"}', "eyJzdWIiOiJib2IifQ", TOKEN),
        jwt('{"alg":"none"}', "eyJzdWIiOiJib2IifQ", ""),
        jwt('{"alg":"dir","enc":"A128GCM"}', "", "48V1_ALb6US04U3b", "5eym8TW_c8SuK0ltJ3rpYI", "XFBoMYUZodetZdvTiFvSkQ"),
    ],
)
def test_a_token_is_known_by_its_header(token: str) -> None:
    """
    Whatever the white space in it; also without a signature, also encrypted.
    """
    assert found(f"got {token} back") == [("JWT", token)]
    assert found(f"jwt_{token}\n") == [("JWT", token)]


def test_what_only_looks_like_a_token_is_none() -> None:
    """
    A header must say its algorithm.
    """
    assert found(jwt('{"kid":"none of it"}', "eyJzdWIiOiJib2IifQ", TOKEN)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("jdbc:postgresql://h/db?user=bob&password=rosebud991&ssl=true", "rosebud991"),
        ("mysql+pymysql://bob:rose%40bud@h:3306/x", "rose%40bud"),
        ("Data Source=h;Initial Catalog=x;User ID=bob;Password=rosebud9;Encrypt=true", "rosebud9"),
        ("*:*:*:bob:rosebud991", "rosebud991"),
        ("machine h.example login bob password rosebud991", "rosebud991"),
        ("mysqldump -h db -ubob -prosebud991 shop > x.sql", "rosebud991"),
        ("sshpass -prosebud991 ssh bob@h", "rosebud991"),
    ],
)
def test_only_the_password_of_a_connection_is_taken_out(text: str, value: str) -> None:
    """
    Scheme, user and host tell a reader, or a model, what it is about.
    """
    assert [one[1] for one in found(text)] == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        (f"curl -H 'authorization: ApiKey {TOKEN}' https://h", TOKEN),
        (f'{{"headers": {{"Authorization": "Bearer {TOKEN}"}}}}', TOKEN),
        ("Authorization: Basic " + b64encode(b"bob:rosebud").decode(), b64encode(b"bob:rosebud").decode()),
        (f"Cookie: lang=en; session={TOKEN}; theme=dark", TOKEN),
        (f"set-cookie\x02sid={TOKEN}; Path=/; Secure\x03", TOKEN),
        ("curl -sS -u bob:rosebud991 https://h", "rosebud991"),
    ],
)
def test_credentials_of_http_are_found(text: str, value: str) -> None:
    """
    In headers as sent, as JSON, and as arguments of curl.
    """
    assert found(text) == [("AUTH_HEADER", value)]


def test_values_of_a_kubernetes_secret_are_found_whatever_their_names() -> None:
    """
    Base64 of a few letters says nothing by itself; the manifest says it is secret.
    """
    secret = "apiVersion: v1\nkind: Secret\ntype: Opaque\ndata:\n  note: cm9zZWJ1ZA==\n  db-password: c2xlZGdl\n"
    manifest = f"{secret}---\nkind: ConfigMap\ndata:\n  a: cm9zZWJ1ZA==\n"

    assert found(manifest) == [("API_KEY", "cm9zZWJ1ZA=="), ("PASSWORD", "c2xlZGdl")]


def test_a_seed_phrase_needs_its_checksum() -> None:
    """
    Twelve to twenty-four words of the list, the last of which is right for the others.
    """
    for count in (12, 15, 18, 21, 24):
        phrase = phrase_of(bytes(range(7, 7 + count * 4 // 3)))
        words = phrase.split()
        wrong = " ".join([*words[:-1], next(word for word in WORDS if word != words[-1])])

        assert found(f"my seed phrase: {phrase}.") == [("SEED_PHRASE", phrase)]
        assert found("\n".join(["recovery:", *words])) == [("SEED_PHRASE", "\n".join(words))]
        assert found(f"my seed phrase: {wrong}.") == []


def phrase_of(entropy: bytes) -> str:
    bits = len(entropy) * 8
    check = bits // 32
    number = int.from_bytes(entropy) << check | hashlib.sha256(entropy).digest()[0] >> (8 - check)
    words = list(WORDS)
    return " ".join(words[number >> shift & 2047] for shift in range(bits + check - 11, -1, -11))


def test_the_word_list_is_the_published_one() -> None:
    """
    One word wrong and no checksum is right.
    """
    assert (
        hashlib.sha256(("\n".join(WORDS) + "\n").encode()).hexdigest() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----\n" + "\n".join(LINES) + "\n-----END CERTIFICATE-----",
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'):",
        "https://registry.npmjs.org/@scope/pkg/-/pkg-1.2.3.tgz",
        "http://localhost:8080/a@b",
        "postgres://user:password@localhost/db",
        "https://example.com/?page=2&sort=created_at&key=name&code=200",
        "Set-Cookie: lang=en; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        "Authorization: Bearer $TOKEN",
        "docker run -u 1000:1000 image",
        "basic knowledge and bearer of good-news-for-everybody",
        "it costs $5$ and $6$",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    """
    Public keys, code, packages, placeholders, prices.
    """
    assert found(text) == []
