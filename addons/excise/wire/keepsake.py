"""
Opaque proofs on their way through a foreign client.

A signature or an encrypted thought is bound to the provider that made it, and that provider wants it back in the next turn. Dialects have
fields whose content clients must return unread (`signature`, `encrypted_content`, `thoughtSignature`); a foreign proof travels there,
marked with its origin. When it comes back it goes to its origin again, and to nobody else.
"""

from __future__ import annotations

import base64
import binascii

_PLAIN = b"excise-1."  # nine bytes, so that base64 of whatever follows begins with the same twelve letters
MARK = base64.b64encode(_PLAIN).decode()
MARK_BYTES = MARK.encode()


def wrap(origin: str, signature: str) -> str:
    """
    The proof with its origin (see `Target.origin`) in front, all of it base64: some clients take these fields for bytes. One that is
    wrapped already stays as it is, as does an empty one.
    """
    if not signature or signature.startswith(MARK):
        return signature
    return base64.b64encode(b"%b%b|%b" % (_PLAIN, origin.encode(), signature.encode("utf-8", "surrogatepass"))).decode()


def unwrap(signature: str) -> tuple[str | None, str]:
    """
    Origin and proof; origin `None` for one that carries no mark, which is native to the dialect it stands in. Clients that took it for
    bytes may give it back in the URL-safe alphabet, with or without padding.
    """
    if not signature.startswith(MARK):
        return None, signature
    plain = signature.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        return None, signature
    origin, _, proof = decoded.removeprefix(_PLAIN.decode()).partition("|")
    return (origin, proof) if origin and proof else (None, signature)
