"""
Requests that real clients sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from urllib.parse import urlsplit

import orjson

from excise.wire.json_edit import apply
from privacy.retention.shipped import CATALOG, facts, planned
from recordings import headers, records, request_body, require_recordings


@require_recordings
def test_real_requests_leave_whole_but_for_the_switches() -> None:
    """
    With every provider attested: refused, or changed in the members a rule names and in no other byte, so that a second look finds nothing.
    """
    seen: Counter[str] = Counter()
    for record in records():
        url = urlsplit(record["request"].get("url") or "")
        target = f"{url.path}?{url.query}" if url.query else url.path
        if url.hostname is None or CATALOG.recognise(host=url.hostname, method=record["request"]["method"], path=target) is None:
            continue
        body = request_body(record)
        try:
            json = orjson.loads(body) if body else None
        except orjson.JSONDecodeError:
            json = None
        said = json.get("model") if isinstance(json, dict) else None
        about = facts(url.hostname, target, method=record["request"]["method"], model=said if isinstance(said, str) else None)
        sent = headers(record["request"])
        made = planned(about, json, about.provider, f"{about.provider}/{about.operation}", headers=sent)
        if made.refusals:
            seen["refused"] += 1
            continue
        changed, read = apply(body, json, made.edits)
        named = {edit.path[0] for edit in made.edits}
        seen["changed" if made.edits else "untouched"] += 1

        assert isinstance(json, dict) or changed is body
        if isinstance(json, dict):
            assert {key: value for key, value in read.items() if key not in named} == {k: v for k, v in json.items() if k not in named}
            assert len(changed) - len(body) < 200
        kept = tuple((name, value) for name, value in sent if name.lower() not in made.headers)
        again = planned(
            replace(about, target=made.target or target), read, about.provider, f"{about.provider}/{about.operation}",
            headers=(*kept, *made.headers.items()),
        )  # fmt: skip
        assert not again.refusals
        assert {edit.path for edit in again.edits} <= {("user",), ("safety_identifier",), ("metadata", "user_id")}

    assert min(seen[outcome] for outcome in ("refused", "changed", "untouched")) > 50
