"""
No seal, no exit: what the pipeline approved, bound to the very bytes and place it approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from mitmproxy.http import HTTPFlow


@dataclass(frozen=True, slots=True)
class Seal:
    """
    One approval. It breaks when anything that leaves is changed afterwards: body, place, path, method or headers.
    """

    scheme: bytes
    host: str
    port: int
    method: bytes
    path: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | None

    @classmethod
    def of(cls, flow: HTTPFlow) -> Seal:
        data = flow.request.data
        return cls(data.scheme, data.host, data.port, data.method, data.path, data.headers.fields, data.content)


class Seals:
    """
    The seals of the flows under way. Asked below the hooks, where a request is about to leave.
    """

    def __init__(self) -> None:
        self._seals: WeakKeyDictionary[HTTPFlow, Seal] = WeakKeyDictionary()

    def put(self, flow: HTTPFlow) -> None:
        """
        Seal the flow as it is now.
        """
        self._seals[flow] = Seal.of(flow)

    def drop(self, flow: HTTPFlow) -> None:
        """
        Forget a seal, and with it the body it holds.
        """
        self._seals.pop(flow, None)

    def intact(self, flow: HTTPFlow) -> bool:
        """
        Whether the flow was sealed and is unchanged since. Comparing is cheap: unchanged fields are the same objects.
        """
        seal = self._seals.get(flow)
        return seal is not None and not flow.request.trailers and seal == Seal.of(flow)
