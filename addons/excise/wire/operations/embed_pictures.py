"""
Pictures among what is embedded: URLs, `data:` URLs and bare base64.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from excise.wire.neutral import Blob, Link

_PNG = "image/png"  # said of bare base64, which does not say what it is; readers look at the bytes


def is_picture(given: Any) -> TypeGuard[str]:
    return type(given) is str and bool(given)


def picture_of(given: str) -> Blob | Link:
    """
    A picture as clients write one.
    """
    if given.startswith("data:"):
        head, _, data = given[5:].partition(",")
        return Blob(head.partition(";")[0].lower() or _PNG, data)
    return Link(given) if "://" in given[:16] else Blob(_PNG, given)


def picture_url(picture: Any) -> str:
    """
    The same as one text.
    """
    return picture.url if isinstance(picture, Link) else f"data:{picture.media_type};base64,{picture.data}"
