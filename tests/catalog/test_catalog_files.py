"""
The catalogue's file, an operator's overlay, and what the CA may sign for.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_catalog_recognise import sample_hosts

from excise.catalog.load import SHIPPED, read
from excise.catalog.notation import hosts, paths
from excise.catalog.places import Places
from excise.catalog.providers import Catalog
from excise.catalog.schema import CatalogSpec
from excise.errors import SettingsError

CATALOG = Catalog.load()
PROVIDERS, _, REGIONS = read(None)


def test_the_shipped_file_passes_the_strict_reader() -> None:
    """
    The file the fast reader loads has no double keys and no aliases, and means the same to the strict one.
    """
    strict = Places(SHIPPED).check(CatalogSpec)

    assert [provider.id for provider in strict.providers] == list(PROVIDERS)


def write(folder: Path, text: str) -> Path:
    """
    An overlay.
    """
    file = folder / "overlay.yml"
    file.write_text(text)
    return file


def test_an_overlay_adds_a_self_hosted_server(tmp_path: Path) -> None:
    """
    A host of one's own is recognised like the server it runs.
    """
    catalog = Catalog.load(
        write(
            tmp_path,
            """
            providers:
            - id: our-vllm
              like: vllm
              hosts: [llm.corp.example, '*.gpu.corp.example', 10.0.0.5]
            """,
        )
    )
    found = catalog.recognise(host="a7.gpu.corp.example", method="POST", path="/v1/chat/completions", upgrade=None)

    assert found is not None
    assert (found.provider, found.operation, found.dialect) == ("our-vllm", "chat", "openai-chat")
    assert catalog.is_provider_host("10.0.0.5")
    assert "gpu.corp.example" in catalog.permitted_domains()
    assert catalog.permitted_domains(["our-vllm"]) == ("gpu.corp.example", "llm.corp.example")
    assert not CATALOG.is_provider_host("llm.corp.example")


def test_an_overlay_changes_what_it_names_and_no_more(tmp_path: Path) -> None:
    """
    A known id keeps all that the overlay does not say.
    """
    catalog = Catalog.load(write(tmp_path, "providers:\n- {id: openai, extra_hosts: [openai.corp.example]}\n- {id: groq, hosts: []}\n"))
    changed = catalog.recognise(host="openai.corp.example", method="POST", path="/v1/responses", upgrade=None)

    assert changed is not None
    assert changed.provider == "openai"
    assert catalog.is_provider_host("api.openai.com")
    assert not catalog.is_provider_host("api.groq.com")
    assert catalog.providers["openai"].name == "OpenAI"


def test_an_overlay_may_bring_operations_of_its_own(tmp_path: Path) -> None:
    """
    A native API is described line by line.
    """
    text = """
providers:
- id: house
  hosts: [house.corp.example]
  operations:
  - {op: chat, path: '/ask/{model}', dialect: openai-chat, stream: body}
"""
    found = Catalog.load(write(tmp_path, text)).recognise(host="house.corp.example", method="POST", path="/ask/tiny", upgrade=None)

    assert found is not None
    assert (found.operation, found.model, found.stream_at) == ("chat", "tiny", "body")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("providers:\n- id: x\n  hsts: [a.example]\n", "overlay.yml:3:3: providers.0.hsts: Extra inputs"),
        ("providers:\n- id: x\n  like: nobody\n", "overlay.yml:3:3: there is no provider `nobody`"),
        ("providers:\n- id: x\n  hosts: [a.example, 'https://b.example']\n", "overlay.yml:3:22: a host has no port"),
        ("providers:\n- id: x\n  hosts: ['*.example']\n", "overlay.yml:3:11: a whole domain is not a provider"),
        ("providers:\n- id: x\n  hosts: ['a.<nowhere>.corp.example']\n", "overlay.yml:3:11: no regions are named `nowhere`"),
        ("providers:\n- id: x\n  hosts: [A.example]\n", "overlay.yml:3:11: `A` is not a label"),
        ("providers:\n- id: x\n- id: x\n", "overlay.yml:3:3: `x` stands here twice"),
        ("providers:\n- {id: x, id: y}\n", "overlay.yml:2:11: `id` stands here twice"),
        ("providers:\n- &a {id: x}\n- *a\n", "overlay.yml:3:3: aliases"),
        ("providers:\n- id: x\n  endpoints:\n  - {family: opnai, prefix: ''}\n", "overlay.yml:4:6: there is no family `opnai`"),
        ("providers:\n- id: x\n  endpoints:\n  - {family: openai, prefix: '', ops: [chatt]}\n", "has no operation `chatt`"),
        ("providers:\n- id: x\n  operations:\n  - {op: a, path: '/(b', dialect: d}\n", "overlay.yml:4:13: providers.0.operations.0.path"),
        ("providers: [\n", "overlay.yml:2:1:"),
        ("- 1\n", "overlay.yml:1:1:"),
    ],
)
def test_a_wrong_overlay_is_refused_by_place(tmp_path: Path, text: str, message: str) -> None:
    """
    Each fault names file, line and column.
    """
    with pytest.raises(SettingsError) as caught:
        Catalog.load(write(tmp_path, text))

    assert message in str(caught.value)


def test_a_missing_overlay_is_an_error(tmp_path: Path) -> None:
    """
    A file that was named has to be there.
    """
    with pytest.raises(SettingsError, match="cannot be read"):
        Catalog.load(tmp_path / "none.yml")


# What stands under these is many people's, so that a subtree of it would let the CA sign for strangers.
_TOO_WIDE = """
    com net org io ai dev co aws goog cloud run com.cn azure.com azure.us azure.cn amazonaws.com amazonaws.com.cn api.aws
    googleapis.com aliyuncs.com tencent.com tencentcloudapi.com cloudflare.com ibm.com oraclecloud.com github.com
    githubusercontent.com amazon.com mongodb.com nvidia.com volces.com baidubce.com heroku.com nebius.com ovh.net sberbank.ru
    vercel.sh huggingface.co huggingface.cloud
"""
TOO_WIDE = set(_TOO_WIDE.split())


def test_the_ca_may_sign_for_every_host_of_the_catalogue() -> None:
    """
    Every sample host lies in a permitted subtree; but a region nobody has named yet does not.
    """
    permitted = CATALOG.permitted_domains()
    for provider in PROVIDERS.values():
        for template in provider.hosts:
            if "<" in template:
                continue
            for host in sample_hosts(provider):
                if "abc" in host and any("<" in other for other in provider.hosts):
                    continue
                assert any(host == domain or host.endswith("." + domain) for domain in permitted), host
    for host in (
        "bedrock-runtime.us-east-1.amazonaws.com",
        "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
        "vpce-0a-b.bedrock-runtime.eu-west-1.vpce.amazonaws.com",
        "bedrock-mantle.eu-west-1.api.aws",
        "us-central1-aiplatform.googleapis.com",
        "inference.generativeai.us-chicago-1.oci.oraclecloud.com",
        "ark.cn-beijing.volces.com",
    ):
        assert any(host == domain or host.endswith("." + domain) for domain in permitted), host


def test_the_ca_may_not_sign_for_strangers() -> None:
    """
    No subtree is a public suffix or a cloud's own domain.
    """
    permitted = CATALOG.permitted_domains()

    assert not TOO_WIDE & set(permitted)
    assert all(domain.count(".") >= 1 and not domain.startswith((".", "*")) for domain in permitted)
    for host in ("s3.us-east-1.amazonaws.com", "sts.us-east-1.amazonaws.com", "login.microsoftonline.com", "storage.googleapis.com"):
        assert not any(host.endswith(domain) for domain in permitted)


def test_subtrees_do_not_overlap() -> None:
    """
    No subtree lies in another: the certificate stays as small as it can.
    """
    permitted = CATALOG.permitted_domains()

    assert list(permitted) == sorted(set(permitted))
    assert not [a for a in permitted for b in permitted if a != b and a.endswith("." + b)]
    assert sum(len(domain) + 4 for domain in permitted) < 24_000


def test_the_ca_can_be_narrowed_to_a_few_providers() -> None:
    """
    Whoever uses two providers needs no CA for a hundred.
    """
    assert CATALOG.permitted_domains(["openai", "anthropic"]) == ("anthropic.com", "openai.com")


@pytest.mark.parametrize(
    "template", ["x", "/(a", "/a)", "/[a", "/{model}{id}", "/{model*}/x", "/*/x", "/a*b", "/{a b}", "/%41", "(" * 20, "/" + "[a]" * 12]
)
def test_a_wrong_path_notation_is_refused(template: str) -> None:
    """
    What does not parse, or unfolds without end, is an error and not a pattern that never matches.
    """
    with pytest.raises(ValueError, match=r"."):
        paths(template)


def test_notation_unfolds() -> None:
    """
    Optional parts and alternatives unfold into plain paths and hosts.
    """
    assert len(paths("/v1[beta]/(a|b[/c])[/*]")) == 12
    assert {pattern.text for pattern in hosts("{a,b}.x.{com,net}", {})} == {"a.x.com", "b.x.com", "a.x.net", "b.x.net"}
    assert hosts("svc.<r>.example.com", {"r": ["one", "two"]})[0].subtrees == ("svc.one.example.com", "svc.two.example.com")
    assert hosts("**.corp.example.com", {})[0].subtrees == ("corp.example.com",)
