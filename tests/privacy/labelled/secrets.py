"""
Secrets with published shapes: one row a variety, with the name it is assigned to.

Source: the publishers' pages on their token formats, and `spec/redaction.md` 2.1, read 2026-11.
"""

# ruff: noqa: E501 - tables, a row a line

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from privacy.labelled.case import Case, fill
from privacy.labelled.surroundings import NAMED, PLACES, named
from privacy.labelled.values import base58check, bech32, crc32_base62, jwt, pem, shape, url64

KEY, JWT, AUTH, PRIVATE = ("API_KEY",), ("JWT", "API_KEY", "AUTH_HEADER"), ("AUTH_HEADER", "API_KEY", "PASSWORD"), ("PRIVATE_KEY",)
HASH, SEED = ("PASSWORD_HASH",), ("SEED_PHRASE", "PRIVATE_KEY")
Maker = Callable[[Random], str]


class Variety(NamedTuple):
    """
    `make`: a pattern for `values.shape` or a function. `bare`: known by its shape alone, else only by a name before it.
    """

    family: str
    sub: str
    name: str
    make: str | Maker
    bare: bool = True
    types: tuple[str, ...] = KEY


def _signed(prefix: str) -> Maker:
    def make(random: Random) -> str:
        body = shape(random, "<a30>")
        # Half with the right checksum: documentation and tests use made-up ones, and those must be found as well.
        return prefix + body + (crc32_base62(body) if random.random() < 0.5 else shape(random, "<a6>"))

    return make


def _cloudflare(prefix: str) -> Maker:
    def make(random: Random) -> str:
        body = shape(random, "<a40>")
        return f"{prefix}{body}{zlib.crc32(body.encode()):08x}"

    return make


def _bedrock(random: Random) -> str:
    plain = f"BedrockAPIKey-{shape(random, '<l4>')}-at-{shape(random, '<d12>')}:".encode() + random.randbytes(60)
    return "ABSK" + base64.b64encode(plain).decode()


def _bedrock_short(random: Random) -> str:
    url = f"bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Credential=AS{shape(random, '<u18>')}&X-Amz-Signature={shape(random, '<h64>')}"
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode()


def _op_token(random: Random) -> str:
    account = {
        "signInAddress": "acme.1password.test",
        "email": shape(random, "<l13>@1passwordserviceaccounts.test"),
        "deviceUuid": shape(random, "<l26>"),
    }
    keys = {
        "srpX": shape(random, "<h64>"),
        "muk": {"alg": "A256GCM", "k": shape(random, "<w43>"), "kid": "mp"},
        "secretKey": shape(random, "A3-<u6>-<u6>-<u5>-<u5>-<u5>-<u5>"),
    }
    return "ops_" + url64(
        {
            **account,
            "userAuth": {"method": "SRPg-4096", "alg": "PBES2g-HS256", "iterations": 650000, "salt": shape(random, "<w22>")},
            **keys,
        }
    )


def _basic(random: Random) -> str:
    return base64.b64encode(f"svc-{shape(random, '<L6>')}:{shape(random, '<a16>')}".encode()).decode()


def _wif(random: Random) -> str:
    return base58check(b"\x80" + random.randbytes(32) + b"\x01")


def _k8s(random: Random) -> str:
    claims: dict[str, object] = {"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:default:" + shape(random, "<L8>")}
    return f"{url64({'alg': 'RS256', 'kid': shape(random, '<w20>')})}.{url64(claims)}.{url64(random.randbytes(256))}"


_BCRYPT = "./" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _bcrypt(random: Random) -> str:
    return f"$2{random.choice('aby')}$1{random.randint(0, 2)}$" + "".join(random.choices(_BCRYPT, k=53))


def _argon2(random: Random) -> str:
    def part(count: int) -> str:
        return base64.b64encode(random.randbytes(count)).rstrip(b"=").decode()

    return f"$argon2{random.choice(['id', 'i', 'd'])}$v=19$m=65536,t=3,p=4${part(16)}${part(32)}"


def _crypt(random: Random) -> str:
    kind, length = random.choice([(5, 43), (6, 86)])  # SHA-256, SHA-512
    return f"${kind}$" + "".join(random.choices(_BCRYPT, k=16)) + "$" + "".join(random.choices(_BCRYPT, k=length))


def _django(random: Random) -> str:
    return f"pbkdf2_sha256$600000${shape(random, '<a22>')}${base64.b64encode(random.randbytes(32)).decode()}"


# From the published test vectors of BIP-39.
_PHRASES = (
    "abandon " * 11 + "about",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    "abandon " * 23 + "art",
    "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
    "gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable narrow fog",
    "scheme spot photo card baby mountain device kick cradle pact join borrow",
    "cat swing flag economy stadium alone churn speed unique patch report train",
    "vessel ladder alter error federal sibling chat ability sun glass valve picture",
    "light rule cinnamon wrap drastic word pride squirrel upgrade then income fatal apart sustain crack supply proud access",
)

_OPENAI, _STRIPE = "T3Blbk" + "FJ", ("live", "test")

VARIETIES: tuple[Variety, ...] = (
    Variety("openai", "legacy", "openai api key", f"sk-<a20>{_OPENAI}<a20>"),
    Variety("openai", "project", "openai api key", f"sk-proj-<w74>{_OPENAI}<w74>"),
    Variety("openai", "project-58", "openai api key", f"sk-proj-<w58>{_OPENAI}<w58>"),
    Variety("openai", "project-20", "openai api key", f"sk-proj-<a20>{_OPENAI}<a20>"),
    Variety("openai", "service", "openai api key", f"sk-svcacct-<w74>{_OPENAI}<w74>"),
    Variety("openai", "admin", "openai admin key", f"sk-admin-<w58>{_OPENAI}<w58>"),
    Variety("anthropic", "api", "anthropic api key", "sk-ant-api03-<w93>AA"),
    Variety("anthropic", "admin", "anthropic admin key", "sk-ant-admin01-<w93>AA"),
    Variety("google", "api", "google api key", "AI" + "za<w35>"),
    Variety("google", "gemini", "gemini api key", "AQ.Ab8RN6<w44>"),
    Variety("google", "oauth", "client secret", "GOC" + "SPX-<w28>"),
    Variety("aws", "id", "aws access key id", "AK" + "IA<216>"),
    Variety("aws", "temporary-id", "aws access key id", "AS" + "IA<216>"),
    Variety("aws", "secret", "aws secret access key", "<b40>", False),
    Variety("aws", "bedrock", "aws bearer token bedrock", _bedrock),
    Variety("aws", "bedrock-short", "aws bearer token bedrock", _bedrock_short),
    Variety("azure", "client-secret", "azure client secret", "<a3>8Q~<t33><a1>"),
    Variety("azure", "storage", "account key", "<b86>==", False),
    Variety("azure", "openai", "azure openai api key", "<h32>", False),
    *(Variety("github", prefix, "github token", _signed(prefix)) for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    Variety("github", "fine-grained", "github token", "github_pat_<a22>_<a59>"),
    Variety("npm", "", "npm token", _signed("npm_")),
    *(Variety("gitlab", prefix, "gitlab token", prefix + "<w20>") for prefix in ("glpat-", "gldt-", "glrt-", "glptt-", "glft-", "gloas-", "glagent-")),
    Variety("gitlab", "routable", "gitlab token", "glpat-<w27>.01.<l9>"),
    Variety("gitlab", "ci", "ci job token", "glcbt-<h2>_<w20>"),
    *(Variety("cloudflare", prefix, "cloudflare api token", _cloudflare(prefix)) for prefix in ("cfk_", "cfut_", "cfat_")),
    Variety("slack", "bot", "slack token", "xox" + "b-<d12>-<d12>-<a24>"),
    Variety("slack", "user", "slack token", "xox" + "p-<d12>-<d12>-<d12>-<h32>"),
    Variety("slack", "app", "slack token", "xapp-1-A<u10>-<d13>-<h64>"),
    Variety("slack", "config", "slack token", "xoxe.xoxp-1-<a163>"),
    Variety("slack", "webhook", "slack url", "https://hooks.slack.com/serv" + "ices/T<u10>/B<u10>/<a24>"),
    *(Variety("stripe", mode, "stripe secret key", f"{mode}_<a24>") for mode in ("sk_" + "live", "sk_" + "test", "rk_" + "live")),
    Variety("stripe", "long", "stripe secret key", "sk_" + "live_51<a97>"),
    Variety("square", "access", "square access token", "EAAA<w60>"),
    Variety("square", "sq0", "square access token", "sq0atp-<w22>"),
    Variety("llm-hosts", "groq", "groq api key", "gsk_<a52>"),
    Variety("llm-hosts", "xai", "xai api key", "xai-<a80>"),
    Variety("llm-hosts", "perplexity", "perplexity api key", "pplx-<a48>"),
    Variety("llm-hosts", "openrouter", "openrouter api key", "sk-or-v1-<h64>"),
    Variety("llm-hosts", "hugging-face", "hf token", "hf_<a34>"),
    Variety("llm-hosts", "hugging-face-org", "hf token", "api_org_<a34>"),
    Variety("llm-hosts", "replicate", "replicate api token", "r8_<a37>"),
    Variety("llm-hosts", "together", "together api key", "tgp_v1_<w43>"),
    Variety("llm-hosts", "cerebras", "cerebras api key", "csk-<l48>"),
    Variety("llm-hosts", "nvidia", "nvidia api key", "nvapi-<w64>"),
    Variety("llm-hosts", "pinecone", "pinecone api key", "pcsk_<a6>_<a63>"),
    Variety("llm-hosts", "langsmith", "langsmith api key", "lsv2_pt_<h32>_<h10>"),
    Variety("llm-hosts", "vercel", "ai gateway api key", "vck_<a56>"),
    Variety("llm-hosts", "cursor", "cursor api key", "key_<h64>"),
    Variety("llm-hosts", "runpod", "runpod api key", "rpa_<u40><l6>"),
    Variety("llm-hosts", "brave", "brave api key", "BSA<w28>"),
    Variety("llm-hosts", "deepseek", "deepseek api key", "sk-<h32>"),
    Variety("llm-hosts", "elevenlabs", "elevenlabs api key", "sk_<h48>"),
    Variety("llm-hosts", "ollama", "ollama api key", "<h32>.<w24>", False),
    Variety("llm-hosts", "mistral", "mistral api key", "<a32>", False),
    Variety("llm-hosts", "cohere", "cohere api key", "<a40>", False),
    Variety("llm-hosts", "deepgram", "deepgram api key", "<h40>", False),
    Variety("llm-hosts", "assemblyai", "assemblyai api key", "<h32>", False),
    *(Variety("developer", prefix, "digitalocean token", prefix + "<h64>") for prefix in ("dop_v1_", "doo_v1_", "dor_v1_")),
    Variety("developer", "docker", "docker token", "dckr_pat_<w27>"),
    Variety("developer", "docker-org", "docker token", "dckr_oat_<w32>"),
    Variety("developer", "databricks", "databricks token", "dapi<h32>"),
    Variety("developer", "grafana", "grafana token", "glsa_<a32>_<h8>"),
    Variety("developer", "grafana-cloud", "grafana token", lambda random: "glc_" + url64({"o": shape(random, "<d7>"), "n": "stack", "k": shape(random, "<a24>")})),
    Variety("developer", "sentry-user", "sentry auth token", "sntryu_<h64>"),
    Variety("developer", "sentry-org", "sentry auth token", lambda random: "sntrys_" + url64({"iat": 1710000000.5, "url": "https://sentry.test", "org": "acme"}) + "_" + shape(random, "<b43>")),
    *(Variety("developer", prefix, "shopify token", prefix + "<h32>") for prefix in ("shpat_", "shpca_", "shppa_", "shpss_")),
    Variety("developer", "linear", "linear api key", "lin_api_<a40>"),
    Variety("developer", "figma", "figma token", "figd_<w40>"),
    Variety("developer", "notion", "notion token", "ntn_<d11><a35>"),
    Variety("developer", "postman", "postman api key", "PMAK-<h24>-<h34>"),
    Variety("developer", "sendgrid", "sendgrid api key", "SG" + ".<w22>.<w43>"),
    Variety("developer", "pypi", "pypi token", "pypi-AgEIcHlwaS5vcmc" + "<w150>"),
    Variety("developer", "rubygems", "rubygems api key", "rubygems_<h48>"),
    Variety("developer", "vault", "vault token", "hvs.<w95>"),
    Variety("developer", "vault-batch", "vault token", "hvb.<w140>"),
    *(Variety("developer", prefix, "planetscale password", prefix + "<w43>") for prefix in ("pscale_tkn_", "pscale_pw_", "pscale_oauth_")),
    Variety("developer", "supabase", "supabase access token", "sbp_<h40>"),
    Variety("developer", "supabase-secret", "supabase secret key", "sb_secret_<w22>_<w8>"),
    Variety("developer", "doppler", "doppler token", "dp.pt.<a43>"),
    Variety("developer", "atlassian", "atlassian api token", "ATATT3xFfGF0<w171>=<H8>"),
    Variety("developer", "heroku", "heroku api key", "HRKU-AA<w58>"),
    Variety("developer", "fly", "fly api token", "fo1_<w43>"),
    Variety("developer", "artifactory", "artifactory api key", "AKCp<a69>"),
    Variety("developer", "mongodb-atlas", "atlas client secret", "mdb_sa_sk_<w40>"),
    Variety("developer", "docker-swarm", "swarm join token", "SWMTKN-1-<l50>-<l25>"),
    Variety("developer", "1password-service", "op service account token", _op_token),
    Variety("developer", "1password-secret", "op secret key", "A3-<u6>-<u6>-<u5>-<u5>-<u5>-<u5>"),
    Variety("developer", "twilio", "twilio api key", "SK<h32>", False),
    Variety("developer", "mailgun", "mailgun api key", "key-<h32>"),
    Variety("developer", "mailchimp", "mailchimp api key", "<h32>-us12"),
    Variety("developer", "telegram", "telegram bot token", "<n1><d9>:AA<w33>"),
    Variety("developer", "discord-webhook", "webhook url", "https://discord.com/api/web" + "hooks/<n1><d17>/<w68>"),
    Variety("developer", "newrelic", "new relic api key", "NRAK-<u27>"),
    Variety("developer", "datadog", "datadog api key", "<h32>", False),
    Variety("developer", "asana", "asana token", "<d16>:<l32>", False),
    Variety("developer", "airtable", "airtable token", "pat<a14>.<h64>"),
    Variety("developer", "dynatrace", "dynatrace token", "dt0c01.<u24>.<u64>"),
    Variety("developer", "terraform-cloud", "terraform cloud token", "<a14>.atlasv1.<w67>"),
    Variety("developer", "clojars", "clojars token", "CLOJARS_<l60>"),
    Variety("developer", "typeform", "typeform token", "tfp_<a59>"),
    Variety("jwt", "signed", "id token", jwt, True, JWT),
    Variety("jwt", "unsigned", "id token", lambda random: jwt(random, signed=False), True, JWT),
    Variety("jwt", "kubernetes", "service account token", _k8s, True, JWT),
    Variety("private-key", "age", "age key", lambda random: bech32("age-secret-key-", random.randbytes(32)).upper(), True, PRIVATE),
    Variety("private-key", "wif", "bitcoin private key", _wif, True, PRIVATE),
    Variety("private-key", "hex", "eth private key", "0x<h64>", False, ("PRIVATE_KEY", "API_KEY")),
    Variety("password-hash", "bcrypt", "password hash", _bcrypt, True, HASH),
    Variety("password-hash", "argon2", "password hash", _argon2, True, HASH),
    Variety("password-hash", "crypt", "password hash", _crypt, True, HASH),
    Variety("password-hash", "django", "password hash", _django, True, HASH),
)  # fmt: skip


def shaped(random: Random, least: int = 24) -> Iterator[Case]:
    """
    Every variety in different surroundings: `least` a variety. Those not known by shape alone only where a name stands before them.
    """
    every, only_named = list(PLACES.items()), list(NAMED.items())
    for variety in VARIETIES:
        places = every if variety.bare else only_named
        offset = random.randrange(len(places))
        for number in range(least):
            place, template = places[(offset + number) % len(places)]
            value = shape(random, variety.make) if isinstance(variety.make, str) else variety.make(random)
            yield fill(named(template, variety.name), value, variety.family, variety.types, variety.sub, place)


def key_blocks(random: Random) -> Iterator[Case]:
    """
    Private keys of more than a line, and what they become in JSON, YAML, .env and base64.
    """
    for label in ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY"):
        block, inline = pem(random, label), pem(random, label, end="\\n")
        indented = "\n".join("    " + line for line in block.splitlines()).lstrip()
        for place, template, value in (
            ("alone", "\x00\n", block),
            ("prose", "This is the key:\n\n\x00\n\nCan you convert it?", block),
            ("document", "content\x02\x00\x03", block),
            ("json", '{"type": "service_account", "private_key": "\x00\\n", "client_id": "12"}', inline),
            ("env", 'TLS_KEY="\x00"\nPORT=1\n', inline),
            ("yaml", "tls:\n  key: |\n    \x00\nport: 1\n", indented),
            ("crlf", "\x00\r\n", block.replace("\n", "\r\n")),
            ("base64", "data:\n  tls.key: \x00\n", base64.b64encode(block.encode()).decode()),
        ):
            yield fill(template, value, "private-key", PRIVATE, label.lower().replace(" ", "-"), place)
    for _ in range(10):
        lines = "\n".join(shape(random, "<b64>") for _ in range(6))
        # Whether the public half is taken as well is a matter of taste.
        head = f"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: k\nPublic-Lines: 6\n{lines}\nPrivate-Lines: 6\n"
        private = "\n".join(shape(random, "<b64>") for _ in range(6))
        yield fill(f"{head}\x00\nPrivate-MAC: {shape(random, '<h64>')}\n", private, "private-key", PRIVATE, "putty", "alone")
        jwk = {"kty": "EC", "crv": "P-256", "x": url64(random.randbytes(32)), "y": url64(random.randbytes(32))}
        template = json.dumps({**jwk, "d": "\x00", "use": "sig"}).replace("\\u0000", "\x00")
        yield fill(template, url64(random.randbytes(32)), "private-key", (*PRIVATE, "API_KEY"), "jwk", "json")
    for phrase in _PHRASES:
        for place, template in (
            ("prose", "my wallet recovery phrase is: \x00"),
            ("json", '{"mnemonic": "\x00"}'),
            ("env", 'SEED_PHRASE="\x00"\n'),
            ("alone", "\x00"),
            ("document", "content\x02Backup words:\n\x00\n\x03"),
        ):
            yield fill(template, phrase, "seed-phrase", SEED, str(len(phrase.split())), place)


def headers(random: Random) -> Iterator[Case]:
    """
    Credentials in HTTP headers, `curl` and query strings.
    """
    types = ("AUTH_HEADER", "API_KEY", "PASSWORD", "JWT", "URL_SECRET")
    url = ("URL_SECRET", "API_KEY", "AUTH_HEADER", "PASSWORD")
    for number in range(24):
        opaque, low = shape(random, "<a32-48>"), shape(random, "<h32>")
        for sub, template, value in (
            ("basic", "GET / HTTP/1.1\nHost: x.test\nAuthorization: Basic \x00\nAccept: */*\n", _basic(random)),
            ("bearer", "GET / HTTP/1.1\nHost: x.test\nAuthorization: Bearer \x00\nAccept: */*\n", opaque),
            ("token", "Authorization: Token \x00\n", low),
            ("x-api-key", "POST /v1/x HTTP/1.1\nx-api-key: \x00\nhost: x.test\n", opaque),
            ("json-header", '{"headers": {"Authorization": "Bearer \x00", "Accept": "*/*"}}', opaque),
            ("python-header", 'requests.get(url, headers={"Authorization": "Bearer \x00"})\n', opaque),
            ("document-header", "authorization\x02Bearer \x00\x03", opaque),
            ("curl-h", "curl -sS -H 'Authorization: Bearer \x00' https://api.test/v1/jobs", opaque),
            ("curl-u", "curl -u svc:\x00 https://api.test/v1/jobs", shape(random, "<a18>")),
            ("curl-key", 'curl https://api.test/v1/jobs -H "X-Api-Key: \x00" -d @body.json', opaque),
            ("cookie", "GET / HTTP/1.1\nHost: x.test\nCookie: sessionid=\x00; theme=dark\n", low),
            ("set-cookie", "HTTP/1.1 200 OK\nSet-Cookie: session=\x00; Path=/; HttpOnly\n", opaque),
        ):
            yield fill(template, value, "auth-header", types, sub, str(number))
        for sub, template, value in (
            ("token", "https://files.test/report.pdf?token=\x00&page=2", opaque),
            ("key", "see https://maps.test/api/js?v=3&key=\x00", shape(random, "<w39>")),
            ("sig", "https://acc.blob.core.test/c/b.txt?sv=2024-08-04&se=2026-01-01&sp=r&sig=\x00", shape(random, "<a43>") + "%3D"),
            ("amz", "https://b.s3.test/o?X-Amz-Expires=900&X-Amz-Signature=\x00&x-id=GetObject", shape(random, "<h64>")),
            ("access_token", "callback: https://app.test/cb#access_token=\x00&expires_in=3600", opaque),
            ("code", "GET /oauth/callback?code=\x00&state=ok HTTP/1.1", opaque),
        ):
            yield fill(template, value, "url-secret", url, sub, str(number))
