"""
The command line, one file a command.
"""

from __future__ import annotations

import sys

from excise.errors import ExciseError


def main() -> None:
    """
    Run the command line. Exit 0 ok, 1 the checked thing is not so, 2 usage.
    """
    try:
        _run(sys.argv[1:])
    except ExciseError as error:
        print(f"excise: {error.message}", file=sys.stderr)
        sys.exit(1)


def _run(arguments: list[str]) -> None:
    # `excise run` stands in front of every start of a service. Its plain form is read without the command line's library,
    # which alone takes a third of a second.
    if arguments[:1] == ["run"]:
        from excise.clients.launch import launch, plain

        if (request := plain(arguments[1:])) is not None:
            launch(request)
    from excise.cli.application import choose

    choose(arguments)(prog_name="excise")
