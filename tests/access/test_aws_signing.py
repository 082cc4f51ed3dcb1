"""
Requests signed for AWS: as boto3 signs them, with the policy's keys or with those AWS's own search finds.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from access_calls import route

from excise.access import aws
from excise.access.authorize import Authorizer
from excise.access.aws import AwsSigner
from excise.catalog.providers import Catalog
from excise.errors import UpstreamFailed
from excise.policy.credential import AwsCredential
from excise.standin import sigv4
from excise.standin.call import Request

HOST = "bedrock-runtime.eu-central-1.amazonaws.com"
AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
JSON = ((b"Content-Type", b"application/json"), (b"user-agent", b"a client of ours"), (b"accept", b"*/*"))
KEYS = AwsCredential("eu-central-1", "standin-access", sigv4.SECRET)
PATH = "/model/eu.amazon.nova-lite-v1%3A0/converse"


@pytest.fixture(autouse=True)
def no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def sent_by_boto3(model: str, credential: AwsCredential) -> Any:
    """
    What boto3 would put on the wire: URL, headers, body.
    """
    import boto3  # type: ignore[import-untyped]

    client = boto3.client(
        "bedrock-runtime",
        region_name=credential.region,
        aws_access_key_id=credential.access_key,
        aws_secret_access_key=credential.secret_key,
        aws_session_token=credential.session_token,
    )

    class Caught(Exception):
        pass

    seen = []

    def catch(request: Any, **_: Any) -> None:
        seen.append(request)
        raise Caught

    client.meta.events.register("before-send.bedrock-runtime.*", catch)
    with pytest.raises(Caught):
        client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "é: one word"}]}])
    client.close()
    return seen[0]


@pytest.mark.parametrize("token", [None, "standin-token/with+signs=="])
@pytest.mark.parametrize(
    "model",
    [
        "amazon.nova-lite-v1:0",
        "eu.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:eu-central-1:123456789012:provisioned-model/a b~c+d",
    ],
)
async def test_the_signature_is_boto3s(model: str, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The same request at the same time has the same Authorization, byte for byte: colons and slashes of a model's name are encoded twice.
    """
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: AT)
    credential = AwsCredential("eu-central-1", "standin-access", sigv4.SECRET, token)
    theirs = sent_by_boto3(model, credential)
    path = theirs.url.removeprefix(f"https://{HOST}")

    ours = await AwsSigner()(route("bedrock", HOST, path), credential, path, JSON, theirs.body)

    wanted = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")
    expected = {
        name.lower(): bytes(theirs.headers[name], "ascii") if isinstance(theirs.headers[name], str) else theirs.headers[name]
        for name in wanted
        if name in theirs.headers
    }
    assert {name.decode().lower(): value for name, value in ours} == expected
    assert b"SignedHeaders=content-type;host;x-amz-date" in dict(ours)[b"Authorization"]


@pytest.mark.parametrize("path", [PATH, "/model/amazon.nova-lite-v1:0/converse", "/model/a%2Fb%20c/converse-stream"])
@pytest.mark.parametrize(
    "body", [b"{}", b"", '{"ü": 1}'.encode(), b"x" * (aws._THREADED_BYTES + 1)], ids=["json", "empty", "utf-8", "large"]
)
async def test_whoever_checks_finds_the_signature_right(path: str, body: bytes) -> None:
    """
    A reading of AWS's rules of its own, over the bytes as they leave, agrees; also where a colon leaves as one.
    """
    made = await AwsSigner()(route("bedrock", HOST, path), KEYS, path, JSON, body)

    headers = ((name.decode(), value.decode()) for name, value in (*JSON, (b"host", HOST.encode()), *made))
    sigv4.check(Request("POST", HOST, path, tuple(headers), body), region="eu-central-1", service="bedrock")


@pytest.mark.parametrize(
    ("provider", "host", "scope"),
    [
        ("bedrock", HOST, "eu-central-1/bedrock"),
        ("bedrock", "vpce-1-a.bedrock-runtime.us-gov-west-1.vpce.amazonaws.com", "us-gov-west-1/bedrock"),
        ("bedrock", "bedrock.corp.example", "ap-south-2/bedrock"),
        ("bedrock-mantle", "bedrock-mantle.us-east-2.api.aws", "us-east-2/bedrock-mantle"),
        ("anthropic-aws", "aws-external-anthropic.us-west-2.api.aws", "us-west-2/aws-external-anthropic"),
        ("sagemaker", "runtime.sagemaker.cn-north-1.amazonaws.com.cn", "cn-north-1/sagemaker"),
    ],
)
async def test_region_and_service_are_those_of_the_host(provider: str, host: str, scope: str) -> None:
    """
    The name of one of AWS's hosts says the region; only where it does not, the entry's counts.
    """
    credential = AwsCredential("ap-south-2", "standin-access", sigv4.SECRET)

    made = dict(await AwsSigner()(route(provider, host, "/v1/messages"), credential, "/v1/messages", JSON, b"{}"))

    assert f"/{scope}/aws4_request, SignedHeaders" in made[b"Authorization"].decode()


@pytest.mark.parametrize(("scheme", "port", "host"), [("http", 9000, f"{HOST}:9000"), ("https", 8443, f"{HOST}:8443"), ("http", 80, HOST)])
async def test_an_unusual_port_is_part_of_the_host(scheme: str, port: int, host: str) -> None:
    """
    As the Host header that leaves has it.
    """
    made = await AwsSigner()(route("bedrock", HOST, PATH, scheme=scheme, port=port), KEYS, PATH, JSON, b"{}")

    headers = ((name.decode(), value.decode()) for name, value in (*JSON, (b"host", host.encode()), *made))
    sigv4.check(Request("POST", HOST, PATH, tuple(headers), b"{}"), region="eu-central-1", service="bedrock")


async def test_nothing_shows_the_keys(caplog: pytest.LogCaptureFixture) -> None:
    """
    Neither the credential's repr nor anything that is logged, at any level.
    """
    caplog.set_level("DEBUG")
    credential = AwsCredential("eu-central-1", "standin-access", "standin-very-secret", "standin-session")
    await AwsSigner()(route("bedrock", HOST, PATH, credential), credential, PATH, JSON, b"{}")

    assert "very-secret" not in repr(credential) + repr(route("bedrock", HOST, PATH, credential))
    assert "very-secret" not in caplog.text and "standin-session" not in caplog.text


async def test_without_botocore_the_call_fails_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A bad gateway, not a bug.
    """
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(UpstreamFailed, match=r"excise\[aws\]") as refused:
        await AwsSigner()(route("bedrock", HOST, PATH), KEYS, PATH, JSON, b"{}")
    assert (refused.value.status, refused.value.kind) == (502, "no_credentials")


DEFAULT = AwsCredential("eu-central-1")


async def signed_by(signer: AwsSigner) -> str:
    made = dict(await signer(route("bedrock", HOST, PATH), DEFAULT, PATH, JSON, b"{}"))
    return made[b"Authorization"].decode().partition("Credential=")[2].partition("/")[0]


async def test_the_environments_keys_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `aws: default` is AWS's own search, here the environment.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "standin-of-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", sigv4.SECRET)

    assert await signed_by(AwsSigner()) == "standin-of-the-environment"


async def test_a_profile_that_was_written_again_is_read_again(tmp_path: Any) -> None:
    """
    Tools for single sign-on replace the file; keys that do not say when they end are looked for anew after some minutes.
    """
    clock = Clock()
    signer = AwsSigner(now=clock)
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = standin-old\naws_secret_access_key = s\n")
    assert await signed_by(signer) == "standin-old"
    file.write_text("[default]\naws_access_key_id = standin-new\naws_secret_access_key = s\n")

    assert await signed_by(signer) == "standin-old"
    clock.now += timedelta(minutes=10)
    assert await signed_by(signer) == "standin-new"


async def test_no_keys_are_a_bad_gateway_and_the_next_call_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The text names no file and quotes nothing; keys that turn up later are found.
    """
    signer = AwsSigner()
    with pytest.raises(UpstreamFailed, match="finds no keys") as refused:
        await signed_by(signer)
    assert (refused.value.status, refused.value.kind) == (502, "no_credentials")

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "standin-late")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert await signed_by(signer) == "standin-late"


@pytest.mark.parametrize(
    "config", ["[profile p]\nsso_session = nobody\n", "[profile p]\ncredential_process = /nonexistent/tool secret-argument\n", "nonsense"]
)
async def test_a_search_that_fails_is_a_bad_gateway(config: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever botocore raises; without a word of what it raised.
    """
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_PROFILE", "p")

    with pytest.raises(UpstreamFailed) as refused:
        await signed_by(AwsSigner())
    assert refused.value.kind == "no_credentials" and "secret-argument" not in refused.value.message


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Container(ThreadingHTTPServer):
    """
    The endpoint from which a container's role gets its keys.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = 0
        self.life = timedelta(hours=1)
        self.waits = 0.0
        self.broken = False


class _Handler(BaseHTTPRequestHandler):
    server: Container

    def do_GET(self) -> None:
        self.server.asked += 1
        time.sleep(self.server.waits)
        keys = {
            "AccessKeyId": f"standin-temporary-{self.server.asked}",
            "SecretAccessKey": sigv4.SECRET,
            "Token": "standin-token",
            "Expiration": (datetime.now(UTC) + self.server.life).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        body = json.dumps(keys).encode()
        self.send_response(500 if self.server.broken else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    server = Container()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_port}/keys")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_temporary_keys_come_with_their_token_and_are_asked_for_once(container: Container) -> None:
    """
    Fifty calls at once ask once; the session token is sent and signed; the event loop goes on meanwhile.
    """
    container.waits = 0.3
    signer = AwsSigner()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    made = await asyncio.gather(*(signer(route("bedrock", HOST, PATH), DEFAULT, PATH, JSON, b"{}") for _ in range(50)))
    ticking.cancel()

    assert container.asked == 1 and ticks >= 10
    for one in made:
        headers = tuple((name.decode(), value.decode()) for name, value in (*JSON, (b"host", HOST.encode()), *one))
        sigv4.check(Request("POST", HOST, PATH, headers, b"{}"), region="eu-central-1", service="bedrock")


async def test_temporary_keys_are_renewed_before_they_end(container: Container) -> None:
    """
    Keys with less than a quarter of an hour are asked for again, while calls go on with what there is.
    """
    container.life = timedelta(minutes=12)
    clock = Clock()
    signer = AwsSigner(now=clock)
    first = await signed_by(signer)
    assert await signed_by(signer) == first

    clock.now += timedelta(minutes=6)
    assert await signed_by(signer) == first  # this call does not wait
    async with asyncio.timeout(5):
        while await signed_by(signer) == first:
            await asyncio.sleep(0.01)


async def test_a_renewal_that_fails_costs_nothing_while_keys_hold(container: Container) -> None:
    """
    The old keys serve until shortly before their end; then calls fail, and work again when the endpoint does.
    """
    clock = Clock()
    signer = AwsSigner(now=clock)
    container.life = timedelta(minutes=1)
    first = await signed_by(signer)
    container.broken = True

    clock.now += timedelta(seconds=20)
    assert await signed_by(signer) == first
    clock.now += timedelta(seconds=15)
    with pytest.raises(UpstreamFailed, match="failed") as refused:
        await signed_by(signer)
    assert refused.value.kind == "no_credentials"
    container.broken = False
    assert (await signed_by(signer)).startswith("standin-temporary-")


async def test_the_authorizer_signs_and_leaves_the_path_alone() -> None:
    """
    What `providers` says decides how a call is authorized.
    """
    path, made = await Authorizer(Catalog.load())(route("bedrock", HOST, PATH, KEYS), PATH, JSON, b"{}")

    assert path == PATH and {name.lower() for name, _ in made} == {b"authorization", b"x-amz-date"}
