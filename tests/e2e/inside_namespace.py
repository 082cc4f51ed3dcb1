"""
Runs inside a network namespace of its own: a redirect by nft, a proxy that takes what it redirects, a client that knows of no proxy.

    unshare -n python inside_namespace.py FOLDER        prints one JSON object

The rule catches every connection to port 443 that does not belong to the proxy's user, as a real installation would.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "addons")]

from e2e.proxy import free_port, running_proxy  # noqa: E402  # after the path is set
from excise.standin import StandIn, running  # noqa: E402

PROVIDER, OTHER = "203.0.113.7", "203.0.113.8"  # addresses for documentation, RFC 5737
CLIENT_USER = "65534"
CALL = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "what leaves the harbour?"}]}


def run(*command: str, check: bool = True) -> str:
    """
    A command's output.
    """
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=20).stdout


def redirect(port: int) -> None:
    """
    Two addresses on the loopback, and the rule.
    """
    run("ip", "link", "set", "lo", "up")
    for address in (PROVIDER, OTHER):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    rules = f"""
        table ip excise {{
            chain output {{
                type nat hook output priority -100;
                meta skuid != 0 tcp dport 443 redirect to :{port}
            }}
        }}
    """
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, timeout=20)


def curl(name: str, address: str, ca: Path, *more: str) -> dict[str, Any]:
    """
    curl as another user, with the name leading to the address; no proxy in its environment.
    """
    command = ["setpriv", f"--reuid={CLIENT_USER}", "--clear-groups", "curl", "-sS", "--noproxy", "*", "--max-time", "15"]
    target = [f"https://{name}{more[0] if more else '/'}", "--resolve", f"{name}:443:{address}", "--cacert", str(ca)]
    done = subprocess.run(
        [*command, *target, "-w", "\n%{http_code} %{ssl_verify_result}", *more[1:]], capture_output=True, text=True, timeout=20, check=False
    )
    body, _, tail = done.stdout.rpartition("\n")
    return {"body": body, "status": tail.split(" ")[0], "error": done.stderr.strip()}


def main() -> None:
    """
    Play and tell.
    """
    home, port = Path(sys.argv[1]), free_port()
    redirect(port)
    public = Path(tempfile.mkdtemp(prefix="excise-ca-"))
    public.chmod(0o755)
    told: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, public)
        standin = stack.enter_context(running())
        elsewhere: StandIn = stack.enter_context(running(address=OTHER, port=443))
        flags = ["--transparent", f"127.0.0.1:{port}", "--allow-private", "203.0.113.0/24"]
        with running_proxy(home, standin, flags=flags) as proxy:
            ours, theirs = public / "excise.pem", public / "other.pem"
            shutil.copyfile(proxy.ready["ca"], ours)
            shutil.copyfile(elsewhere.ca_file, theirs)
            for file in (ours, theirs):
                file.chmod(0o644)
            headers = ["-H", "authorization: Bearer standin-k", "-H", "content-type: application/json"]
            for name, stream in (("plain", False), ("stream", True)):
                body = json.dumps({**CALL, "stream": stream})
                told[name] = curl("api.openai.com", PROVIDER, ours, "/v1/chat/completions", *headers, "-d", body, "-A", name)
            told["wrong key"] = curl("api.openai.com", PROVIDER, ours, "/v1/models", "-H", "authorization: Bearer x", "-A", "wrong key")
            told["elsewhere"] = curl("www.example.org", OTHER, theirs, "/untouched")
            told["elsewhere, our CA"] = curl("www.example.org", OTHER, ours, "/untouched")
            told["rows"] = proxy.calls(3)
            told["tunnels"] = proxy.query("select host, sni, port from tunnels")
            told["seen"] = [call.request.target for call in standin.seen]
            told["seen elsewhere"] = [call.request.target for call in elsewhere.seen]
    print(json.dumps(told, default=str))


if __name__ == "__main__":
    main()
