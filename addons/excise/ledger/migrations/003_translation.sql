-- Where a call was sent instead of where its caller sent it, and what a translation did not carry over.
ALTER TABLE live.calls ADD COLUMN model_routed VARCHAR;
ALTER TABLE live.calls ADD COLUMN target_dialect VARCHAR;
ALTER TABLE live.calls ADD COLUMN translation VARCHAR;
ALTER TABLE live.calls ADD COLUMN losses JSON;
