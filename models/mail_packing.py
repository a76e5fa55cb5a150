"""How the bytes of a mail are kept: zstd, with a dictionary of what mails say alike.

A packed mail names the dictionary it needs, so a dictionary that was ever shipped stays: what it packed is read with it.
Mails from before the first dictionary name none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import zstandard

_HERE: Final = files("models") / "mail_dictionaries"
_SUFFIX: Final = ".zstd-dictionary"
#: With a dictionary a higher level gains a tenth in size and costs a fifth in time.
_LEVEL: Final = 1


class UnknownDictionary(LookupError):
    """A mail was packed with a dictionary that this installation does not have: it is older than the one that packed."""


def pack(messages: Sequence[bytes]) -> list[bytes]:
    """``messages`` as they are stored, packed with the newest dictionary.

    In one call where this build of zstd can: each call gives up the interpreter lock, and getting it back beside a busy
    thread takes eight times as long as packing a mail does.
    """
    compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_dictionary(max(shipped())))
    if messages and all(messages) and "multi_compress_to_buffer" in zstandard.backend_features:
        packed = compressor.multi_compress_to_buffer(list(messages))
        return [packed[index].tobytes() for index in range(len(packed))]
    return [compressor.compress(message) for message in messages]


def unpack(packed: bytes) -> bytes:
    """The bytes that were packed. Raises UnknownDictionary, or zstandard.ZstdError if ``packed`` is damaged."""
    dictionary_id = zstandard.get_frame_parameters(packed).dict_id
    dictionary = _dictionary(dictionary_id) if dictionary_id else None
    return zstandard.ZstdDecompressor(dict_data=dictionary).decompress(packed)


@cache
def shipped() -> frozenset[int]:
    """Ids of the dictionaries that there are; the highest packs."""
    names = (file.name for file in _HERE.iterdir() if file.name.endswith(_SUFFIX))
    return frozenset(int(name.removesuffix(_SUFFIX)) for name in names)


@cache
def _dictionary(dictionary_id: int) -> zstandard.ZstdCompressionDict:
    if dictionary_id not in shipped():
        raise UnknownDictionary(
            f"dictionary {dictionary_id} of packed mails is not in this version of Shukka; update it"
        )
    dictionary = zstandard.ZstdCompressionDict((_HERE / f"{dictionary_id}{_SUFFIX}").read_bytes())
    dictionary.precompute_compress(level=_LEVEL)
    return dictionary
