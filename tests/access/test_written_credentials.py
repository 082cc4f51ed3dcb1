"""
Credentials of a policy are looked at when it is loaded: what cannot work is a fault with a place, and is never shown.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from excise.errors import PolicyError
from excise.policy.credential import ApiKey, AwsCredential, GoogleCredential
from excise.policy.load import load_policy

ACCOUNT = {"type": "service_account", "client_email": "a@b.example", "private_key": "canary-key", "token_uri": "https://x.example"}


def load(folder: Path, entry: str, **environ: str) -> Any:
    path = folder / "default.yml"
    path.write_text(f"version: 1\nproviders:\n- {entry}\ndefault: allow\n")
    return load_policy(path, environ=environ)


def test_what_is_well_written_is_held_and_never_shown(tmp_path: Path) -> None:
    """
    Blanks at both ends, a line's end among them, are nobody's; no repr has a credential.
    """
    account = json.dumps(ACCOUNT)
    found = [
        load(tmp_path, "{provider: openai, key: env:K}", K=" canary-1 \n"),
        load(tmp_path, "{provider: bedrock, region: eu-west-1, aws: {access_key: env:A, secret_key: env:S}}", A="canary-a", S="canary/s+="),
        load(tmp_path, "{provider: bedrock, aws: default}"),
        load(tmp_path, "{provider: vertex, google: env:G}", G=account),
        load(tmp_path, "{provider: vertex, google: default}"),
    ]
    credentials = [next(iter(policy.deployments.values())).credential for policy in found]

    assert credentials == [
        ApiKey("canary-1"),
        AwsCredential("eu-west-1", "canary-a", "canary/s+="),
        AwsCredential("us-east-1"),
        GoogleCredential(account.encode()),
        GoogleCredential(None),
    ]
    assert "canary" not in repr(credentials) + repr([policy.deployments for policy in found])


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("{provider: openai, key: env:V}", "canary\nX-Injected: 1", "one line without blanks"),
        ("{provider: openai, key: env:V}", "canary key", "one line without blanks"),
        ("{provider: openai, key: env:V}", "canary-ü", "one line without blanks"),
        ("{provider: openai, key: env:V}", " ", "nothing stands"),
        ("{provider: openai, key: env:W}", "canary", "is not set"),
        ("{provider: bedrock, aws: {access_key: env:V, secret_key: env:V}}", "canary\r\nx", "one line without blanks"),
        ("{provider: vertex, google: env:V}", "canary", "no service account's JSON"),
        ("{provider: vertex, google: env:V}", json.dumps(ACCOUNT | {"type": "authorized_user"}), "no service account's JSON"),
        ("{provider: vertex, google: env:V}", json.dumps(ACCOUNT | {"private_key": ""}), "no service account's JSON"),
    ],
)
def test_what_cannot_work_is_a_fault_with_a_place(tmp_path: Path, entry: str, value: str, said: str) -> None:
    """
    A line's end inside a key would be another header.
    """
    with pytest.raises(PolicyError, match=said) as refused:
        load(tmp_path, entry, V=value)
    assert "default.yml:3:" in str(refused.value) and "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "package", "extra"),
    [("{provider: bedrock, aws: default}", "botocore", "aws"), ("{provider: vertex, google: default}", "google", "gcp")],
)
def test_an_extra_that_is_not_there_is_told_before_the_first_call(
    tmp_path: Path, entry: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With what to install.
    """
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.partition(".")[0] == package else real(name))

    with pytest.raises(PolicyError, match=rf"pip install 'excise\[{extra}\]'"):
        load(tmp_path, entry)
