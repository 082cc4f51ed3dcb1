"""
The runtimes `excise doctor` knows: how to find one, how to make it ask for a page, and what helps when it does not come.

Source of the advice: every row was run against a proxy once, 2026-11; .NET is from its documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PROBES: Final = Path(__file__).parent / "probes"

_ENDPOINT = "point the SDK's base_url at the proxy, or capture without variables (transparent mode)"
_STORE = "it trusts a store of its own: give it the CA there"


@dataclass(frozen=True, slots=True)
class Runtime:
    """
    Args:
        programs: Names looked for on the path, or relative paths looked for where we stand; each different one is probed.
        version: Arguments that print one line which tells two installations apart.
        ways: The libraries it may ask with; each gets a host name of its own, by which the recorder knows it.
        command: From program and URLs (one a way) to the command to run.
        sdks: Packages to look for, and the way each of them asks. Where given, the command is a script that takes `WAY=URL…` and
            these names, and prints JSON about what it has.
        bypassed: What helps where a way does not come to the proxy; "" for all others.
        untrusted: What helps where it comes and refuses the certificate.
        seconds: How long it may take.
    """

    name: str
    programs: tuple[str, ...]
    version: tuple[str, ...]
    ways: tuple[str, ...] = ("https",)
    command: Callable[[str, Mapping[str, str]], list[str]] | None = None  # None: cannot be tried, `bypassed[""]` is all there is
    sdks: Mapping[str, str] = field(default_factory=dict)
    bypassed: Mapping[str, str] = field(default_factory=dict)
    untrusted: str = _STORE
    seconds: float = 30.0


def _script(sdks: Mapping[str, str], *before: str) -> Callable[[str, Mapping[str, str]], list[str]]:
    def command(program: str, urls: Mapping[str, str]) -> list[str]:
        return [program, *before, *(f"{way}={url}" for way, url in urls.items()), *sdks]

    return command


def _one(*words: str) -> Callable[[str, Mapping[str, str]], list[str]]:
    """
    A command that takes one URL where a word says `URL`.
    """

    def command(program: str, urls: Mapping[str, str]) -> list[str]:
        (url,) = urls.values()
        return [program, *(word.replace("URL", url) for word in words)]

    return command


_PYTHON_SDKS: Final = {
    **dict.fromkeys(("openai", "anthropic", "google.genai", "mistralai", "cohere", "groq", "ollama", "litellm"), "httpx"),
    "boto3": "botocore",
}
_NODE_SDKS: Final = dict.fromkeys(
    ("openai", "@anthropic-ai/sdk", "@google/genai", "ai", "@mistralai/mistralai", "cohere-ai", "groq-sdk", "ollama"), "fetch"
)
_AWS: Final = f"the AWS SDK takes no proxy from the environment: {_ENDPOINT}"

RUNTIMES: Final = (
    Runtime(
        "python",
        ("python3", "python", ".venv/bin/python", "venv/bin/python"),
        ("-c", "import sys; print(sys.version.split()[0], sys.prefix)"),
        ("urllib", "requests", "httpx", "httpx2", "aiohttp", "botocore"),
        _script(_PYTHON_SDKS, str(_PROBES / "probe.py")),
        sdks=_PYTHON_SDKS,
        bypassed={
            "aiohttp": f"aiohttp reads the proxy only with ClientSession(trust_env=True): set it where the session is made, or {_ENDPOINT}"
        },
        untrusted="it ignores SSL_CERT_FILE or REQUESTS_CA_BUNDLE: look for verify= or a pinned certifi path in the code",
    ),
    Runtime(
        "node",
        ("node",),
        ("--version",),
        ("fetch", "https", "axios", "aws-sdk"),
        _script(_NODE_SDKS, str(_PROBES / "probe.mjs")),
        sdks=_NODE_SDKS,
        bypassed={
            "": f"Node reads the proxy variables from 24 (and 22.21) on, with NODE_USE_ENV_PROXY=1: upgrade, or {_ENDPOINT}",
            "aws-sdk": _AWS,
        },
        untrusted="it ignores NODE_EXTRA_CA_CERTS: look for `ca:` or an agent of its own in the code",
    ),
    Runtime(
        "bun",
        ("bun",),
        ("--version",),
        ("fetch", "https", "axios", "aws-sdk"),
        _script(_NODE_SDKS, "run", str(_PROBES / "probe.mjs")),
        sdks=_NODE_SDKS,
        bypassed={"": _ENDPOINT, "aws-sdk": _AWS},
    ),
    Runtime(
        "deno",
        ("deno",),
        ("--version",),
        ("fetch", "https", "axios", "aws-sdk"),
        _script(_NODE_SDKS, "run", "--allow-all", str(_PROBES / "probe.mjs")),
        sdks=_NODE_SDKS,
        bypassed={"": _ENDPOINT, "aws-sdk": _AWS},
        untrusted="it ignores DENO_CERT: look for Deno.createHttpClient with caCerts in the code",
    ),
    Runtime(
        "java",
        ("java",),
        ("-version",),
        # keytool's own main class fetches a URL with the default TLS settings, so a JRE without a compiler can be tried as well.
        command=_one("sun.security.tools.keytool.Main", "-printcrl", "-file", "URL"),
        bypassed={"": "Java reads no HTTPS_PROXY: JAVA_TOOL_OPTIONS must reach it (a wrapper that clears the environment takes it away)"},
        untrusted="it reads another trust store: look for -Djavax.net.ssl.trustStore on its command line",
    ),
    Runtime(
        "curl",
        ("curl",),
        ("--version",),
        command=_one("--silent", "--max-time", "10", "URL"),
        bypassed={"": "look for a ~/.curlrc with noproxy"},
    ),
    Runtime(
        "git",
        ("git",),
        ("--version",),
        command=_one("ls-remote", "URL"),
        bypassed={"": "look for http.proxy in `git config --list --show-origin`"},
        untrusted="look for http.sslCAInfo in `git config --list --show-origin`",
    ),
    Runtime(
        "ruby",
        ("ruby",),
        ("--version",),
        command=_one("-rnet/http", "-e", "Net::HTTP.get(URI('URL'))"),
        bypassed={"": f"its client was made with a proxy of nil: {_ENDPOINT}"},
    ),
    Runtime(
        "php",
        ("php",),
        ("--version",),
        command=_one("-r", "@file_get_contents('URL');"),
        bypassed={"": f"PHP's streams read no HTTPS_PROXY (its curl extension does): use curl or Guzzle, or {_ENDPOINT}"},
    ),
    Runtime("go", ("go",), ("version",), command=_one("run", str(_PROBES / "probe.go"), "URL"), bypassed={"": _ENDPOINT}, seconds=120.0),
    Runtime(
        "dotnet",
        ("dotnet",),
        ("--version",),
        bypassed={"": "HttpClient takes HTTPS_PROXY, and on Linux SSL_CERT_FILE; not tried here: use `excise doctor -- your program`"},
    ),
)
