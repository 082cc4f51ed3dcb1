"""
What a policy refers to and does not hold: keys and dictionaries, in files and variables. An edge: reads them.
"""

from __future__ import annotations

import hmac
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from excise.documents import extractor
from excise.errors import PolicyError, SettingsError
from excise.policy.credential import ApiKey, AwsCredential, Credential, GoogleCredential
from excise.policy.protection import Detect, RedactRule
from excise.policy.protection import OwnDictionary as WrittenDictionary
from excise.policy.steering import ProviderEntry
from excise.policy.yaml import KeyPath, read_bounded
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.own import OwnDictionary, OwnPattern, values_of
from excise.recognition import Recognition

DEFAULT_MODEL = "en_core_web_lg"
MAX_CREDENTIAL_BYTES = 64 * 1024
MAX_DICTIONARY_BYTES = 16 * 1024 * 1024
_ACCOUNT = ("client_email", "private_key", "token_uri")

# Of the digests of dictionaries: this process's own, so that a dump of one process says nothing of another.
_PROCESS_KEY = os.urandom(32)


class Referred:
    """
    Reads `env:NAME` and `file:PATH`, paths relative to the policy.

    Args:
        touched: Every file that was looked at is added, so that a watcher knows.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], touched: set[Path]) -> None:
        self._folder = folder
        self._environ = environ
        self._touched = touched
        self._digest = hmac.new(_PROCESS_KEY, digestmod="sha256")

    @property
    def digest(self) -> bytes:
        """
        Of everything read so far: changes when one of the files does.
        """
        return self._digest.digest()

    def read(self, reference: str, *, limit: int) -> bytes:
        """
        Raises:
            ValueError: It leads nowhere. The text never holds what stands there.
        """
        content = self._read(reference, limit)
        self._digest.update(b"%d\x00%b" % (len(content), content))
        return content

    def _read(self, reference: str, limit: int) -> bytes:
        kind, _, name = reference.partition(":")
        if kind == "file":
            path = self._folder / name  # an absolute name stays absolute
            self._touched.add(path)
            try:
                return read_bounded(path, limit=limit)
            except PolicyError as error:
                raise ValueError(f"{path}: {error.places[0][3]}") from error
        value = self._environ.get(name)
        if not value:
            raise ValueError(f"the environment variable {name} is not set")
        return os.fsencode(value)


def credentials_of(
    entries: Sequence[ProviderEntry], source: Referred
) -> tuple[dict[str, tuple[Credential, ...]], list[tuple[KeyPath, str]]]:
    """
    What authorizes calls at each entry of `providers`, by its name; and what is wrong, each with the path of the reference that is.
    """
    found: dict[str, tuple[Credential, ...]] = {}
    missing: list[tuple[KeyPath, str]] = []
    for number, entry in enumerate(entries):
        missing += [(("providers", number, at), text) for at, text in _missing_clouds(entry)]
        texts: dict[KeyPath, str] = {}
        for at, reference in _references(entry):
            try:
                text = source.read(reference, limit=MAX_CREDENTIAL_BYTES).decode("utf-8").strip()
                _check_credential(at[0], text, reference)
                texts[at] = text
            except UnicodeDecodeError:
                missing.append((("providers", number, *at), f"what stands at {reference} is no text"))
            except ValueError as error:
                missing.append((("providers", number, *at), str(error)))
        if credentials := _credentials(entry, texts):
            found[entry.called] = credentials
    return found, missing


def _credentials(entry: ProviderEntry, texts: Mapping[KeyPath, str]) -> tuple[Credential, ...]:
    if entry.key is not None:
        return tuple(ApiKey(text) for text in dict.fromkeys(texts.values()))
    if entry.aws is not None and (texts or entry.aws == "default"):
        access, secret, session = (texts.get(("aws", name)) for name in ("access_key", "secret_key", "session_token"))
        return (AwsCredential(entry.region or "us-east-1", access, secret, session),)
    if entry.google is not None:
        return (GoogleCredential(texts[("google",)].encode() if ("google",) in texts else None),)
    return ()


def _references(entry: ProviderEntry) -> Iterator[tuple[KeyPath, str]]:
    for at, reference in enumerate(entry.key or ()):
        yield ("key", at), reference
    if entry.google is not None and entry.google != "default":
        yield ("google",), entry.google
    if entry.aws is not None and entry.aws != "default":
        yield ("aws", "access_key"), entry.aws.access_key
        yield ("aws", "secret_key"), entry.aws.secret_key
        if entry.aws.session_token is not None:
            yield ("aws", "session_token"), entry.aws.session_token


def _check_credential(kind: str | int, text: str, reference: str) -> None:
    """
    Raises:
        ValueError: It could not be sent. The text never holds it.
    """
    if not text:
        raise ValueError(f"nothing stands at {reference}")
    if kind == "google":
        try:
            account = json.loads(text)
        except ValueError:
            account = None
        if not isinstance(account, dict) or account.get("type") != "service_account" or not all(account.get(name) for name in _ACCOUNT):
            raise ValueError(f"what stands at {reference} is no service account's JSON (for other kinds: `google: default`)")
    elif not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"what stands at {reference} is no key: one line without blanks is expected")


def _missing_clouds(entry: ProviderEntry) -> Iterator[tuple[str, str]]:
    if entry.aws is not None and importlib.util.find_spec("botocore") is None:
        yield "aws", "signing requests to AWS needs an extra: pip install 'excise[aws]'"
    if entry.google is not None and (importlib.util.find_spec("google") is None or importlib.util.find_spec("google.auth") is None):
        yield "google", "tokens for Google need an extra: pip install 'excise[gcp]'"


def own_rules(detect: Detect, source: Referred, *, secrets: bool) -> tuple[tuple[Rule, ...], list[tuple[KeyPath, str]]]:
    """
    The operator's detectors, and what is wrong with them, each with the path of the value that is. Without `secrets`, those that need only
    the policy itself.
    """
    rules: list[Rule] = [OwnPattern(one.name, one.entity, one.pattern) for one in detect.patterns]
    missing: list[tuple[KeyPath, str]] = []
    if not secrets:
        return tuple(rules), missing
    for number, written in enumerate(detect.dictionaries):
        values: list[str] = []
        for at, reference in enumerate(written.values):
            try:
                values += _values(written, source.read(reference, limit=MAX_DICTIONARY_BYTES), reference)
            except ValueError as error:
                missing.append((("detect", "dictionaries", number, "values", at), str(error)))
        dictionary = OwnDictionary(
            written.name, written.entity, values, key=_PROCESS_KEY, fold=written.case == "fold", min_length=written.min_length
        )
        if not dictionary.size and not missing:
            missing.append(
                (("detect", "dictionaries", number, "values"), f"no value of {written.min_length} characters or more stands there")
            )
        rules.append(dictionary)
    if detect.ner == "presidio":
        try:
            rules.append(Recognition(detect.ner_model or DEFAULT_MODEL))
        except SettingsError as error:
            missing.append((("detect", "ner"), error.message))
    return tuple(rules), missing


def missing_extras(entries: Sequence[RedactRule]) -> Iterator[tuple[KeyPath, str]]:
    """
    What a policy asks for that is not installed.
    """
    for number, entry in enumerate(entries):
        if entry.binary == "extract" and extractor() is None:
            yield ("redact", number, "binary"), "reading documents needs an extra: pip install 'excise[documents]'"


def _values(written: WrittenDictionary, content: bytes, reference: str) -> list[str]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{reference} is not UTF-8") from None
    if reference.startswith("env:"):
        return [text]
    try:
        return values_of(written.format, text)
    except ValueError as error:
        raise ValueError(f"{reference}: {error}") from None
