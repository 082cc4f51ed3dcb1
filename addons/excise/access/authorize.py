"""
What authorizes a routed call at its provider: our key where the provider wants it, a signature, or a token.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from excise.catalog.providers import Catalog
from excise.errors import SettingsError, UpstreamFailed
from excise.exchange import Route
from excise.policy.credential import ApiKey, AwsCredential, GoogleCredential

type Headers = tuple[tuple[bytes, bytes], ...]

_GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SLACK = timedelta(minutes=5)  # a token is not used in its last minutes: clocks differ, and calls take time
_TOKEN_SECONDS = 20.0

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


class Authorizer:
    """
    Adds our authorization to requests as they leave. One per worker; tokens are fetched once and kept till shortly before they expire.

    Args:
        catalog: Where each provider wants its key.
        now: The clock, UTC.
    """

    def __init__(self, catalog: Catalog, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._catalog = catalog
        self._now = now
        self._tokens: dict[GoogleCredential, tuple[str, datetime]] = {}
        self._fetching: dict[GoogleCredential, asyncio.Task[tuple[str, datetime]]] = {}
        self._aws: dict[str, Any] = {}

    async def __call__(self, route: Route, path: str, headers: Headers, body: bytes) -> tuple[str, Headers]:
        """
        Path and further headers.

        Raises:
            SettingsError: The extra this needs is not installed, or the credential cannot be what it is said to be.
            UpstreamFailed: No token was to be had.
        """
        credential = route.credential
        if credential is None:
            return path, ()
        if isinstance(credential, ApiKey):
            return self._with_key(route.call.provider, path, credential.value)
        if isinstance(credential, AwsCredential):
            return path, await self._signed(route, credential, path, headers, body)
        return path, ((b"Authorization", b"Bearer " + (await self._token(credential)).encode()),)

    def _with_key(self, provider: str, path: str, key: str) -> tuple[str, Headers]:
        entry = self._catalog.providers.get(provider)
        for form in entry.auth if entry is not None else ("bearer",):
            if form in _FORMS:
                return path, (_FORMS[form](key),)
            if form == "query-key":
                return f"{path}{'&' if '?' in path else '?'}key={quote(key, safe='')}", ()
        return path, (_FORMS["bearer"](key),)

    async def _signed(self, route: Route, credential: AwsCredential, path: str, headers: Headers, body: bytes) -> Headers:
        if importlib.util.find_spec("botocore") is None:
            raise SettingsError("signing requests to AWS needs an extra: pip install 'excise[aws]'")
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        if credential.access_key is not None:
            keys = Credentials(credential.access_key, credential.secret_key, credential.session_token)
        else:
            keys = await asyncio.to_thread(self._found_keys)
        url = f"{route.scheme}://{_authority(route)}{path}"
        kept = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"}
        request = AWSRequest("POST", url, headers=kept, data=body)
        service = "sagemaker" if route.call.provider == "sagemaker" else "bedrock"
        SigV4Auth(keys, service, credential.region).add_auth(request)
        wanted = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
        return tuple((name.encode(), value.encode()) for name, value in request.headers.items() if name.lower() in wanted)

    def _found_keys(self) -> Any:
        # The session refreshes temporary keys by itself; asking it reads files and may ask the instance's metadata.
        import botocore.session

        session = self._aws.setdefault("session", botocore.session.get_session())
        found = session.get_credentials()
        if found is None:
            raise UpstreamFailed(
                "AWS's own search finds no keys; set them in `providers`, or in the environment of the proxy", kind="no_credentials"
            )
        return found.get_frozen_credentials()

    async def _token(self, credential: GoogleCredential) -> str:
        known = self._tokens.get(credential)
        if known is not None and known[1] - _SLACK > self._now():
            return known[0]
        task = self._fetching.get(credential)
        if task is None:
            task = self._fetching[credential] = asyncio.create_task(self._fetched(credential))
            task.add_done_callback(lambda _: self._fetching.pop(credential, None))
        # The fetch goes on for the others when this call's client leaves.
        token, _ = await asyncio.shield(task)
        return token

    async def _fetched(self, credential: GoogleCredential) -> tuple[str, datetime]:
        try:
            found = await asyncio.wait_for(asyncio.to_thread(_google_token, credential), _TOKEN_SECONDS)
        except TimeoutError:
            raise UpstreamFailed("Google's token service does not answer; nothing was sent", kind="no_credentials", status=503) from None
        self._tokens[credential] = found
        return found


def _google_token(credential: GoogleCredential) -> tuple[str, datetime]:
    """
    A fresh token and when it expires. Blocks.
    """
    if importlib.util.find_spec("google.auth") is None:
        raise SettingsError("tokens for Google need an extra: pip install 'excise[gcp]'")
    import google.auth
    import google.auth.exceptions
    import google.auth.transport.requests
    import orjson
    from google.oauth2 import service_account

    try:
        if credential.account is not None:
            made: Any = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                orjson.loads(credential.account), scopes=[_GOOGLE_SCOPE]
            )
        else:
            made, _ = google.auth.default(scopes=[_GOOGLE_SCOPE])
        made.refresh(google.auth.transport.requests.Request())
    except (ValueError, KeyError) as error:
        raise SettingsError("the service account of an entry of `providers` is not one: its JSON has no usable key") from error
    except google.auth.exceptions.GoogleAuthError as error:
        # Its text may quote the answer of the token service.
        raise UpstreamFailed(
            "Google gives no token for the credentials in `providers`; check that they are in force", kind="no_credentials"
        ) from error
    expiry = made.expiry.replace(tzinfo=UTC) if made.expiry is not None else datetime.now(UTC) + timedelta(minutes=30)
    return made.token, expiry


def _authority(route: Route) -> str:
    usual = 443 if route.scheme == "https" else 80
    return route.host if route.port == usual else f"{route.host}:{route.port}"
