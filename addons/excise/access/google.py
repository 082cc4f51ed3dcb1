"""
Access tokens for Google: of a service account, or of what Google's own search finds.

Source: google.aip.dev/auth (4110, 4112), cloud.google.com/docs/authentication/application-default-credentials; read 2026-11.
"""

from __future__ import annotations

import importlib.util
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

from excise.access.renewal import Renewed, silence
from excise.errors import CertificateError, UpstreamFailed
from excise.policy.credential import GoogleCredential
from excise.trust.roots import certificates_in, system_roots

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# Before that Google's metadata service gives the same token again. Source: google-auth, `REFRESH_THRESHOLD`.
_AHEAD = timedelta(minutes=3, seconds=45)
_UNSAID = timedelta(minutes=30)  # a token that does not say when it ends
_CALL_SECONDS = 10.0
_MOST_BYTES = 1024 * 1024
_MOST_HELD = 1000  # of policies long gone


class GoogleTokens:
    """
    Tokens by credential, each fetched once and renewed before it ends.

    Args:
        upstream_ca: Roots trusted beside the machine's.
        proxy: The other proxy, through which token services are reached; `None`: directly. Metadata services always are.
        now: The clock, UTC.
    """

    def __init__(
        self,
        *,
        upstream_ca: Path | None = None,
        proxy: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: float = 20.0,
    ) -> None:
        self._caller = Caller(upstream_ca, proxy)
        self._now = now
        self._seconds = seconds
        self._tokens: dict[GoogleCredential, Renewed[str]] = {}

    async def __call__(self, credential: GoogleCredential) -> str:
        """
        Raises:
            UpstreamFailed: There is none to be had, or google-auth is not installed.
        """
        token = self._tokens.get(credential)
        if token is None:
            if len(self._tokens) >= _MOST_HELD:
                self._tokens.clear()
            fetch = partial(_fetched, credential, self._caller)
            what = "Google's token service"
            token = self._tokens[credential] = Renewed(fetch, what=what, ahead=_AHEAD, seconds=self._seconds, now=self._now)
        return await token.get()


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What google-auth wants of an HTTP answer.
    """

    status: int
    headers: Mapping[str, str]
    data: bytes


class Caller:
    """
    google-auth's way out: our roots, our proxy, no redirects, nothing of the environment. Blocks.
    """

    def __init__(self, upstream_ca: Path | None, proxy: str | None) -> None:
        self._upstream_ca = upstream_ca
        self._proxy = proxy
        self._opener: urllib.request.OpenerDirector | None = None

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Answer:
        from google.auth.exceptions import TransportError

        opener = self._opener = self._opener or self._made()
        try:
            request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310 - http(s) handlers only
            with opener.open(request, timeout=min(timeout or _CALL_SECONDS, _CALL_SECONDS)) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read(_MOST_BYTES))
        except (OSError, HTTPException, ValueError) as error:
            raise TransportError(type(error).__name__) from error  # type: ignore[no-untyped-call]

    def _made(self) -> urllib.request.OpenerDirector:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        roots = [*system_roots(), *(certificates_in(self._upstream_ca) if self._upstream_ca is not None else ())]
        context.load_verify_locations(cadata=b"".join(roots))
        opener = urllib.request.OpenerDirector()
        handlers = [
            urllib.request.ProxyHandler({"https": self._proxy} if self._proxy is not None else {}),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.UnknownHandler(),
        ]
        for handler in handlers:
            opener.add_handler(handler)
        return opener


def _fetched(credential: GoogleCredential, caller: Caller) -> tuple[str, datetime | None]:
    if importlib.util.find_spec("google") is None or importlib.util.find_spec("google.auth") is None:
        raise UpstreamFailed("tokens for Google cannot be had here: pip install 'excise[gcp]'", kind="no_credentials")
    import google.auth
    import google.auth.exceptions
    import orjson
    from google.oauth2 import service_account

    silence("google", "google.auth", "google.oauth2")
    try:
        if credential.account is not None:
            made: Any = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                orjson.loads(credential.account), scopes=[_SCOPE]
            )
        else:
            made, _ = google.auth.default(scopes=[_SCOPE], request=caller)  # type: ignore[arg-type]
        made.refresh(caller)
    except google.auth.exceptions.MalformedError as error:
        raise _unusable() from error
    except google.auth.exceptions.DefaultCredentialsError as error:
        text = "Google's own search finds no credentials; set them in `providers`, or in the environment of the proxy"
        raise UpstreamFailed(text, kind="no_credentials") from error
    except (google.auth.exceptions.GoogleAuthError, CertificateError) as error:
        # Its text may quote the answer of the token service.
        text = "Google gives no token for the credentials in `providers`; check that they are in force"
        raise UpstreamFailed(text, kind="no_credentials") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable() from error
    if not isinstance(made.token, str) or not made.token.isascii() or not made.token.isprintable() or " " in made.token:
        raise UpstreamFailed("Google's token service answered without a token", kind="no_credentials")
    expiry = made.expiry.replace(tzinfo=UTC) if made.expiry is not None else datetime.now(UTC) + _UNSAID
    return made.token, expiry


def _unusable() -> UpstreamFailed:
    return UpstreamFailed("what an entry of `providers` has under `google` is no usable service account", kind="no_credentials")
