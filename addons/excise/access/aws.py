"""
Requests signed for AWS (Signature Version 4), with keys of the policy or those that AWS's own search finds.

Source: docs.aws.amazon.com/IAM, "Create a signed AWS API request"; service names as in botocore's and Anthropic's clients; read 2026-11.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from excise.access.authority import authority
from excise.access.renewal import Renewed, silence
from excise.errors import UpstreamFailed
from excise.exchange import Route
from excise.policy.credential import AwsCredential

type Headers = tuple[tuple[bytes, bytes], ...]

_SERVICES = {"bedrock-mantle": "bedrock-mantle", "anthropic-aws": "aws-external-anthropic", "sagemaker": "sagemaker"}
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")
_OURS = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})

# The search renews keys from a quarter of an hour before their end; it is asked often enough for that.
_HOLD, _AHEAD = timedelta(minutes=9), timedelta(minutes=4)
_THREADED_BYTES = 512 * 1024  # hashing less takes under a millisecond


class AwsSigner:
    """
    Args:
        proxy: The other proxy, through which AWS's token service is reached; `None`: directly. Metadata services always are.
        now: The clock of what is kept, UTC; signatures have the machine's.
    """

    def __init__(self, *, proxy: str | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._proxy = proxy
        self._now = now
        self._session: Any = None
        self._found: Renewed[Any] = Renewed(self._search, what="AWS's own search for keys", ahead=_AHEAD, now=now)
        self._loaded = False

    async def __call__(self, route: Route, credential: AwsCredential, path: str, headers: Headers, body: bytes) -> Headers:
        """
        The headers that sign a POST.

        Args:
            path: As it leaves: AWS encodes it once more before it compares.
            headers: As they leave. Of these only the content type is signed, as AWS's own clients do.
            body: As it leaves.

        Raises:
            UpstreamFailed: There are no keys, or botocore is not installed.
        """
        if importlib.util.find_spec("botocore") is None:
            raise UpstreamFailed("requests to AWS cannot be signed here: pip install 'excise[aws]'", kind="no_credentials")
        keys = credential if credential.access_key is not None else await self._found.get()
        if self._loaded and len(body) < _THREADED_BYTES:
            return _signed(route, credential, keys, path, headers, body)
        # The first call imports, which takes a third of a second.
        made = await asyncio.to_thread(_signed, route, credential, keys, path, headers, body)
        self._loaded = True
        return made

    def _search(self) -> tuple[Any, datetime | None]:
        import botocore.session
        from botocore.config import Config
        from botocore.credentials import RefreshableCredentials
        from botocore.exceptions import BotoCoreError, ClientError

        silence("botocore", "urllib3")
        try:
            # A session renews temporary keys by itself. Lasting ones are looked for anew: somebody may have written the file again.
            session, self._session = self._session or botocore.session.get_session(), None
            if self._proxy is not None:
                session.set_default_client_config(Config(proxies={"https": self._proxy}))
            found = session.get_credentials()
            if isinstance(found, RefreshableCredentials):
                self._session = session
            keys = found.get_frozen_credentials() if found is not None else None
            end = getattr(found, "_expiry_time", None)
        except (BotoCoreError, ClientError, OSError, ValueError, KeyError, RuntimeError) as error:
            text = "AWS's own search for keys failed; whoever runs the proxy finds the kind of failure in its log"
            raise UpstreamFailed(text, kind="no_credentials") from error
        if keys is None:
            raise UpstreamFailed(
                "AWS's own search finds no keys; set them in `providers`, or in the environment of the proxy", kind="no_credentials"
            )
        hold = self._now() + _HOLD
        return keys, min(hold, end) if end is not None else hold


def _signed(route: Route, credential: AwsCredential, keys: Any, path: str, headers: Headers, body: bytes) -> Headers:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    silence("botocore")
    if isinstance(keys, AwsCredential):
        keys = Credentials(keys.access_key, keys.secret_key, keys.session_token)
    kept = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"}
    request = AWSRequest("POST", f"{route.scheme}://{authority(route)}{path}", headers=kept, data=body)
    region = _region(route.host) or credential.region
    SigV4Auth(keys, _SERVICES.get(route.call.provider, "bedrock"), region).add_auth(request)
    return tuple((name.encode(), value.encode()) for name, value in request.headers.items() if name.lower() in _OURS)


def _region(host: str) -> str | None:
    """
    The region in the name of one of AWS's hosts: the signature must name it, whatever the entry says.
    """
    return next((label for label in host.split(".") if _REGION.fullmatch(label)), None)
