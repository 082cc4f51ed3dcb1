"""
`excise keys`: make, list, replace and end virtual keys.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from excise.access.keys import KeyStore
from excise.access.virtual_key import VirtualKey
from excise.cli.usage import JsonOption, console
from excise.errors import SettingsError

_SPAN = re.compile(r"(\d{1,5})([mhdw])")
LONGEST = 256
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Data = Annotated[Path, typer.Option("--data", envvar="EXCISE_DATA", metavar="DIR", help="As `excise up` has it.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `excise keys list` shows it.")]
HERE = Path("data")


def register(app: typer.Typer) -> None:
    """
    Add `keys` and its commands.
    """
    group = typer.Typer(no_args_is_help=True, help="Make, list, replace and end virtual keys.")
    group.command("create")(_create)
    group.command("list")(_list)
    group.command("rotate")(_rotate)
    group.command("revoke")(_revoke)
    app.add_typer(group, name="keys")


def _create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who pays: the ledger's `principal_id`.")],
    team: Annotated[str | None, typer.Option(help="Its team.")] = None,
    app: Annotated[str | None, typer.Option(help="Its application.")] = None,
    user: Annotated[str | None, typer.Option(help="The person behind it.")] = None,
    cost_centre: Annotated[str | None, typer.Option(help="Where finance books it.")] = None,
    env: Annotated[str | None, typer.Option(help="Its environment, for example prod.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A label for the ledger. Repeatable.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Models it may ask for. Repeatable; none: all policy allows.")
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="SPAN", help="How long it works: 90d, 12h. Default: until it is revoked.")] = None,
    data: Data = HERE,
    as_json: JsonOption = False,
) -> None:
    """
    Make a key and print it, this once.
    """
    pairs = dict(one.split("=", 1) for one in tag or () if "=" in one)
    if len(pairs) != len(tag or ()):
        raise typer.BadParameter("NAME=VALUE is expected, each name once", param_hint="--tag")
    said = {"--team": team, "--app": app, "--user": user, "--cost-centre": cost_centre, "--env": env}
    words = [("NAME", name), *((option, word) for option, word in said.items() if word is not None)]
    words += [("--tag", word) for pair in pairs.items() for word in pair] + [("--model", glob) for glob in model or ()]
    for option, word in words:
        _check_word(option, word)
    span = _span(expires, "--expires") if expires is not None else None
    if span is not None and not span:
        raise typer.BadParameter("such a key would never work", param_hint="--expires")
    key, secret = _store(data).create(
        name=name,
        team=team,
        app=app,
        user=user,
        cost_centre=cost_centre,
        env=env,
        tags=pairs,
        models=tuple(model or ()),
        expires_at=datetime.now(UTC) + span if span is not None else None,
    )
    _print_new(key, secret, as_json)


def _list(data: Data = HERE, as_json: JsonOption = False) -> None:
    """
    What keys there are, without the keys.
    """
    keys, now = _store(data).all(), datetime.now(UTC)
    if as_json:
        print(json.dumps({"keys": [_plain(key, now) for key in keys]}, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("id", "name", "team", "app", "models", "made", "state"):
        table.add_column(column, overflow="fold")
    for key in keys:
        said = _plain(key, now)
        state = Text(said["state"], style="green" if said["state"] == "works" else "red")
        cells = (key.id, key.name, key.team or "", key.app or "", ", ".join(key.models) or "all", said["created_at"][:16])
        table.add_row(*(Text(_shown(cell)) for cell in cells), state)
    console().print(table if keys else Text("no keys yet: excise keys create NAME"))


def _rotate(
    id_: Id,
    grace: Annotated[str, typer.Option(metavar="SPAN", help="How long the old secret still works.")] = "24h",
    data: Data = HERE,
    as_json: JsonOption = False,
) -> None:
    """
    Give a key another secret and print it, this once. The old one works for a while; `--grace 0m` ends it at once.
    """
    key, secret = _store(data).rotate(id_, until=datetime.now(UTC) + _span(grace, "--grace"))
    _print_new(key, secret, as_json)


def _revoke(id_: Id, data: Data = HERE, as_json: JsonOption = False) -> None:
    """
    End a key. Workers notice within a second; calls under way go on.
    """
    key = _store(data).revoke(id_)
    print(json.dumps(_plain(key, datetime.now(UTC))) if as_json else f"{key.id} ({_shown(key.name)}) does not work any more")


def _store(data: Path) -> KeyStore:
    if not data.is_dir():
        # Else the key would be made in a folder that no proxy looks at.
        raise SettingsError(f"--data {data}: no such directory; name the data directory of `excise up`")
    return KeyStore(data / "state" / "keys.json")


def _check_word(option: str, word: str) -> None:
    if not word.strip() or not word.isprintable() or len(word) > LONGEST:
        raise typer.BadParameter(f"a printable text of at most {LONGEST} characters is expected", param_hint=option)


def _shown(text: str) -> str:
    # Somebody may have edited the file.
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _span(text: str, option: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise typer.BadParameter("a number and m, h, d or w are expected: 90d", param_hint=option)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _print_new(key: VirtualKey, secret: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**_plain(key, datetime.now(UTC)), "key": secret}))
        return
    # The key alone on standard output, so that it can be piped into a secret store.
    old = f" The old one works until {max(until for _, until in key.before):%Y-%m-%d %H:%M} UTC." if key.before else ""
    text = f"{key.id} ({_shown(key.name)}): this is the only time the key is shown. Use it where a provider's key would stand.{old}"
    typer.echo(text, err=True)
    print(secret)


def _plain(key: VirtualKey, now: datetime) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "team": key.team,
        "app": key.app,
        "user": key.user,
        "cost_centre": key.cost_centre,
        "env": key.env,
        "tags": dict(key.tags),
        "models": list(key.models),
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "old_secret_until": max(until for _, until in key.before).isoformat() if key.before else None,
        "state": key.fault(now) or "works",
    }
