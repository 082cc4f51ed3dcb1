"""
What a name promises about its value: a password, a key, perhaps a key, or nothing secret.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache


class Promise(IntEnum):
    """
    How much a name says. The more, the less its value must prove.
    """

    NOTHING = 0
    PERHAPS = 1  # `key`, `auth`, `access`: the value must be beyond doubt
    KEY = 2  # `api_key`, `adafruitToken`
    PASSWORD = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PASSWORD = _words(
    """
    pass passwd password passwords passphrase passcode passwort passwoerter passord pwd pswd psw passw pw userpw kennwort losungswort
    contrasena contraseña contrasenya contrasenia senha palavra wachtwoord haslo hasło lösenord losenord parola heslo jelszo salasana
    adgangskode adgangskoden sifre şifre parole motdepasse mdp clave mypass dbpass userpass rootpass adminpass dbpassword dbpwd psk
    passe requirepass masterauth sqlpass smtppass ftppass mailpass sshpass keypass storepass wppass dbpasswd пароль пароля
    密码 密碼 口令 密码是 密码为
    密碼是 パスワード パスワードは 비밀번호 비밀번호는
    """
)
_KEY = _words(
    """
    secret secrets token tokens apikey apikeys apitoken apisecret authtoken authkey accesskey accesstoken secretkey privatekey
    clientsecret clientkey bearer credential credentials cred creds pat geheimnis geheimschluessel schluessel schlüssel segreto secreto
    jeton passkey keytoken webhooksecret signingkey encryptionkey licensekey userkey appkey appsecret consumerkey consumersecret
    """
)
_PERHAPS = frozenset(["key", "keys", "auth", "access", "api"])

# A word behind the secret one says that this is something about it.
_ABOUT = _words(
    """
    id ids name names type types kind url urls uri uris path paths file files filename dir directory folder length len size sizes count
    counts limit limits max min index idx pos position offset hash hashes hashed digest fingerprint thumbprint checksum regex regexp re
    pattern patterns format version versions policy policies expiry expires expire expired expiration ttl time timeout at date age field
    fields column columns label title hint prompt message messages msg error errors err exception description desc comment help usage
    doc docs documentation class cls func function fn callback handler provider providers service manager store storage factory builder
    generator generate validator validation parser list lists array map mapping dict set table schema alias ref reference arn location
    region endpoint host server scope scopes mode method methods algorithm alg algo status state enabled disabled enable disable
    required optional valid invalid event events press down up board frame space stroke pair pairs ring chain vault bits bit spec
    selector attr attribute prefix suffix separator delimiter placeholder template source src cache request response info details data
    encoder decoder stream counter usages kid no num number nr order sort strength change page view form input button link screen icon
    image audience issuer subject claims rotation budget bucket rate price cost per
    """
)
# A word anywhere in the name says that it opens nothing, or is sent around by design.
_HARMLESS = _words(
    """
    public pub idempotency dedupe dedup i18n l10n translation locale next continuation cursor sync pagination paging nextpage
    nextpagetoken pagetoken csrf xsrf csrfmiddlewaretoken authenticity nonce publishable max maximum min minimum num total count
    fingerprint thumbprint integrity etag signature encrypted checksum digest sha sha1 sha256 md5 lexer syntax grammar not remaining
    ratelimit ice
    """
)
# Right in front of `key` they make it one that finds, sorts or is pressed.
_KEYS_THAT_FIND = _words(
    """
    primary foreign partition sort sorting sorted shard sharding cache cached unique hash row column col map dict group grouping routing
    object storage page special hot shortcut arrow css html xpath dom widget element node entity field label legend metric metrics trace
    span lookup index msg message str data config option setting settings session state event sub super alt ctrl shift meta any enter
    escape tab space home end delete return function up down left right first last this that other same each every a an the websocket s3
    prompt template model query param parameter registry resource attribute property prop record document doc item file recv receive socket
    """
)
_PERHAPS_A_KEY = frozenset(("this", "the", "following", "storage"))  # "use this key: …"; of Azure's storage, of a browser's
_SENT_AROUND = frozenset(
    ("client", "request", "lock", "update", "task", "change", "action")
)  # tokens that make calls idempotent or ordered
# Says nothing of its own at the end of a name.
_PLAIN = _words(
    """
    value val string str text plain plaintext prod production dev development staging stage live default current new old base64 b64 hex
    raw env var here main v1 v2 v3 primary secondary
    """
)

_SPLIT = re.compile(r"[A-Z]+(?![a-zß-öø-ÿ])[0-9]*|[A-Z]?[^\W\d_A-Z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")
# One word in lower case that ends in a secret one: `adafruittoken`, `dbpassword`. What English itself ends so is no name of a secret.
_ENDS = re.compile(
    r"(?:(?P<key>token|apikey|secret|secretkey|accesskey|authkey|privatekey|credentials)"
    r"|(?P<password>passwd|password|passwort|passphrase|pwd))s?[0-9]?$"
)
_WEAK_JOINED = re.compile(r"[a-z]{2,}key[0-9]?")
_ENGLISH = _words(
    """
    resourcekey monkey donkey turkey hockey jockey whiskey mickey hotkey keykey betoken sortkey groupkey rowkey mapkey objkey dictkey pubkey
    publickey primarykey foreignkey cachekey indexkey hashkey getkey setkey haskey onkey anykey nokey storagekey partitionkey tokenkey
    subkey superkey altkey ctrlkey shiftkey metakey reactkey sshkey hostkey lackey flunkey latchkey passkey lowkey
    """
)


@lru_cache(maxsize=4096)
def promise(name: str) -> Promise:
    """
    What `name` (camelCase, snake_case, kebab-case, dotted, or words with spaces; at most a line) says about the value assigned to it.
    """
    words = [word.lower() for word in _SPLIT.findall(name)]
    while len(words) > 1 and (words[-1] in _PLAIN or words[-1].isdigit()):
        words.pop()
    if not words or not _HARMLESS.isdisjoint(words):
        return Promise.NOTHING
    at, found = _last(words)
    behind = words[at + 1 :]
    if found is Promise.NOTHING or len(behind) > 2 or (behind and (words[at] == "psk" or not _ABOUT.isdisjoint(behind))):
        return Promise.NOTHING
    if words[at] == "token" and at and words[at - 1] in _SENT_AROUND:
        return Promise.PERHAPS
    if found is Promise.PERHAPS and at and words[at] in ("key", "keys", "auth", "api", "access"):
        # `adafruit_key` and `api key` open something; `the key`, `sort key` do not.
        before = words[at - 1]
        return Promise.PERHAPS if before in _PERHAPS_A_KEY else Promise.NOTHING if before in _KEYS_THAT_FIND else Promise.KEY
    return found


def _last(words: list[str]) -> tuple[int, Promise]:
    """
    The last word that says something, and what.
    """
    for at in range(len(words) - 1, -1, -1):
        word = words[at]
        if word in _PASSWORD:
            return at, Promise.PASSWORD
        if word in _KEY:
            return at, Promise.KEY
        if word in _PERHAPS:
            return at, Promise.PERHAPS
        if word in _ENGLISH:
            continue
        if joined := _ENDS.search(word):
            return at, Promise.PASSWORD if joined["password"] else Promise.KEY
        if _WEAK_JOINED.fullmatch(word):
            return at, Promise.PERHAPS
    return -1, Promise.NOTHING
