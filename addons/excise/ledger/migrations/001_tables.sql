-- Rows not yet sealed into Parquet. No keys and no indexes: a call is counted once because its row and the journal offset behind it are
-- committed together.
CREATE SCHEMA live;

CREATE TABLE live.calls (
    call_id VARCHAR,
    schema_version INTEGER,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    trace_id VARCHAR,
    span_id VARCHAR,
    parent_span_id VARCHAR,
    principal_id VARCHAR,
    principal_type VARCHAR,
    consumer_id VARCHAR,
    api_key_id VARCHAR,
    team VARCHAR,
    app VARCHAR,
    cost_centre VARCHAR,
    env VARCHAR,
    tags JSON,
    agent_name VARCHAR,
    conversation_id VARCHAR,
    capture VARCHAR,
    operation VARCHAR,
    dialect VARCHAR,
    provider_requested VARCHAR,
    provider_served VARCHAR,
    service VARCHAR,
    model_requested VARCHAR,
    model_served VARCHAR,
    response_id VARCHAR,
    finish_reasons VARCHAR[],
    stream BOOLEAN,
    max_tokens BIGINT,
    reasoning_level VARCHAR,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    cache_write_1h_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    audio_input_tokens BIGINT,
    audio_output_tokens BIGINT,
    image_input_tokens BIGINT,
    image_output_tokens BIGINT,
    usage_source VARCHAR,
    usage_raw JSON,
    cost_usd DECIMAL(18,9),
    provider_cost_usd DECIMAL(18,9),
    currency VARCHAR,
    price_id VARCHAR,
    price_source VARCHAR,
    price_version VARCHAR,
    route_policy VARCHAR,
    route_rule VARCHAR,
    route_reason VARCHAR,
    attempts INTEGER,
    status VARCHAR,
    http_status INTEGER,
    error_type VARCHAR,
    latency_ms DOUBLE,
    ttft_ms DOUBLE,
    proxy_overhead_ms DOUBLE,
    server_host VARCHAR,
    client_ip VARCHAR,
    user_agent VARCHAR,
    sdk VARCHAR,
    request_bytes BIGINT,
    response_bytes BIGINT,
    redactions_total INTEGER,
    redactions JSON,
    policy_action VARCHAR,
    policy_id VARCHAR,
    policy_rule VARCHAR,
    journal_file VARCHAR,
    journal_offset BIGINT
);

CREATE TABLE live.attempts (
    call_id VARCHAR,
    attempt INTEGER,
    provider VARCHAR,
    model VARCHAR,
    host VARCHAR,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    http_status INTEGER,
    error_type VARCHAR,
    ttft_ms DOUBLE,
    latency_ms DOUBLE
);

CREATE TABLE live.decisions (
    call_id VARCHAR,
    called_at TIMESTAMP,
    policy_id VARCHAR,
    rule VARCHAR,
    action VARCHAR,
    reason VARCHAR
);

CREATE TABLE live.redactions (
    call_id VARCHAR,
    entity VARCHAR,
    detector VARCHAR,
    action VARCHAR,
    count INTEGER,
    called_at TIMESTAMP
);

CREATE TABLE live.tunnels (
    id VARCHAR,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    host VARCHAR,
    port INTEGER,
    sni VARCHAR,
    bytes_up BIGINT,
    bytes_down BIGINT,
    client_ip VARCHAR,
    principal_id VARCHAR,
    reason VARCHAR,
    status VARCHAR,
    journal_file VARCHAR,
    journal_offset BIGINT
);

-- The loader's own book.
CREATE SCHEMA book;

CREATE TABLE book.journal_files (
    name VARCHAR,
    consumed_bytes BIGINT, -- where the next line begins
    seq BIGINT,            -- the line expected there
    head VARCHAR,          -- the link expected there; NULL after an unreadable line
    finished_at TIMESTAMP  -- every line read, and its worker writes another file or has died
);

-- Calls and tunnels that have begun and not ended.
CREATE TABLE book.pending (
    key VARCHAR,
    kind VARCHAR,
    worker VARCHAR,
    journal_file VARCHAR,
    journal_offset BIGINT,
    record VARCHAR
);

-- Which Parquet files are the ledger. A replaced file stays on disk for a while: readers of an older published copy name it.
CREATE TABLE book.sealed (
    file VARCHAR,  -- below parquet/
    tbl VARCHAR,
    day DATE,
    row_count BIGINT,
    schema_version INTEGER,
    sealed_at TIMESTAMP,
    replaced_at TIMESTAMP
);

-- What was wrong in the journal, or happened to the ledger.
CREATE TABLE journal_faults (
    noted_at TIMESTAMP,
    journal_file VARCHAR,
    journal_offset BIGINT,
    kind VARCHAR, -- chain gap unreadable oversize torn truncated missing misfit duplicate rebuilt
    detail VARCHAR
);
