"""
Where a call goes: pure decisions on values.

    profile, profiling/   what a call asks for
    planning              whom it may be sent to, in which order  (seen: the figures; constraints: who cannot; score: who is best;
                          expected: cost and time; stickiness: who answered last; ratios: tokens of models)
    course                from one attempt to the next  (judge: what a failure allows; pool: which key)
    health                how a target is doing  (rate_limits: what it says itself; standing: as planners see it)
    answer_faults         what is wrong with an answer  (answer_schema)
    targets               from a target's name to host and path
    simulation            another policy over what was recorded  (replayed)
"""
