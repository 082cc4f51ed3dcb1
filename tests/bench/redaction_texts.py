"""
Ordinary text, in which next to nothing is a secret or a person: found where the bench runs, or made; never kept in the repository.
"""

from __future__ import annotations

import base64
import json
import pydoc_data.topics
import site
import subprocess
import sysconfig
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from bench.redaction_wire import answers, requests
from privacy.labelled.values import shape
from recordings import RECORDINGS, records, request_body, response_body

ROOT = Path(__file__).resolve().parents[2]
STDLIB = Path(sysconfig.get_paths()["stdlib"])
PACKAGES = Path(site.getsitepackages()[0])


def _files(folder: Path, *patterns: str, skip: tuple[str, ...] = ("test", "/site-packages/", "idlelib")) -> Iterator[str]:
    """
    Texts of the files, in an order that mixes packages.
    """
    found = [path for pattern in patterns for path in folder.rglob(pattern)]
    found = [path for path in found if not any(part in path.relative_to(folder).as_posix() for part in skip) and path.is_file()]
    Random(1).shuffle(found)
    for path in found:
        text = path.read_text(encoding="utf-8", errors="replace")
        if len(text) > 200:
            yield text


def _git_log() -> Iterator[str]:
    """
    Without the detectors and their tests, which are full of samples.
    """
    command = [
        "git",
        "-C",
        str(ROOT),
        "log",
        "-p",
        "--max-count=400",
        "--no-ext-diff",
        "--",
        ".",
        ":!addons/excise/privacy",
        ":!tests/privacy",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as log:
        assert log.stdout is not None
        while part := log.stdout.read(256_000):
            yield part.decode("utf-8", "replace")
        log.stdout.close()


def _prose() -> Iterator[str]:
    paragraphs = [part for text in pydoc_data.topics.topics.values() for part in text.split("\n\n") if len(part) > 80]
    random = Random(2)
    while True:
        yield json.dumps([{"role": role, "content": random.choice(paragraphs)} for role in ("user", "assistant") * 8])


def _made(make: Callable[[Random], str]) -> Callable[[], Iterator[str]]:
    def texts() -> Iterator[str]:
        random = Random(3)
        while True:
            yield make(random)

    return texts


def _hexdump(random: Random) -> str:
    rows = (random.randbytes(16) for _ in range(2000))
    return "\n".join(
        f"{at * 16:08x}  {row.hex(' ')}  |{''.join(chr(one) if 32 < one < 127 else '.' for one in row)}|" for at, row in enumerate(rows)
    )


def _recorded(body: Callable[[dict[str, object]], bytes]) -> Callable[[], Iterator[str]]:
    def texts() -> Iterator[str]:
        for record in records():
            try:
                text = body(record).decode("utf-8")
            except UnicodeDecodeError:
                continue  # coded or binary
            if len(text) > 100:
                yield text

    return texts


KINDS: dict[str, Callable[[], Iterator[str]]] = {
    "standard library": lambda: _files(STDLIB, "*.py"),
    "installed packages": lambda: _files(PACKAGES, "*.py", skip=("pydoc_data", "botocore/data")),
    "documentation": lambda: _files(PACKAGES, "*.md", "*.rst", "*.txt", "METADATA", skip=("RECORD",)),
    "minified scripts": lambda: _files(PACKAGES, "*.js", "*.css", skip=()),
    "lock files": lambda: _files(ROOT, "uv.lock", "requirements.lock", "package-lock.json", skip=("node_modules", ".venv")),
    "package records": lambda: _files(PACKAGES, "RECORD", skip=()),
    "git log -p": _git_log,
    "prose as chat": _prose,
    "wire requests, made": _made(requests),
    "wire answers, made": _made(answers),
    "wire requests, recorded": _recorded(request_body),
    "wire answers, recorded": _recorded(response_body),
    "base64": _made(lambda random: base64.b64encode(random.randbytes(60_000)).decode()),
    "base64 in lines": _made(lambda random: base64.encodebytes(random.randbytes(60_000)).decode()),
    "hex dump": _made(_hexdump),
    "digits as CSV": _made(
        lambda random: "\n".join(",".join(str(random.randrange(10 ** random.randint(1, 12))) for _ in range(8)) for _ in range(1000))
    ),
    "floats": _made(lambda random: json.dumps([random.gauss(0, 0.05) for _ in range(3000)])),
    "identifiers": _made(lambda random: json.dumps([str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(1500)])),
    "log lines": _made(
        lambda random: "\n".join(
            shape(
                random,
                "2026-03-04T09:12:<d2>.<d6>Z INFO [worker-<d1>] request_id=<h32> status=200 took=<d2>ms bytes=<d5> path=/v1/items/<d8>",
            )
            for _ in range(500)
        )
    ),
}


def texts(kind: str, size: int) -> list[str]:
    """
    About `size` characters of a kind, in pieces of at most 1 MB; less where there is not so much, nothing where there is none.
    """
    if "recorded" in kind and RECORDINGS is None:
        return []
    pieces: list[str] = []
    total = 0
    for text in KINDS[kind]():
        piece = text[: min(1_000_000, size - total)]
        pieces.append(piece)
        total += len(piece)
        if total >= size:
            break
    return pieces


WORST: dict[str, Callable[[], str]] = {
    "base64": lambda: base64.b64encode(Random(4).randbytes(750_000)).decode(),
    "digits": lambda: "".join(Random(4).choices("0123456789", k=1_000_000)),
    "a@a@a@": lambda: "a@" * 500_000,
    "spaces": lambda: " " * 1_000_000,
    "key=key=": lambda: "key=" * 250_000,
    "backslashes": lambda: "\\" * 1_000_000,
    "unicode": lambda: "".join(chr(Random(4).randrange(0x4E00, 0x9000) + at % 97) for at in range(1_000_000)),
    "one letter": lambda: "a" * 1_000_000,
    "1.1.1.": lambda: "1." * 500_000,
    "1-1-1-": lambda: "1-" * 500_000,
    "hex": lambda: Random(4).randbytes(500_000).hex(),
    "password: ": lambda: "password: " * 100_000,
    "eyJ": lambda: "eyJ" * 333_333,
    "-----BEGIN ": lambda: "-----BEGIN " * 90_909,
    "://": lambda: "a://b:c" * 142_857,
    "groups of digits": lambda: "1234 5678 " * 100_000,
    "quotes": lambda: "\"'" * 500_000,
    "words": lambda: "abandon " * 125_000,
    "base64 in lines": lambda: base64.encodebytes(Random(4).randbytes(740_000)).decode(),
    "base64 of text in lines": lambda: base64.encodebytes(b"Dear Ann, the number is 4. " * 27_400).decode(),
    "tiny strings": lambda: json.dumps(["a", "b1", "c"] * 66_666),
    "tiny objects": lambda: json.dumps([{"k": "v", "n": 1}] * 45_000),
    "JSON in strings": lambda: json.dumps([json.dumps({"a": json.dumps({"b": json.dumps({"c": "d" * 40})})})] * 9_000),
    "UUIDs": lambda: json.dumps([str(uuid.UUID(int=Random(at).getrandbits(128), version=4)) for at in range(25_000)]),
    "percent": lambda: "%41" * 333_333,
    "entities": lambda: "&#65;" * 200_000,
    "escapes": lambda: "\\u0041" * 166_666,
    "equals signs": lambda: "=3D=41" * 166_666,
    "keys and values": lambda: json.dumps({f"k{at}": f"v{at}" for at in range(45_000)}),
}
