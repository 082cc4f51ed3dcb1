"""
Proofs of what the stand-in thought: opaque to clients, checked when they come back. What another provider signed, or what was changed
on its way, does not pass, as with the real ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

_KEY = b"excise stand-in"  # no secret: whoever reads this may sign as well
_SEED_BYTES = 16


def sign(maker: str, text: str, seed: str) -> str:
    """
    A proof that `maker` said `text`, in base64. `seed` makes the proofs of two calls differ.
    """
    salt = hashlib.sha256(seed.encode()).digest()[:_SEED_BYTES]
    return base64.b64encode(salt + _mac(maker, salt, text)).decode()


def genuine(maker: str, text: str, proof: str) -> bool:
    """
    Whether `sign` made this proof of this text for this maker.
    """
    try:
        data = base64.b64decode(proof.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return False
    salt = data[:_SEED_BYTES]
    return len(data) > _SEED_BYTES and hmac.compare_digest(data[_SEED_BYTES:], _mac(maker, salt, text))


def _mac(maker: str, salt: bytes, text: str) -> bytes:
    return hmac.new(_KEY, b"\0".join((maker.encode(), salt, text.encode("utf-8", "surrogatepass"))), hashlib.sha256).digest()
