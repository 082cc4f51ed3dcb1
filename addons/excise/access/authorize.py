"""
What authorizes a routed call at its provider: our key where the provider wants it, a signature, or a token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from excise.access.aws import AwsSigner
from excise.access.google import GoogleTokens
from excise.catalog.providers import Catalog
from excise.exchange import Route
from excise.policy.credential import ApiKey, AwsCredential

type Headers = tuple[tuple[bytes, bytes], ...]

# How a provider's `auth` in the catalogue puts a key, in the order of the catalogue.
_FORMS: Mapping[str, Callable[[str], tuple[bytes, bytes]]] = {
    "bearer": lambda key: (b"Authorization", b"Bearer " + key.encode()),
    "x-api-key": lambda key: (b"x-api-key", key.encode()),
    "api-key": lambda key: (b"api-key", key.encode()),
    "x-goog-api-key": lambda key: (b"x-goog-api-key", key.encode()),
    "xi-api-key": lambda key: (b"xi-api-key", key.encode()),
    "x-portkey-api-key": lambda key: (b"x-portkey-api-key", key.encode()),
    "token": lambda key: (b"Authorization", b"Token " + key.encode()),
    "key-scheme": lambda key: (b"Authorization", b"Key " + key.encode()),
    "api-key-scheme": lambda key: (b"Authorization", b"Api-Key " + key.encode()),
}
# The catalogue's `bearer` means tokens here. Source: google-genai's client in express mode, read 2026-11.
_OF_KEYS = {"vertex": ("x-goog-api-key",)}


class Authorizer:
    """
    Adds our authorization to requests as they leave. One per worker; tokens are fetched once and kept till shortly before they expire.

    Args:
        catalog: Where each provider wants its key.
        upstream_ca: Roots trusted beside the machine's, for Google's token service.
        upstream_proxy: The other proxy, for token services.
        now: The clock, UTC.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        upstream_ca: Path | None = None,
        upstream_proxy: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalog = catalog
        self._aws = AwsSigner(proxy=upstream_proxy, now=now)
        self._google = GoogleTokens(upstream_ca=upstream_ca, proxy=upstream_proxy, now=now)

    async def __call__(self, route: Route, path: str, headers: Headers, body: bytes) -> tuple[str, Headers]:
        """
        Path and further headers.

        Args:
            path, headers, body: As they leave; nothing that is signed may change afterwards.

        Raises:
            UpstreamFailed: No keys or no token were to be had, or the extra this needs is not installed.
        """
        credential = route.credential
        if credential is None:
            return path, ()
        if isinstance(credential, ApiKey):
            return self._with_key(route.call.provider, path, credential.value)
        if isinstance(credential, AwsCredential):
            return path, await self._aws(route, credential, path, headers, body)
        return path, ((b"Authorization", b"Bearer " + (await self._google(credential)).encode()),)

    def _with_key(self, provider: str, path: str, key: str) -> tuple[str, Headers]:
        entry = self._catalog.providers.get(provider)
        for form in _OF_KEYS.get(provider) or (entry.auth if entry is not None else ()):
            if form in _FORMS:
                return path, (_FORMS[form](key),)
            if form == "query-key":
                return f"{path}{'&' if '?' in path else '?'}key={quote(key, safe='')}", ()
        return path, (_FORMS["bearer"](key),)
