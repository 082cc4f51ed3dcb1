"""
Secrets known by their names: forms of assignments, kinds of values, and what is no secret though its name sounds so.
"""

import random
import string
import time

import pytest

from excise.privacy.detect.assignment import RULES
from excise.privacy.detect.assignment_value import is_placeholder
from excise.privacy.detect.assignment_words import Promise, promise
from excise.privacy.detect.naturalness import surprise
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(RULES)
RANDOM = random.Random(20261122)


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in SCANNER.scan(text)]


def chosen(alphabet: str, length: int) -> str:
    return "".join(RANDOM.choices(alphabet, k=length))


FORMS = (
    '{n} = "{v}"',
    "{n}='{v}'",
    "{n}: {v}",
    "{n}={v}",
    '"{n}": "{v}",',
    '{{\\"{n}\\":\\"{v}\\"}}',
    'string {n} = "{v}";',
    'var {n} string = "{v}"',
    "{n} := `{v}`",
    '{n}: str = "{v}"',
    'let {n}: String = "{v}"',
    '${n} .= "{v}";',
    '{n} ?= "{v}"',
    "'{n}' => '{v}',",
    "<{n}>{v}</{n}>",
    "<{n}>\n    {v}\n</{n}>",
    '<add key="{n}" value="{v}"/>',
    '<string name="{n}">{v}</string>',
    'setProperty("{n}", "{v}")',
    'os.environ["{n}"] = "{v}"',
    'x = os.getenv("{n}") or "{v}"',
    "export {n}={v}",
    "setx {n} {v}",
    "ENV {n} {v}",
    "tool --{n} {v} --verbose",
    "java -D{n}={v} -jar x",
    '#define {n} "{v}"',
    '(setq {n} "{v}")',
    "- name: {n}\n  value: {v}\n",
    '{{"name": "{n}", "value": "{v}"}}',
    "name\x02{n}\x03value\x02{v}\x03",
    "{n}\x02{v}\x03",
    "{n}: |\n    {v}\n",
    'the {n} is "{v}".',
)
NAMES = (
    "adafruit_api_token",
    "algoliaApiKey",
    "BITBUCKET_CLIENT_SECRET",
    "finicity_token",
    "codecov-token",
    "mattermost.access.token",
    "acme_key",
    "apikey",
    "serviceSecret",
    "zendesk_credentials",
)
VALUES = (
    chosen("0123456789abcdef", 32),
    chosen("0123456789abcdef", 40),
    chosen(string.ascii_lowercase + string.digits, 20),
    chosen(string.ascii_letters + string.digits, 16),
    chosen(string.ascii_letters + string.digits, 64),
    chosen(string.ascii_letters + string.digits + "_-", 43),
    "5f0c6a1e-93b7-4d28-8e51-" + chosen("0123456789abcdef", 12),
    "k7Qz9Xv8M3tW1pH0" + "dS2rJ4bY5fG6nLa+b/c=",
)


@pytest.mark.parametrize("form", FORMS)
def test_an_assignment_is_found_however_it_is_written(form: str) -> None:
    """
    Languages, file formats, command lines and sentences write the same thing: a name, a sign, a value.
    """
    for name in NAMES:
        for value in VALUES:
            assert found(form.format(n=name, v=value)) == [value], (name, value)


PASSWORDS = (
    'password: "►Summer2024!◄"',
    "DB_PASS=►hunter2hunter2◄",
    "pwd='►p@ss w0rd1◄'",
    "My password is ►hunter22◄.",
    "mein Passwort ist ►Geh3im!Wort◄",
    "le mot de passe est ►Soleil2023!◄",
    "la contraseña es ►Cielo#2023x◄",
    "het wachtwoord is ►Fiets!2024◄",
    "Lösenord: ►Katt1234!◄",
    "Hasło: ►Kot12345!◄",
    "Пароль: ►Kot12345!◄",
    "密码: ►Kot12345!◄",
    "パスワードは ►Kot12345!◄",
    "password for the admin user: ►Xy7!kkqq◄",
    "spring.datasource.password=►Tr0ub4dor&3◄",
    "docker run -e POSTGRES_PASSWORD=►Pg!2345678◄ postgres",
    "requirepass: ►foob4red99x◄",
    "PGPASSWORD=►rosebud991◄ psql",
    "login --password ►rosebud991◄ --user bob",
    "SECRET_KEY = '►django-insecure-k3$x(7z&!w9_q)2mv^l+8c@r#5t0bnp6y4s1d◄'",
    'password := os.Getenv("DB_PASSWORD", "►Pr0d!pass◄")',
    "password\x02►correct horse 9!◄\x03",
    'password\x02►a"quote9!◄\x03',
)


@pytest.mark.parametrize("marked", PASSWORDS)
def test_the_value_is_taken_out_and_nothing_else(marked: str) -> None:
    """
    Not the name, not the closing quote, not the full stop.
    """
    before, value, behind = marked.replace("◄", "►").split("►")

    assert found(before + value + behind) == [value]


NOT_SECRET = (
    "password=password",
    "password: string",
    'password: str = ""',
    "token: Token",
    "key: value",
    "key = lambda x: x.foo",
    "token_type: bearer",
    "max_tokens: 4096",
    'tokenizer = "bert-base-uncased"',
    "primary_key=True",
    'monkey = "bananas12345"',
    'authority: "https://login.example.com"',
    'password = input("Enter password: ")',
    'password = os.environ["DB_PASSWORD"]',
    "password: ${DB_PASSWORD}",
    "password: {{ vault_password }}",
    'token = response.json()["access_token"]',
    'api_key=os.getenv("OPENAI_API_KEY")',
    'api_key = "<your-api-key-here>"',
    "apiKey: process.env.API_KEY,",
    "const token = await getToken();",
    "token = self.tokens[i+1]",
    "The password is required and must contain 8 characters",
    'if (password == "abc123!x") {',
    "password: '********'",
    "secret_name: my-app-secret-v2",
    'keyName = "cluster-admin-key-1"',
    "password_hash = hash_password(password1)",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    'publicKeyToken="b03f5f7f11d50a3a"',
    "cache-key: 5d41402abc4b2a76b9719d911017c592",
    "key: sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "commit key 4efd1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f",
    '"AWS::IAM::AccessKey": "62d91b17309e76c8"',
    "#define TLS1_CK_PSK_WITH_AES_128_CCM_8 0x0300C0A8",
    "HTTPPasswordMgr = password.encode('latin1')",
    "  'viGpibPassControl', 'viGpibSendIFC',",
    "Pass `verbosity=1` to see more",
)


@pytest.mark.parametrize("text", NOT_SECRET)
def test_code_words_and_placeholders_are_no_secrets(text: str) -> None:
    """
    The name alone decides nothing.
    """
    assert found(text) == []


@pytest.mark.parametrize(
    "key",
    [
        "prompt_cache_key",
        "signature",
        "thoughtSignature",
        "encrypted_content",
        "id",
        "call_id",
        "tool_use_id",
        "etag",
        *[
            "nonce",
            "next_page_token",
            "nextPageToken",
            "idempotency_key",
            "x-ratelimit-remaining-tokens",
            "public_key",
            "csrf_token",
            "kid",
        ],
    ],
)
@pytest.mark.parametrize("value", VALUES)
def test_keys_of_llm_traffic_are_left_alone(key: str, value: str) -> None:
    """
    Ids, signatures and hashes are random too, and rewriting them breaks the call.
    """
    assert found(f"{key}\x02{value}\x03") == []
    assert found(f'{{"{key}": "{value}"}}') == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dbPassword", Promise.PASSWORD),
        ("contraseña", Promise.PASSWORD),
        ("secret_key_base", Promise.KEY),
        ("STRIPE_KEY_PROD", Promise.KEY),
        ("key", Promise.PERHAPS),
        ("clientToken", Promise.PERHAPS),
        ("tokenizer", Promise.NOTHING),
        ("keyboard", Promise.NOTHING),
        ("author", Promise.NOTHING),
        ("compass", Promise.NOTHING),
        ("password_min_length", Promise.NOTHING),
        ("access_token_url", Promise.NOTHING),
        ("sortKey", Promise.NOTHING),
    ],
)
def test_a_name_promises(name: str, says: Promise) -> None:
    """
    Words count, not letters: a monkey is no key, the length of a password no password.
    """
    assert promise(name) is says


def test_random_characters_surprise_and_names_do_not() -> None:
    """
    At sixteen characters the two are apart.
    """
    names = ["getAccessTokenFor", "application/json", "password_confirmation", "ConnectionRefusedError", "MAX_RETRIES_PER_HOST"]
    values = [
        chosen(alphabet, 20)
        for alphabet in (string.ascii_letters + string.digits, string.ascii_lowercase + string.digits)
        for _ in range(50)
    ]

    assert max(map(surprise, names)) < -10
    assert min(map(surprise, values)) > 10


@pytest.mark.parametrize("value", ["${PASS}", "<password>", "changeme", "xxxxxxxx", "********", "%s", "{{ x }}", "your-api-key", "$TOKEN"])
def test_a_place_to_fill_in_is_no_value(value: str) -> None:
    """
    Templates of shells, programs and documents.
    """
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "piece", ["key=", "token:", "key_", 'key="', "key='a ", "password is ", "token the ", "pass=x1y2z3w4 ", "secret.", "a=key-"]
)
def test_the_cost_is_linear_in_the_text(piece: str) -> None:
    """
    Sixteen times the text costs about sixteen times as much; a square would be 256.
    """

    def cost(size: int) -> float:
        text = piece * (size // len(piece))
        started = time.process_time()
        SCANNER.scan(text)
        return time.process_time() - started

    cost(1_000)
    small = min(cost(16_000) for _ in range(3))

    assert cost(256_000) < 64 * small + 0.05


def test_a_table_of_hashes_names_no_secret() -> None:
    """
    In a lock file a package may be called `token`: what stands around it are hashes, too. Alone, or among other keys, it is a secret.
    """
    rng = random.Random(5)
    hashes = [rng.randbytes(20).hex() for _ in range(6)]
    names = ("alamofire", "left-pad", "auth-token", "snapkit", "realm", "lottie")

    assert not found("SPEC CHECKSUMS:\n" + "".join(f"  {name}: {value}\n" for name, value in zip(names, hashes, strict=True)))
    assert not found("".join(f"{name}.ts\x02{value}\x03" for name, value in zip(names, hashes, strict=True)))
    assert found(f"name: x\n  auth_token: {hashes[0]}\nretries: 3\n") == [hashes[0]]
    assert found(f"auth_token: {hashes[0]}\nclient_secret: {hashes[1]}\napi_key: {hashes[2]}\naccess_key: {hashes[3]}\n") == hashes[:4]


@pytest.mark.parametrize(
    "form", ['setApiKey("{}")', "api.token('{}')", 'new ApiKey("{}")', "set_password( '{}' )", 'withSecret("{}", true)']
)
def test_what_a_function_is_given_is_assigned(form: str) -> None:
    """
    Setters and constructors.
    """
    assert found(form.format("k7Qz9Xv8M3tW" + "1pH0dS2r")) == ["k7Qz9Xv8M3tW" + "1pH0dS2r"]


@pytest.mark.parametrize(
    "text",
    [
        'getSecret("prod/db/password")', 'token("user_name_field")', 'has_key("AccessTokenProvider")', "api_key: _AzureApiKeyT | None",
        "gpg --recv-keys 8FCCA13FEF1D0C2E91008E09770F7A9A5AE15600",
        "passValue('str\\x00ing1')", r"let ignore_pat = '\.\(Z\|gz\|bz2\|zip\|tgz\)$'",
        'token("smtp2go-long-key", "api-")',
        '__all__ = ["OAuth", "DjangoOAuth1App"]', "#define xmlSecKeyLoad   xmlSecGnuTLSAppKeyLoad",
        "ChangeToken\x02abcd12f2-46da-4fdb-b8d5-fbd4c466928f\x03",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
)  # fmt: skip
def test_names_of_classes_functions_and_handshakes_are_no_secrets(text: str) -> None:
    """
    As sources of programs and documentation have them beside words that name secrets.
    """
    assert not found(text)


def test_a_mark_in_front_of_hexadecimal_does_not_hide_it() -> None:
    """
    `PT…`, `AC…`: two capitals and hexadecimal are no word.
    """
    value = "PT" + "395630a4697f10c4686ec6bd2e2522171bc233dbf3241b81"

    assert found(f'signalwire_token = "{value}"') == [value]
