"""
Asks, with every HTTP library this Python has, for one page each. Run by the Python under test, not by Excise's, so it is
written for old ones too. Arguments: LIBRARY=URL…, then names of packages; prints JSON: what was tried, with the error's name,
what cannot be imported, and which of the packages are here.
"""

import asyncio
import importlib
import importlib.util
import json
import sys

WAIT = 10


def with_urllib(url: str) -> None:
    importlib.import_module("urllib.request").urlopen(url, timeout=WAIT)


def with_requests(url: str) -> None:
    importlib.import_module("requests").get(url, timeout=WAIT)


def with_httpx(url: str) -> None:
    importlib.import_module("httpx").get(url, timeout=WAIT)


def with_httpx2(url: str) -> None:
    importlib.import_module("httpx2").get(url, timeout=WAIT)


def with_aiohttp(url: str) -> None:
    aiohttp = importlib.import_module("aiohttp")

    async def ask() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT)) as session:
            await session.get(url)

    asyncio.run(ask())


def with_botocore(url: str) -> None:
    session = importlib.import_module("botocore.session").get_session()
    config = importlib.import_module("botocore.config").Config(connect_timeout=WAIT, read_timeout=WAIT, retries={"total_max_attempts": 1})
    client = session.create_client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        config=config,
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106 - the point is that there is none
    )
    client.converse(modelId="none", messages=[{"role": "user", "content": [{"text": "-"}]}])


def present(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def main() -> None:
    tried: dict[str, str | None] = {}  # annotations of local variables are never evaluated
    found: list[str] = []
    broken: dict[str, str] = {}
    for pair in sys.argv[1:]:
        name, asked, url = pair.partition("=")
        if not present(name):
            continue
        if not asked:
            found.append(name)
            continue
        try:
            globals()["with_" + name](url)
            tried[name] = None
        except ImportError as error:
            broken[name] = type(error).__name__
        except Exception as error:  # noqa: BLE001 - any failure of any library is the finding
            tried[name] = type(error).__name__
    sys.stdout.write(json.dumps({"tried": tried, "found": found, "broken": broken}) + "\n")


main()
