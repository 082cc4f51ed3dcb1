"""
`excise certs`: make, show and renew the certificate authority.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from excise.errors import SettingsError
from excise.trust.authority import INTERMEDIATE_FILE, KEY_FILE, ROOT_FILE, Authority, Renewed
from excise.trust.bundle import BUNDLE_FILE, TRUSTSTORE_FILE, write_bundle
from excise.trust.passphrase import passphrase

_Certs = Annotated[Path, typer.Option("--certs", envvar="EXCISE_CERTS", help="The CA's directory.")]
_Providers = Annotated[Path | None, typer.Option("--providers", envvar="EXCISE_PROVIDERS", help="Catalogue entries of your own.")]
_Permit = Annotated[list[str] | None, typer.Option("--permit", metavar="DOMAIN", help="One more domain the CA may sign for; repeatable.")]
_RootKey = Annotated[Path | None, typer.Option("--keep-root-key", metavar="FILE", help="The root's key; keep that file offline.")]
_RootSecret = Annotated[str | None, typer.Option("--root-passphrase", metavar="env:NAME|file:PATH", help="Encrypts the root's key.")]
_Secret = Annotated[
    str | None,
    typer.Option("--passphrase", envvar="EXCISE_CA_PASSPHRASE", metavar="env:NAME|file:PATH", help="Encrypts the intermediates' key."),
]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable.")]

_WHAT = {
    Renewed.INTERMEDIATES: "new intermediates under the same root. Clients need nothing. Restart the proxy.",
    Renewed.ROOT_WIDENED: "the root was issued again with the same key. Give clients the new {root}; those with the old one go on "
    "working for the domains it permits, until it expires. Restart the proxy.",
    Renewed.NEW_ROOT: "a NEW ROOT: there was no root key to sign with. Every client must be given the new {root} before it works "
    "again. Restart the proxy.",
}


def register(app: typer.Typer) -> None:
    """
    Add `certs` and its commands.
    """
    group = typer.Typer(no_args_is_help=True, help="Make, show and renew the certificate authority.")
    group.command("init")(_init)
    group.command("show")(_show)
    group.command("renew")(_renew)
    group.command("publish")(_publish)
    app.add_typer(group, name="certs")


def _init(
    certs: _Certs = Path("certs"),
    permit: _Permit = None,
    providers: _Providers = None,
    keep_root_key: _RootKey = None,
    root_passphrase: _RootSecret = None,
    secret: _Secret = None,
    as_json: _Json = False,
) -> None:
    """
    Make a CA that can sign for the catalogue's domains (and --permit) and for nothing else. The root's key is thrown away, unless
    --keep-root-key names where to write it.
    """
    authority = Authority.create(
        certs,
        permitted_domains=[*_catalogue_domains(providers), *(permit or ())],
        keep_root_key=keep_root_key,
        root_passphrase=passphrase(root_passphrase),
        passphrase=passphrase(secret),
    )
    write_bundle(certs)
    if as_json:
        _print_json({"root": str(authority.root_path.absolute()), "fingerprint_sha256": _fingerprint(authority.root)})
        return
    print(f"made a CA for {len(authority.domains.names)} domains in {certs}")
    print(f"clients trust {authority.root_path.absolute()}")
    if keep_root_key is None:
        print("the root's key was thrown away: a renewal makes a new root")
    else:
        _advise_about(keep_root_key, certs, encrypted=root_passphrase is not None)


def _show(
    certs: _Certs = Path("certs"),
    providers: _Providers = None,
    secret: _Secret = None,
    domains: Annotated[bool, typer.Option("--domains", help="List the domains it may sign for.")] = False,
    as_json: _Json = False,
) -> None:
    """
    Show the CA. Exit 1 when it is missing, broken or expired, or when the catalogue names a domain it may not sign for.
    """
    authority = Authority.load(certs, passphrase=passphrase(secret))
    missing = authority.domains.missing(_catalogue_domains(providers))
    files = {name: str((certs / name).absolute()) for name in (ROOT_FILE, INTERMEDIATE_FILE, KEY_FILE, BUNDLE_FILE, TRUSTSTORE_FILE)}
    files = {name: path for name, path in files.items() if Path(path).exists()}
    if as_json:
        _print_json(
            {
                "root": _described(authority.root),
                "intermediates": [_described(one) for one in authority.intermediates],
                "permitted_domains": list(authority.domains.names),
                "not_covered": list(missing),
                "warnings": list(authority.warnings),
                "files": files,
            }
        )
    else:
        for title, certificate in (("root", authority.root), ("intermediate", authority.intermediates[0])):
            described = _described(certificate)
            print(f"{title:13} {described['subject']}")
            print(f"{'':13} valid {described['not_before']} to {described['not_after']}")
            print(f"{'':13} sha256 {described['fingerprint_sha256']}")
        if len(authority.intermediates) > 1:
            print(f"{'':13} and {len(authority.intermediates) - 1} more with the same key, each for some of the domains; --json lists them")
        names = authority.domains.names
        print(f"{'permitted':13} {f'{chr(10):15}'.join(names) if domains else f'{len(names)} domains; --domains lists them'}")
        print(f"{'files':13} " + "\n              ".join(files.values()))
        print(f"{'catalogue':13} {'all domains covered' if not missing else 'NOT covered: ' + ', '.join(missing)}")
        for warning in authority.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if missing:
            print("warning: calls to those domains pass through unseen; run `excise certs renew`", file=sys.stderr)
    if missing:
        raise typer.Exit(1)


def _renew(
    certs: _Certs = Path("certs"),
    permit: _Permit = None,
    providers: _Providers = None,
    keep_root_key: _RootKey = None,
    root_passphrase: _RootSecret = None,
    secret: _Secret = None,
    as_json: _Json = False,
) -> None:
    """
    Renew the CA, also when the catalogue has grown. With the kept root key (--keep-root-key) clients keep their root; without it a
    new root is made, and clients must be given it. Domains permitted until now stay permitted.
    """
    authority, what = Authority.renew(
        certs,
        permitted_domains=[*_catalogue_domains(providers), *(permit or ())],
        root_key=keep_root_key,
        root_passphrase=passphrase(root_passphrase),
        passphrase=passphrase(secret),
    )
    write_bundle(certs)
    if as_json:
        _print_json(
            {"renewed": what.value, "root": str(authority.root_path.absolute()), "fingerprint_sha256": _fingerprint(authority.root)}
        )
    else:
        print(f"renewed: {_WHAT[what].format(root=authority.root_path.absolute())}")


def _publish(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that programs of other users may read, for example /etc/excise.")
    ],
    certs: _Certs = Path("certs"),
    as_json: _Json = False,
) -> None:
    """
    Copy what clients trust (excise-ca.pem, bundle.pem, truststore.p12; no key) to a folder everybody may read. Again after `renew`.
    """
    if directory.absolute() == certs.absolute():
        raise SettingsError(f"{directory} holds the CA's key and stays closed: name another folder")
    try:
        if not directory.is_dir():
            directory.mkdir(parents=True)
            directory.chmod(0o755)  # whatever the umask said
    except OSError as error:
        raise SettingsError(f"{directory}: cannot be made ({error.strerror})") from error
    bundle = write_bundle(directory, root=certs / ROOT_FILE)
    if as_json:
        _print_json({"files": [str(path) for path in (bundle.root, bundle.pem, bundle.truststore)]})
    else:
        print(f"programs of other users: excise env --trust {bundle.root.parent}")
    closed = next((path for path in (directory.absolute(), *directory.absolute().parents) if not path.stat().st_mode & 0o001), None)
    if closed is not None:
        print(f"warning: {closed} is closed to other users: chmod o+x {closed}, or name another folder", file=sys.stderr)


def _catalogue_domains(overlay: Path | None) -> Sequence[str]:
    from excise.catalog.providers import Catalog

    return list(Catalog.load(overlay).permitted_domains())


def _advise_about(key: Path, certs: Path, *, encrypted: bool) -> None:
    print(f"the root's key is in {key}: move it off this machine")
    if not encrypted:
        print(f"warning: {key} is not encrypted (--root-passphrase)", file=sys.stderr)
    if key.absolute().is_relative_to(certs.absolute()):
        print(f"warning: {key} lies beside the intermediates'; who steals one has both", file=sys.stderr)


def _described(certificate: x509.Certificate) -> dict[str, str]:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "not_before": f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "fingerprint_sha256": _fingerprint(certificate),
    }


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))
