"""
`python -m excise.standin`: run the stand-in by itself and print how to reach it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json

from excise.standin.server import StandIn


async def _run(port: int, plain_port: int, address: str) -> None:
    async with StandIn(port=port, plain_port=plain_port, address=address) as standin:
        told = {"port": standin.port, "plain_port": standin.plain_port, "ca": str(standin.ca_file), "resolve": standin.resolves()}
        print(json.dumps(told), flush=True)  # noqa: T201  # the line a parent process reads
        await asyncio.Event().wait()


def main() -> None:
    """
    Serve until interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m excise.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--plain-port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port, given.plain_port, given.address))


if __name__ == "__main__":
    main()
