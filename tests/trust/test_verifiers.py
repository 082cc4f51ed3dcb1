"""
The promise of the CA, asked of those who keep it: real verifiers, against real servers, with a stolen key.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from forgery import CASES, Case, forge, serving

from excise.trust.authority import Authority
from excise.trust.bundle import Bundle, write_bundle

EXPECTED = {case.id: case.accepted for case in CASES}

# Enough domains for several intermediates, as the real catalogue has.
DOMAINS = ["llm.test", *(f"provider{number}.example" for number in range(40))]

NODE = """
const tls = require("tls"), fs = require("fs");
const [file, cases] = [process.argv[1], JSON.parse(process.argv[2])];
const ca = file ? fs.readFileSync(file) : undefined, result = {};
let left = cases.length;
const done = (id, ok) => { if (!(id in result)) { result[id] = ok; if (--left === 0) console.log(JSON.stringify(result)); } };
for (const [id, port, name] of cases) {
  const address = /^[0-9.]+$/.test(name);
  const socket = tls.connect({host: "127.0.0.1", port, ca, servername: address ? "" : name,
    checkServerIdentity: (_, cert) => tls.checkServerIdentity(name, cert)}, () => { done(id, socket.authorized); socket.destroy(); });
  socket.on("error", () => done(id, false));
}
"""

JAVA = """
import java.net.Socket;
import javax.net.ssl.*;

public class Probe {
    public static void main(String[] arguments) throws Exception {
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        for (String argument : arguments) {
            String[] part = argument.split(",");
            boolean accepted;
            Socket plain = new Socket("127.0.0.1", Integer.parseInt(part[1]));
            try (SSLSocket socket = (SSLSocket) factory.createSocket(plain, part[2], 443, true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                accepted = true;
            } catch (SSLException refused) {
                accepted = false;
            }
            System.out.println(part[0] + " " + accepted);
        }
    }
}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("ca") / "certs", permitted_domains=DOMAINS)


@pytest.fixture(scope="module")
def bundle(authority: Authority) -> Bundle:
    return write_bundle(authority.directory)


@pytest.fixture(scope="module")
def chains(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    directory = tmp_path_factory.mktemp("stolen")
    made = {}
    for case in CASES:
        chain, key = forge(authority, case.sans)
        made[case.id] = (directory / f"{case.id}.pem", directory / f"{case.id}.key")
        made[case.id][0].write_bytes(chain)
        made[case.id][1].write_bytes(key)
    return made


@pytest.fixture(scope="module")
def ports(chains: dict[str, tuple[Path, Path]]) -> Iterator[dict[str, int]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(*files)) for name, files in chains.items()}


def needs(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed here")
    return path


def test_there_are_several_intermediates(authority: Authority) -> None:
    """
    What follows is proved for a CA of the shape the catalogue gives, where one intermediate has only some of the domains.
    """
    assert len(authority.intermediates) == 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_openssl_strict(case: Case, authority: Authority, chains: dict[str, tuple[Path, Path]]) -> None:
    """
    OpenSSL, strict checks on, accepts what is in scope and nothing a stolen key signs besides.
    """
    chain = chains[case.id][0]
    name = "-verify_ip" if case.asked[0].isdigit() else "-verify_hostname"
    command = [needs("openssl"), "verify", "-x509_strict", "-purpose", "sslserver", name, case.asked]
    command += ["-CAfile", str(authority.root_path), "-no-CApath", "-no-CAstore", "-untrusted", str(chain), str(chain)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert (done.returncode == 0) is case.accepted, done.stderr
    if not case.accepted:
        assert "subtree violation" in done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("store", ["root", "bundle"])
def test_python_strict(case: Case, store: str, bundle: Bundle, ports: dict[str, int]) -> None:
    """
    Python with `VERIFY_X509_STRICT`, its default from 3.13, draws the same line; our root alone or merged with the machine's.
    """
    context = ssl.create_default_context(cafile=bundle.root if store == "root" else bundle.pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    accepted, why = True, ""
    with socket.create_connection(("127.0.0.1", ports[case.id]), timeout=20) as plain:
        try:
            context.wrap_socket(plain, server_hostname=case.asked).close()
        except ssl.SSLCertVerificationError as error:
            accepted, why = False, error.verify_message

    assert accepted is case.accepted
    assert case.accepted or "subtree violation" in why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("store", ["root", "bundle"])
def test_curl(case: Case, store: str, bundle: Bundle, ports: dict[str, int]) -> None:
    """
    curl draws the same line.
    """
    port = ports[case.id]
    file = bundle.root if store == "root" else bundle.pem
    command = [needs("curl"), "-sS", "-o", "/dev/null", "--noproxy", "*", "--cacert", str(file), "--max-time", "20"]
    command += ["--resolve", f"{case.asked}:{port}:127.0.0.1", f"https://{case.asked}:{port}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert done.returncode == (0 if case.accepted else 60), done.stderr  # 60: the certificate could not be verified


@pytest.mark.parametrize("how", ["ca", "NODE_EXTRA_CA_CERTS"])
def test_node(how: str, bundle: Bundle, ports: dict[str, int]) -> None:
    """
    Node draws the same line, given our root in code or through `NODE_EXTRA_CA_CERTS`.
    """
    file = str(bundle.root) if how == "ca" else ""
    environment = {"PATH": "/usr/bin:/bin"} | ({} if how == "ca" else {how: str(bundle.root)})
    asked = json.dumps([(case.id, ports[case.id], case.asked) for case in CASES])
    done = subprocess.run([needs("node"), "-e", NODE, file, asked], capture_output=True, text=True, timeout=60, env=environment)

    assert json.loads(done.stdout or "{}") == EXPECTED, done.stderr


def test_java(bundle: Bundle, ports: dict[str, int], tmp_path: Path) -> None:
    """
    Java, which does not apply the constraints of a trust anchor, is held by those of the intermediate; it reads our PKCS12 store.
    """
    program = tmp_path / "Probe.java"
    program.write_text(JAVA)
    command = [needs("java"), "-XX:TieredStopAtLevel=1", f"-Djavax.net.ssl.trustStore={bundle.truststore}"]
    command += [f"-Djavax.net.ssl.trustStorePassword={bundle.truststore_password}", str(program)]
    command += [f"{case.id},{ports[case.id]},{case.asked}" for case in CASES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)

    assert dict(line.split() for line in done.stdout.splitlines()) == {name: str(ok).lower() for name, ok in EXPECTED.items()}, done.stderr


def test_keytool_reads_the_store(bundle: Bundle) -> None:
    """
    Every certificate of the store is a trusted one to Java, ours by name.
    """
    command = [needs("keytool"), "-list", "-keystore", str(bundle.truststore), "-storepass", bundle.truststore_password]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    assert listed.count("trustedCertEntry") == bundle.certificates
    assert "excise, " in listed
