"""
The shape of the tree: which package may import which, how long a file may be, what it may be called.

Run by `scripts/check`; prints one line a fault, exit status 1 if there is one.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Bytes and values in, values and bytes out: no sockets, files, clock, randomness, processes, no global state of a library.
PURE = frozenset({"wire", "policy", "privacy", "routing"})
# Where a pure package meets the world: the only files of it that read something.
EDGES = frozenset(f"policy/{name}.py" for name in ("load", "store", "yaml", "fingerprint", "known", "referred", "trial"))
# fmt: off
EFFECTS = frozenset({
    "asyncio", "ctypes", "duckdb", "fcntl", "glob", "http", "httpx", "importlib", "logging", "mitmproxy", "mmap", "multiprocessing",
    "os", "pathlib", "random", "requests", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3",
    "ssl", "structlog", "subprocess", "tempfile", "threading", "time", "urllib.request",
})
# fmt: on
CALLS = frozenset({"open", "input", "print", "exec", "eval", "__import__", "uuid1", "uuid4", "uuid7"})

# What a package may import of the others; `*` is every module directly in `excise/`. What is not listed may import anything but
# `proxy` and `cli`, which stand on top.
MAY_IMPORT = {
    "wire": {"*", "wire"},
    "privacy": {"*", "privacy", "wire"},
    "policy": {"*", "policy", "privacy", "catalog", "wire"},
    "routing": {"*", "routing", "policy", "catalog", "wire"},
    "trust": {"*", "trust"},
    "catalog": {"*", "catalog", "policy", "wire"},
}
TOP = {"proxy": frozenset({"proxy", "supervise", "cli"}), "cli": frozenset({"cli"})}  # who may import them

VAGUE = frozenset({"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"})
MOST_LINES = 400
MOST_LINES_OF_A_DIALECT = 700
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|root|tmp/v)/")


def faults(root: Path) -> list[str]:
    """
    What is not as it should be, as `file: sentence`.
    """
    found: list[str] = []
    source = root / "addons"
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        found += [f"{name}: {fault}" for fault in (*_shape(path, source, text), *_imports(path, source, ast.parse(text)))]
    for path in _tracked(root):
        found += [f"{path.relative_to(root).as_posix()}:{line}: a path of somebody's machine" for line in _machine_paths(path)]
    return found


def _shape(path: Path, source: Path, text: str) -> Iterator[str]:
    inside = path.relative_to(source).parts
    limit = MOST_LINES_OF_A_DIALECT if inside[:2] == ("excise", "wire") else MOST_LINES
    if (lines := text.count("\n")) > limit:
        yield f"{lines} lines, more than {limit}"
    if path.stem in VAGUE:
        yield "the name does not say what is inside"
    if len(inside) == 1 and path.stem in sys.stdlib_module_names:
        yield "named like a standard module, which it would hide: mitmproxy puts a script's folder first on the path"


def _imports(path: Path, source: Path, tree: ast.Module) -> Iterator[str]:
    inside = path.relative_to(source).parts
    package = inside[1].removesuffix(".py") if inside[0] == "excise" and len(inside) > 2 else "*"
    pure = package in PURE and "/".join(inside[1:]) not in EDGES
    for module in sorted(set(_modules(tree, path, source))):
        first, *rest = module.split(".")
        if first == "mitmproxy" and package != "proxy" and inside != ("intercept.py",):
            yield "imports mitmproxy, which only proxy/ may"
        if pure and (first in EFFECTS or module in EFFECTS):
            yield f"imports {module}, and {package}/ is pure"
        if first == "excise":
            yield from _arrow(package, rest[0] if rest else "*", source, inside)
    if pure:
        calls = (node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
        yield from (f"calls {call}(), and {package}/ is pure" for call in sorted(CALLS.intersection(calls)))


def _arrow(package: str, wanted: str, source: Path, inside: tuple[str, ...]) -> Iterator[str]:
    wanted = wanted if (source / "excise" / wanted).is_dir() else "*"
    if package == wanted or inside == ("intercept.py",):
        return
    if (allowed := TOP.get(wanted)) is not None and package not in allowed:
        yield f"imports {wanted}/, which only {' and '.join(sorted(allowed))} may"
    elif package in MAY_IMPORT and wanted not in MAY_IMPORT[package]:
        yield f"imports {wanted}/: {package}/ stands below it"


def _modules(tree: ast.Module, path: Path, source: Path) -> Iterator[str]:
    """
    Imported modules, absolute, those inside functions too; not those that only a type checker sees.
    """
    unseen = {id(node) for block in ast.walk(tree) if isinstance(block, ast.If) and _for_types(block.test) for node in ast.walk(block)}
    package = path.relative_to(source).with_suffix("").parts[:-1]
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *((node.module,) if node.module else ())))
            yield module
            # `from excise import proxy`
            yield from (f"{module}.{alias.name}" for alias in node.names if module in ("excise", "urllib"))


def _for_types(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING")


def _tracked(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True)  # noqa: S603, S607 - our own tree
    return [path for name in listed.stdout.split("\0") if name and (path := root / name).is_file()]


def _machine_paths(path: Path) -> Iterator[int]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return  # not text
    yield from (number for number, line in enumerate(lines, 1) if MACHINE_PATH.search(line))


if __name__ == "__main__":
    said = faults(Path(__file__).resolve().parents[1])
    sys.stdout.write("".join(f"{fault}\n" for fault in said))
    sys.exit(bool(said))
