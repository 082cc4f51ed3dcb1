"""
Proof that nothing is kept: canaries through every path of a real proxy, then a search of everything it could have written.

Reading order: `run.py` (what is done, in order), `carriers.py` and `paths.py` (what is sent), `search.py` (how it is looked for),
`report.py` (what is said of it).
"""
