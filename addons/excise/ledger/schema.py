"""
The tables of the ledger, and the record a worker hands to the journal. The one list of columns: writer, loader, documentation and tests
read it here.

**The record contract.** `Journal.append(kind, record)`, with `kind` one of

`open`      before a request leaves. Keys: `call_id`, and every column of `calls` that is known already. `estimate`, where present, is an
            object of columns to use if the worker dies before it can write `close` (usually `input_tokens`, `output_tokens`).
`attempt`   when a try has failed and another begins. Keys: `call_id`, `attempts_detail` of the tries so far, and columns that have changed
            (usually those that say where the call goes now).
`progress`  for long streams. Keys: `call_id`, and columns that have changed (usually the tokens seen so far).
`close`     once, at the end of every call, also of one that was refused and never opened. Keys: `call_id`, every column of `calls` that is
            known. Columns missing here are taken from `open`.
`tunnel`    a connection passed through unread. Keys: the columns of `tunnels`; `id` instead of `call_id`. Either one record at its end, or
            one at its start with `status: "open"` and one at its end: then a tunnel that outlives its worker is a row as well.

`open`, `attempt` and `close` may carry, beside the columns:

- `attempts_detail`: list of objects with the columns of `attempts`, `call_id` left out; `attempt` counts from 1 where it is left out.
  Of several that bear the same number, in one record or in several of a call, the last one counts.
- `reason`: the decision's reason. With `policy_id`, `policy_rule` and `policy_action` it becomes the row of `decisions`; so do
  `candidates`, `excluded`, `notes` and `last_resort`, which are columns there, and `strategy` and `task`, which are columns in both.
- `redactions_detail`: list of objects with the columns of `redactions`, `call_id` and `called_at` left out.

Values: whole microseconds since the epoch (UTC) or an aware `datetime` for TIMESTAMP; `Decimal` or its text for DECIMAL, never a float;
a JSON-ready value for JSON; `None` or left out where unknown, which is not zero. Unknown keys are kept in the journal and ignored by the
loader. A value of the wrong type becomes NULL in the row, and a line in `journal_faults`.

Never a byte of a prompt or an answer: what is appended is on disk and cannot be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 4


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column: DuckDB type and meaning, units included.
    """

    name: str
    type: str
    meaning: str


def _columns(*rows: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


CALLS = _columns(
    ("call_id", "VARCHAR", "UUIDv7 of the call, as text; sorts by time"),
    ("schema_version", "INTEGER", "version of this list the row was written with"),
    ("started_at", "TIMESTAMP", "first byte of the request, UTC, microseconds"),
    ("ended_at", "TIMESTAMP", "end of the call, UTC; NULL where the worker died before it"),
    ("trace_id", "VARCHAR", "W3C trace id of the caller, 32 hex digits"),
    ("span_id", "VARCHAR", "our span, 16 hex digits"),
    ("parent_span_id", "VARCHAR", "the caller's span"),
    ("principal_id", "VARCHAR", "who pays"),
    ("principal_type", "VARCHAR", "how we know: proxy_credentials, source_network, header, provider_key, anonymous"),
    ("consumer_id", "VARCHAR", "end user behind the app, keyed hash"),
    ("api_key_id", "VARCHAR", "keyed fingerprint of the provider key the client sent; never the key"),
    ("team", "VARCHAR", "team of the principal"),
    ("app", "VARCHAR", "application of the principal"),
    ("cost_centre", "VARCHAR", "cost centre of the principal"),
    ("env", "VARCHAR", "environment of the principal: production, staging …"),
    ("tags", "JSON", "further labels of the principal, object of strings"),
    ("agent_name", "VARCHAR", "name of the calling agent, where it says"),
    ("conversation_id", "VARCHAR", "conversation, where the caller says, keyed hash"),
    ("capture", "VARCHAR", "how the call came to us: proxy, transparent, endpoint"),
    ("operation", "VARCHAR", "chat, responses, messages, embeddings, models …"),
    ("dialect", "VARCHAR", "wire format of the caller: openai-chat, anthropic-messages, gemini …"),
    ("provider_requested", "VARCHAR", "provider the caller addressed"),
    ("provider_served", "VARCHAR", "provider that answered"),
    ("service", "VARCHAR", "product of the provider, as its bill names it"),
    ("model_requested", "VARCHAR", "model the caller named"),
    ("model_served", "VARCHAR", "model the provider says has answered"),
    ("response_id", "VARCHAR", "the provider's id of the answer"),
    ("finish_reasons", "VARCHAR[]", "why the model stopped, one a choice"),
    ("stream", "BOOLEAN", "the caller asked for a stream"),
    ("max_tokens", "BIGINT", "output limit the caller set"),
    ("reasoning_level", "VARCHAR", "reasoning effort the caller set"),
    ("input_tokens", "BIGINT", "all input, cached included; NULL: nobody said"),
    ("cache_read_tokens", "BIGINT", "part of the input read from a cache"),
    ("cache_write_tokens", "BIGINT", "part of the input written to a cache"),
    ("cache_write_1h_tokens", "BIGINT", "part of cache_write_tokens kept for an hour"),
    ("output_tokens", "BIGINT", "all output, reasoning included"),
    ("reasoning_tokens", "BIGINT", "part of the output spent on reasoning"),
    ("audio_input_tokens", "BIGINT", "part of the input that is audio"),
    ("audio_output_tokens", "BIGINT", "part of the output that is audio"),
    ("image_input_tokens", "BIGINT", "part of the input that is images"),
    ("image_output_tokens", "BIGINT", "part of the output that is images"),
    ("usage_source", "VARCHAR", "provider, partial, estimated, unknown"),
    ("usage_raw", "JSON", "the provider's usage object: numbers only"),
    (
        "cost_usd",
        "DECIMAL(18,9)",
        "our price of the call, US dollars: of the try that answered; others are in attempts. NULL: not known, which is not zero",
    ),
    ("provider_cost_usd", "DECIMAL(18,9)", "what the provider itself stated"),
    ("currency", "VARCHAR", "currency of the price list"),
    ("price_id", "VARCHAR", "entry of the price list"),
    ("price_source", "VARCHAR", "price list"),
    ("price_version", "VARCHAR", "dated version of the price list"),
    ("route_policy", "VARCHAR", "policy that chose the target"),
    ("route_rule", "VARCHAR", "its rule"),
    ("route_reason", "VARCHAR", "why this target"),
    ("attempts", "INTEGER", "upstream tries; rows of table attempts"),
    ("status", "VARCHAR", "ok, error, refused, failed, cancelled, unknown"),
    ("http_status", "INTEGER", "what the caller got"),
    ("error_type", "VARCHAR", "kind of the error, stable and lower case"),
    ("latency_ms", "DOUBLE", "first byte in to last byte out"),
    ("ttft_ms", "DOUBLE", "first byte in to first content out"),
    ("proxy_overhead_ms", "DOUBLE", "part of the latency spent in our own stages"),
    ("server_host", "VARCHAR", "host that answered"),
    ("client_ip", "VARCHAR", "address of the caller"),
    ("user_agent", "VARCHAR", "as sent"),
    ("sdk", "VARCHAR", "SDK and version, as far as headers say"),
    ("request_bytes", "BIGINT", "body the caller sent"),
    ("response_bytes", "BIGINT", "body the provider sent"),
    ("redactions_total", "INTEGER", "spans taken out of the request"),
    ("redactions", "JSON", "the same by kind, object of counts"),
    ("policy_action", "VARCHAR", "allow, deny"),
    ("policy_id", "VARCHAR", "policy that decided"),
    ("policy_rule", "VARCHAR", "its rule"),
    ("journal_file", "VARCHAR", "journal file the row comes from"),
    ("journal_offset", "BIGINT", "byte offset of its line there"),
    ("redaction_rule", "VARCHAR", "entry of the policy's `redact` that decided; NULL: the call was not scanned"),
    ("scanned_bytes", "BIGINT", "bytes of the request that were read as text and scanned"),
    ("skipped_bytes", "BIGINT", "bytes left out by a named rule: the provider's own credential, ids, signatures, framing"),
    ("unscanned_bytes", "BIGINT", "bytes that were not: pictures, audio, and what policy let pass unread"),
    ("restored_total", "INTEGER", "placeholders turned back into their values in the answer"),
    ("damaged_total", "INTEGER", "placeholders the model had damaged, which stayed as they were"),
    ("retention", "VARCHAR", "what is known of the provider keeping the call: asserted, verified, unknown; NULL: policy did not ask"),
    ("retention_rules", "JSON", "the provider's rules that were applied, object of rule: applied, already, attested, unverifiable …"),
    ("model_routed", "VARCHAR", "model the call was sent to, as its provider names it; NULL: it went where the caller sent it"),
    ("target_dialect", "VARCHAR", "wire format of whoever answered, where the call was routed"),
    ("translation", "VARCHAR", "exact, degraded: what became of a routed call on its way; NULL: it was not routed"),
    ("losses", "JSON", "what a translation did not carry over: object of neutral field names, with dropped, clamped, changed, emulated"),
    ("task", "VARCHAR", "kind of work: conversation, summarisation, code, analysis, extraction, translation, agentic, unknown"),
    ("task_confidence", "DOUBLE", "how sure that is, 0 to 1"),
    ("complexity", "DOUBLE", "how hard it looked, 0 (a greeting) to 1"),
    ("needs", "VARCHAR[]", "what the model had to be able to do: tools, vision, audio, video, document, json_schema, reasoning, prefill"),
    ("estimated_input_tokens", "BIGINT", "input as it was estimated before the call left"),
    ("expected_output_tokens", "BIGINT", "output as it was expected before the call left"),
    ("strategy", "VARCHAR", "how its target was chosen: ordered, weighted, optimise; NULL: nothing was chosen"),
    ("deployment", "VARCHAR", "the policy's entry of `providers` that answered; NULL: it went where the caller sent it"),
    (
        "shadow_of",
        "VARCHAR",
        "call this one is a copy of, sent to try a target; nobody saw the answer, but it costs, so it is in every sum. NULL: no copy",
    ),
)

ATTEMPTS = _columns(
    ("call_id", "VARCHAR", "the call"),
    ("attempt", "INTEGER", "1 is the first; one row a number"),
    ("provider", "VARCHAR", "provider tried"),
    ("model", "VARCHAR", "model asked for"),
    ("host", "VARCHAR", "host tried"),
    ("started_at", "TIMESTAMP", "start, UTC"),
    ("ended_at", "TIMESTAMP", "end, UTC"),
    ("http_status", "INTEGER", "upstream status"),
    ("error_type", "VARCHAR", "why it failed"),
    ("ttft_ms", "DOUBLE", "start of the attempt to first byte"),
    ("latency_ms", "DOUBLE", "start to end of the attempt"),
    ("deployment", "VARCHAR", "the policy's entry of `providers`; NULL: it went where the caller sent it"),
    ("dialect", "VARCHAR", "wire format spoken there"),
    (
        "outcome",
        "VARCHAR",
        "ok, failed, cancelled (the caller left, or we gave it up), hedged (another was faster); NULL: the worker died during it",
    ),
    ("why", "VARCHAR", "why this target now: the candidate's reason, or that of the step to it"),
    ("wait_ms", "DOUBLE", "waited before it began"),
    ("input_tokens", "BIGINT", "all its input, cached included; NULL: nobody said"),
    ("output_tokens", "BIGINT", "all its output, reasoning included"),
    ("cache_read_tokens", "BIGINT", "part of its input read from a cache"),
    ("usage_source", "VARCHAR", "provider, partial, estimated, unknown"),
    ("cost_usd", "DECIMAL(18,9)", "what the provider bills for it, US dollars; NULL: not known, which is not zero"),
    ("price_version", "VARCHAR", "dated version of the price list"),
    ("redaction_rule", "VARCHAR", "entry of the policy's `redact` that decided for this try; NULL: what left was not scanned"),
    ("redactions_total", "INTEGER", "spans taken out of what left"),
    ("retention", "VARCHAR", "what was known of the provider keeping it when it left: asserted, unknown; NULL: policy did not ask"),
)

DECISIONS = _columns(
    ("call_id", "VARCHAR", "the call"),
    ("called_at", "TIMESTAMP", "start of the call, UTC"),
    ("policy_id", "VARCHAR", "policy that decided"),
    ("rule", "VARCHAR", "its rule"),
    ("action", "VARCHAR", "allow, deny"),
    ("reason", "VARCHAR", "the rule's text"),
    ("strategy", "VARCHAR", "how the target was chosen: ordered, weighted, optimise; NULL: nothing was chosen"),
    ("task", "VARCHAR", "kind of work it was chosen for"),
    (
        "candidates",
        "JSON",
        "targets in the order they were to be asked, list of objects: target, reason, and where known score, cost_usd (text: expected), "
        "latency_seconds, quality; dominated where another was better in all of these",
    ),
    ("excluded", "JSON", "targets that were not to be asked, or could not take it: list of objects as above, reason says why not"),
    ("notes", "JSON", "what moved a target up (canary, sticky …), and doubtful targets that were asked for want of others: list of texts"),
    ("last_resort", "BOOLEAN", "all were out of order, and were asked all the same"),
)

REDACTIONS = _columns(
    ("call_id", "VARCHAR", "the call"),
    ("entity", "VARCHAR", "kind of what was found"),
    ("detector", "VARCHAR", "detector that found it"),
    ("action", "VARCHAR", "what was done: pseudonymise, mask, hash, remove, block, report-only"),
    ("count", "INTEGER", "how often"),
    ("called_at", "TIMESTAMP", "start of the call, UTC"),
    ("direction", "VARCHAR", "request, or answer: what the model itself produced"),
)

TUNNELS = _columns(
    ("id", "VARCHAR", "UUIDv7 of the connection"),
    ("started_at", "TIMESTAMP", "start, UTC"),
    ("ended_at", "TIMESTAMP", "end, UTC"),
    ("host", "VARCHAR", "name or address asked for"),
    ("port", "INTEGER", "port asked for"),
    ("sni", "VARCHAR", "name in the ClientHello"),
    ("bytes_up", "BIGINT", "bytes from client to server"),
    ("bytes_down", "BIGINT", "bytes from server to client"),
    ("client_ip", "VARCHAR", "address of the caller"),
    ("principal_id", "VARCHAR", "who, where known"),
    ("reason", "VARCHAR", "why it was not read"),
    ("status", "VARCHAR", "how it ended; unknown: the worker died"),
    ("journal_file", "VARCHAR", "journal file the row comes from"),
    ("journal_offset", "BIGINT", "byte offset of its line there"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "calls": CALLS,
    "attempts": ATTEMPTS,
    "decisions": DECISIONS,
    "redactions": REDACTIONS,
    "tunnels": TUNNELS,
}

# Rows of these belong to a call and are sealed in the same step as the call.
CHILDREN = ("attempts", "decisions", "redactions")
