-- What was taken out of a call, and what its provider may keep.
ALTER TABLE live.calls ADD COLUMN redaction_rule VARCHAR;
ALTER TABLE live.calls ADD COLUMN scanned_bytes BIGINT;
ALTER TABLE live.calls ADD COLUMN skipped_bytes BIGINT;
ALTER TABLE live.calls ADD COLUMN unscanned_bytes BIGINT;
ALTER TABLE live.calls ADD COLUMN restored_total INTEGER;
ALTER TABLE live.calls ADD COLUMN damaged_total INTEGER;
ALTER TABLE live.calls ADD COLUMN retention VARCHAR;
ALTER TABLE live.calls ADD COLUMN retention_rules JSON;
ALTER TABLE live.redactions ADD COLUMN direction VARCHAR;
