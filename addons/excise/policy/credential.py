"""
What authorizes a call at a provider: values that never show themselves. How they become headers: `access/authorize.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    A key the provider gave out.
    """

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AwsCredential:
    """
    Keys that sign requests; all `None`: whatever AWS's own search finds.
    """

    region: str
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GoogleCredential:
    """
    A service account's JSON; `None`: whatever Google's own search finds.
    """

    account: bytes | None = field(default=None, repr=False)


type Credential = ApiKey | AwsCredential | GoogleCredential
