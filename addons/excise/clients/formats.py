"""
Write an environment down for a shell, a compose file, Kubernetes. Pure: pairs in, text out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final


class Format(StrEnum):
    SH = "sh"
    FISH = "fish"
    POWERSHELL = "powershell"
    DOTENV = "dotenv"
    COMPOSE = "compose"
    KUBERNETES = "kubernetes"
    JSON = "json"


# Formats read on another file system: the trust files have to be brought there.
MOUNTED: Final = frozenset({Format.COMPOSE, Format.KUBERNETES})


def sh(pairs: Mapping[str, str]) -> str:
    """
    For `eval "$(excise env)"` in sh, bash, zsh.
    """
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in pairs.items())


def fish(pairs: Mapping[str, str]) -> str:
    """
    For `excise env --format fish | source`. In its single quotes only the backslash and the quote are special.
    """

    def quoted(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    return "".join(f"set -gx {name} {quoted(value)}\n" for name, value in pairs.items())


def powershell(pairs: Mapping[str, str]) -> str:
    """
    For `excise env --format powershell | Out-String | Invoke-Expression`.
    """
    return "".join("${env:" + name + "} = '" + value.replace("'", "''") + "'\n" for name, value in pairs.items())


def dotenv(pairs: Mapping[str, str]) -> str:
    """
    For `docker run --env-file`, which keeps quotes as they stand, and for the readers that remove them: so quotes only
    where a reader would change the bare text.
    """

    def written(value: str) -> str:
        if value == value.strip() and not any(character in value for character in "#$'\"\\`\n"):
            return value
        if "'" not in value:
            return f"'{value}'"
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
        return f'"{escaped}"'

    return "".join(f"{name}={written(value)}\n" for name, value in pairs.items())


def as_json(pairs: Mapping[str, str]) -> str:
    """
    One object, for programs.
    """
    return json.dumps(dict(pairs), indent=2) + "\n"


SHELLS: Final[dict[Format, Callable[[Mapping[str, str]], str]]] = {
    Format.SH: sh,
    Format.FISH: fish,
    Format.POWERSHELL: powershell,
    Format.DOTENV: dotenv,
    Format.JSON: as_json,
}


def compose(service: str, pairs: Mapping[str, str], mounts: Mapping[str, str], secret: tuple[str, str] | None = None) -> str:
    """
    A second file for `docker compose -f compose.yml -f FILE`, which unites lists. `mounts` maps a path here to a path in the
    container, file by file: the folder they stand in may hold the authority's key. `secret` is (text in the values,
    variable that compose puts there).
    """

    def value(text: str) -> str:
        # A dollar begins an interpolation; a JSON string is a YAML string.
        quoted = json.dumps(text.replace("$", "$$"))
        return quoted.replace(secret[0], "${" + secret[1] + "}") if secret else quoted

    lines = ["services:", f"  {service}:", "    environment:"]
    lines += [f"      {name}: {value(text)}" for name, text in pairs.items()]
    lines += ["    volumes:"]
    lines += [f"      - {json.dumps(f'{here}:{there}:ro'.replace('$', '$$'))}" for here, there in mounts.items()]
    return "\n".join(lines) + "\n"


def kubernetes(service: str, pairs: Mapping[str, str], mounts: Mapping[str, str], secret: tuple[str, str] | None = None) -> str:
    """
    A patch for the pod template of a Deployment. `secret` is (text in the values, key of the Secret `excise` to put there).
    """

    def value(text: str) -> str:
        # `$(NAME)` would be replaced by an earlier variable; `$$(` is a plain `$(`.
        quoted = json.dumps(text.replace("$(", "$$("))
        return quoted.replace(secret[0], f"$({secret[1]})") if secret else quoted

    files = " ".join(f"--from-file={shlex.quote(here)}" for here in mounts)
    folder = next(iter(mounts.values())).rpartition("/")[0]
    lines = [f"# kubectl create configmap excise-trust {files}"]
    if secret:
        lines.append(f'# kubectl create secret generic excise --from-literal={secret[1]}="${secret[1]}"')
    lines += ["spec:", "  template:", "    spec:", "      containers:", f"        - name: {service}", "          env:"]
    if secret:
        lines += [
            f"            - name: {secret[1]}",
            "              valueFrom:",
            f"                secretKeyRef: {{name: excise, key: {secret[1]}}}",
        ]
    for name, text in pairs.items():
        lines += [f"            - name: {name}", f"              value: {value(text)}"]
    lines += [
        "          volumeMounts:",
        f"            - {{name: excise-trust, mountPath: {json.dumps(folder)}, readOnly: true}}",
        "      volumes:",
        "        - name: excise-trust",
        "          configMap: {name: excise-trust}",
    ]
    return "\n".join(lines) + "\n"
