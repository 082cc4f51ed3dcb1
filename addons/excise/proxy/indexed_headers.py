"""
Headers that are looked up often: mitmproxy's layers ask for the same few names dozens of times a message, and its own class walks all
fields, lower-casing each, every time.
"""

from __future__ import annotations

from mitmproxy.http import Headers

_Fields = tuple[tuple[bytes, bytes], ...]


class IndexedHeaders(Headers):
    """
    mitmproxy's headers with an index by name. The index belongs to one tuple of fields and is made anew when that is replaced.
    """

    _indexed: _Fields | None = None
    _index: dict[str, list[str]]

    def get_all(self, name: str | bytes) -> list[str]:
        fields = self.fields
        if self._indexed is not fields:
            index: dict[str, list[str]] = {}
            for field, value in fields:
                index.setdefault(field.decode("utf-8", "surrogateescape").lower(), []).append(value.decode("utf-8", "surrogateescape"))
            self._index, self._indexed = index, fields
        text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
        return list(self._index.get(text) or self._index.get(text.lower()) or ())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str | bytes) and bool(self.get_all(name))

    def get(self, name: str | bytes, default: str | None = None) -> str | None:  # type: ignore[override]  # as Mapping.get, for one type
        values = self.get_all(name)
        return (values[0] if len(values) == 1 else ", ".join(values)) if values else default
