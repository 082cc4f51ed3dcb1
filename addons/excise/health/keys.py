"""
What a record of health is about.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

KEY_BYTES = 16


@lru_cache(maxsize=4096)
def key_of(deployment: str, model: str | None = None, credential: int | None = None) -> bytes:
    """
    The key of a deployment's host, of a model there, or of a model there with one of its credentials; 16 bytes, the same in all processes.

    Nothing of the credential is in it: `credential` is its place in the entry of `providers`.
    """
    parts = (deployment, model or "", "" if credential is None else str(credential))
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES, person=b"excise health").digest()
