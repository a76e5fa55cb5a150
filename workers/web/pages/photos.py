"""Photos that come in with a form: each is drawn anew as a JPEG, so that nothing but the picture is kept of it."""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from models.return_photo import MOST_PHOTOS
from pipelines.errors import ShukkaError

MOST_PHOTO_BYTES: Final = 8 * 1024 * 1024
MOST_PIXELS: Final = 50_000_000
"""Of one picture, before anything of it is unpacked: more is no photo but a bomb."""
LONGEST_SIDE: Final = 2048
_QUALITY: Final = 85
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
#: What Pillow raises for bytes that are no picture, or a broken one.
_BROKEN: Final = (OSError, ValueError, SyntaxError, EOFError, struct.error)
#: One picture at a time is unpacked in a process, whoever sends them.
_ONE: Final = threading.Lock()


class BadPhoto(ShukkaError):
    """A photo that is not kept; ``why`` is the page's word for it."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def redrawn(files: Sequence[bytes]) -> list[bytes]:
    """The pictures as JPEGs of at most ``LONGEST_SIDE`` pixels a side, upright, without metadata. Raises BadPhoto for too many, one
    that is too large, and what is no JPEG, PNG or WebP."""
    if len(files) > MOST_PHOTOS:
        raise BadPhoto("photo_many")
    if any(len(one) > MOST_PHOTO_BYTES for one in files):
        raise BadPhoto("photo_large")
    return [_redrawn(one) for one in files]


def _redrawn(raw: bytes) -> bytes:
    from PIL import Image, ImageOps  # for who is sent a picture

    with _ONE:
        try:
            with Image.open(BytesIO(raw), formats=_FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise BadPhoto("photo_large")
                # A JPEG is unpacked at a part of its size already.
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                plain = Image.new("RGB", upright.size, "white")
                seen = upright.convert("RGBA")
                plain.paste(seen, mask=seen.getchannel("A"))
        except (*_BROKEN, Image.DecompressionBombError):
            raise BadPhoto("photo_broken") from None
        written = BytesIO()
        plain.save(written, "JPEG", quality=_QUALITY)
        return written.getvalue()
