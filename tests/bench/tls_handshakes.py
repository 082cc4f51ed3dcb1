"""
What new TLS connections cost the proxy: both handshakes and one short message, without sockets, OpenSSL's part included.

    python -O tests/bench/tls_handshakes.py [rounds] [connections a round]

Prints microseconds of proxy CPU a connection, smallest and median over the rounds, which are interleaved: mitmproxy's own TLS addon
and layers, our contexts under its layers, and ours throughout; with clients that come new each time, and with clients that resume.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "proxy"), str(HERE.parent.parent / "addons")]

from mitmproxy.addons.proxyserver import Proxyserver  # noqa: E402
from mitmproxy.addons.tlsconfig import TlsConfig  # noqa: E402
from mitmproxy.proxy import events  # noqa: E402
from mitmproxy.proxy.layers import tls as theirs  # noqa: E402
from mitmproxy.proxy.server_hooks import ServerConnectionHookData  # noqa: E402
from mitmproxy.test import taddons  # noqa: E402
from OpenSSL import SSL  # noqa: E402
from tls_peers import HOST, Peer, Provider, Proxy, client  # noqa: E402

from excise.proxy import tls_layers as ours  # noqa: E402
from excise.proxy.tls import Tls  # noqa: E402
from excise.trust.authority import Authority  # noqa: E402
from excise.trust.leaf import LeafIssuer  # noqa: E402


class _Timed(Proxy):
    spent = 0.0

    def feed(self, event: events.Event) -> None:
        began = time.process_time()
        super().feed(event)
        _Timed.spent += time.process_time() - began


def _round(layers: Any, hooks: Any, server: SSL.Context, connections: int, *, resume: bool) -> float:
    session, _Timed.spent = None, 0.0
    for _ in range(connections):
        proxy = _Timed(layers, hooks)
        proxy.server.tls = True
        near, far = client(None, session=session), Peer(SSL.Connection(server), server=True)
        proxy.talk(near, far)
        assert near.got == b"hello"
        if resume:
            session = near.session()
        if isinstance(hooks, Tls):
            began = time.process_time()
            hooks.server_disconnected(ServerConnectionHookData(server=proxy.server, client=proxy.client))
            _Timed.spent += time.process_time() - began
    return _Timed.spent / connections * 1e6


def main(rounds: int = 12, connections: int = 60) -> None:
    """
    Run and print.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        provider = Provider()
        (directory / "provider.pem").write_bytes(provider.pem)
        authority = Authority.create(directory / "ca", permitted_domains=["llm.test"])
        tls = Tls(LeafIssuer(authority), upstream_ca=directory / "provider.pem")
        bare = TlsConfig()
        with taddons.context(Proxyserver(), bare) as master:
            master.options.update(
                confdir=str(directory / "bare"),
                ssl_verify_upstream_trusted_ca=str(directory / "provider.pem"),
                http2=False,
                connection_strategy="lazy",
            )
            bare.configure({"confdir"})
            server = provider.server(HOST)
            ways = {
                "mitmproxy": (theirs, bare, False),
                "mitmproxy, clients resume": (theirs, bare, True),
                "our contexts": (theirs, tls, False),
                "our contexts, clients resume": (theirs, tls, True),
                "ours": (ours, tls, False),
                "ours, clients resume": (ours, tls, True),
            }
            found: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, (layers, hooks, resume) in ways.items():
                    found[name].append(_round(layers, hooks, server, connections, resume=resume))
    base = {False: statistics.median(found["mitmproxy"]), True: statistics.median(found["mitmproxy, clients resume"])}
    for name, values in found.items():
        median = statistics.median(values)
        print(f"{name:30} {min(values):7.0f} {median:7.0f} us   x {base[ways[name][2]] / median:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
