"""
The environment that brings a program's calls through the proxy. Pure: what is there already is an argument.

Which variable moves which runtime was tried out one by one; `excise doctor` repeats that on the user's own machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

# These *replace* a program's store, so they get the system's roots with ours added. `SSL_CERT_DIR` is left alone: where
# both are set some libraries read only the folder.
BUNDLE_VARIABLES: Final = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
)
# These *add* to it.
CA_VARIABLES: Final = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
PROXY_VARIABLES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")  # wget and curl read lower case only

# Loopback, the cloud's metadata service, private and cluster ranges. No IPv6 range and no `[::1]`: httpx up to 0.28, and
# with it most SDKs, refuses to start when it meets one (encode/httpx issue 3221).
NO_PROXY: Final = (
    "localhost",
    "127.0.0.1",
    "::1",
    "169.254.169.254",
    "metadata.google.internal",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    ".svc",
    ".cluster.local",
)
# The same for Java, which knows `*` at either end and no ranges; 172.16 to 172.31 are listed.
_JAVA_NO_PROXY: Final = (
    "localhost",
    "127.*",
    "[::1]",
    "169.254.169.254",
    "metadata.google.internal",
    "10.*",
    *(f"172.{part}.*" for part in range(16, 32)),
    "192.168.*",
    "*.svc",
    "*.cluster.local",
)
# Public certificates need no secret, but Java skips the entries of a PKCS12 file it is given no password for.
TRUSTSTORE_PASSWORD: Final = "changeit"  # noqa: S105 - Java's own convention, known to everyone


@dataclass(frozen=True, slots=True)
class Trust:
    """
    Where a client finds what to trust. `truststore` is for Java, a PKCS12 file; `None` where none could be made.
    """

    ca: Path  # our certificates alone, PEM
    bundle: Path  # the system's roots and ours, PEM
    truststore: Path | None


def with_credentials(proxy_url: str, app: str, key: str) -> str:
    """
    The URL with `app:key@`, each percent-encoded, in place of what it had.
    """
    parts = urlsplit(proxy_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(app, safe='')}:{quote(key, safe='')}@{host}"))


def additions(proxy_url: str, trust: Trust, present: Mapping[str, str]) -> dict[str, str]:
    """
    What to set for a child whose environment would otherwise be `present`. Lists are added to, never replaced; setting the
    result and asking again gives the same result.
    """
    result = dict.fromkeys(BUNDLE_VARIABLES, str(trust.bundle))
    for name in CA_VARIABLES:
        # Somebody who adds to the store already (a company's authority) needs that to stay; the machine's roots most often have it.
        other = present.get(name) not in (None, "", str(trust.ca))
        result[name] = str(trust.bundle if other else trust.ca)
    result |= dict.fromkeys(PROXY_VARIABLES, proxy_url)
    exempt = ",".join(_united(present.get("NO_PROXY", ""), present.get("no_proxy", "")))
    result |= {"NO_PROXY": exempt, "no_proxy": exempt}
    result["NODE_USE_ENV_PROXY"] = "1"
    result["JAVA_TOOL_OPTIONS"] = _appended(present.get("JAVA_TOOL_OPTIONS", ""), java_options(proxy_url, trust))
    return result


def _united(*lists: str) -> list[str]:
    given = [part.strip() for text in lists for part in text.split(",") if part.strip()]
    return list(dict.fromkeys([*given, *NO_PROXY]))


def java_options(proxy_url: str, trust: Trust) -> str:
    """
    `JAVA_TOOL_OPTIONS` of our own. Without credentials: Java prints the whole text when it starts, and its HTTP clients
    would not use them from there.
    """
    parts = urlsplit(proxy_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    options = [f"-D{scheme}.{key}={value}" for scheme in ("https", "http") for key, value in (("proxyHost", host), ("proxyPort", port))]
    options.append(f"-Dhttp.nonProxyHosts={'|'.join(_JAVA_NO_PROXY)}")
    if trust.truststore is not None:
        options.append(_java_quoted(f"-Djavax.net.ssl.trustStore={trust.truststore}"))
        options.append("-Djavax.net.ssl.trustStoreType=PKCS12")
        options.append(f"-Djavax.net.ssl.trustStorePassword={TRUSTSTORE_PASSWORD}")
    return " ".join(options)


def _java_quoted(option: str) -> str:
    # The JVM cuts at white space and knows quotes, but no backslash.
    if not any(character.isspace() or character == "'" for character in option):
        return option
    return f'"{option}"'


def _appended(present: str, ours: str) -> str:
    # Of two equal keys Java takes the last, so ours stand at the end.
    if present.endswith(ours):
        return present
    return f"{present} {ours}".lstrip()
