"""JSON bodies are read strictly: 413 for too large, 400 with the reason for all else that cannot be taken."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from workers.web.body import BadBody, parse_json, read_json


class Body:
    """A request whose body comes in chunks; counts how many were asked for."""

    def __init__(self, chunks: Sequence[bytes], *, content_length: str | None = None, ends: bool = True) -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        self._messages.append({"type": "http.request", "body": b""} if ends else {"type": "http.disconnect"})
        self._headers = [] if content_length is None else [(b"content-length", content_length.encode())]
        self.taken = 0

    async def receive(self) -> Message:
        self.taken += 1
        return self._messages[self.taken - 1]

    def read(self, limit: int = 1_048_576) -> tuple[bytes, object]:
        request = Request({"type": "http", "method": "POST", "headers": self._headers}, self.receive)
        return asyncio.run(read_json(request, limit))


def test_a_body_comes_back_as_its_bytes_and_what_they_say() -> None:
    raw = '{"name": "髙橋 﨑子", "totals": {"grand_total": 13970}}'.encode()
    assert Body([raw[:9], raw[9:]], content_length=str(len(raw))).read() == (
        raw,
        {"name": "髙橋 﨑子", "totals": {"grand_total": 13970}},
    )


@pytest.mark.parametrize(("size", "taken"), [(99, True), (100, True), (101, False)])
def test_the_limit_is_the_last_size_taken(size: int, taken: bool) -> None:
    body = Body([b'"' + b"x" * (size - 2) + b'"'])
    if taken:
        assert len(body.read(100)[0]) == size
    else:
        with pytest.raises(BadBody, match="larger than 100 bytes") as refusal:
            body.read(100)
        assert refusal.value.status == 413


def test_a_body_announced_as_too_large_is_not_even_read() -> None:
    for announced in ("101", "9" * 400):
        body = Body([b"1"], content_length=announced)
        with pytest.raises(BadBody) as refusal:
            body.read(100)
        assert refusal.value.status == 413
        assert body.taken == 0


def test_a_body_that_announced_less_is_cut_off_at_the_limit() -> None:
    body = Body([b" " * 60] * 50, content_length="5")
    with pytest.raises(BadBody) as refusal:
        body.read(100)
    assert refusal.value.status == 413
    assert body.taken == 2


def test_a_body_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slowloris on the body: each byte comes in time, the whole does not."""
    monkeypatch.setattr("workers.web.body.BODY_SECONDS", 0.05)

    async def trickle() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(BadBody, match="did not come within") as refusal:
        asyncio.run(read_json(Request({"type": "http", "method": "POST", "headers": []}, trickle)))
    assert refusal.value.status == 408


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_packed_body_is_never_unpacked(encoding: str) -> None:
    """A decompression bomb: a limit counts what came, so what came is all that there is."""
    bomb = gzip.compress(b" " * 10_000_000)
    request = Request(
        {"type": "http", "method": "POST", "headers": [(b"content-encoding", encoding.encode())]}, Body([bomb]).receive
    )
    with pytest.raises(BadBody, match="compressed") as refusal:
        asyncio.run(read_json(request))
    assert refusal.value.status == 400


def test_a_client_that_leaves_in_the_middle_is_told_so() -> None:
    with pytest.raises(BadBody, match="before the whole body") as refusal:
        Body([b'{"a":'], ends=False).read()
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b' [1, -1, 0.5, true, null, "x"] ', [1, -1, 0.5, True, None, "x"]),
        (b'"\\ud83d\\ude9a"', "🚚"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"[" * 32 + b"]" * 32, orjson.loads(b"[" * 32 + b"]" * 32)),
        (b'{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
    ],
)
def test_what_is_json_is_taken(raw: bytes, value: object) -> None:
    assert parse_json(raw) == value


REFUSED = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b'{"a": 1,}', "line 1, column [89]"),  # of the comma since Python 3.13, of what follows it before
    (b'{"a": 1} x', "Extra data"),
    (b"{'a': 1}", "not JSON"),
    (b'"a\nb"', "control character"),
    (b"\xff\xfe{}", "not UTF-8"),
    ("髙橋".encode("cp932"), "not UTF-8: byte 0"),
    (gzip.compress(b"{}", mtime=0), "compressed; send it as it is, without Content-Encoding"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    (b'{"a": NaN}', "NaN is not JSON"),
    (b"[Infinity]", "Infinity is not JSON"),
    (b"-Infinity", "-Infinity is not JSON"),
    (b"1e999", "too large"),
    (b'{"a": 1, "a": 1}', 'key "a" stands twice'),
    (b'{"x": [{"quantity": 1, "q": 2, "quantity": 3}]}', 'key "quantity" stands twice'),
    (b'{"\\ud800": 1, "\\ud800": 2}', "stands twice"),
    (b"9223372036854775808", "64 bits"),
    (b"-9223372036854775809", "64 bits"),
    (b"1" + b"0" * 100_000, "64 bits"),
    (b"[" * 33 + b"]" * 33, "deeper than 32"),
    (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper than 32"),
    (b"[" * 500_000, "deeper than 32"),
    (b'"\\ud800"', "surrogate"),
    (b'{"a": ["\\udc00x"]}', "surrogate"),
    (b'{"\\ud800": 1}', "surrogate"),
    (b'{"a": "b\\u0000c"}', "u0000"),
    (b'{"\\u0000": 1}', "u0000"),
]


@pytest.mark.parametrize(("raw", "reason"), REFUSED)
def test_what_cannot_be_stored_as_it_was_sent_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(BadBody, match=reason) as refusal:
        parse_json(raw)
    assert refusal.value.status == 400
    assert len(refusal.value.detail) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab髙🚚\\\"", max_size=4), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.booleans())
def test_every_json_value_survives_in_either_spelling(value: object, escaped: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=60) | st.text('{}[]",:\\u0123d8 -eE.tfn', max_size=60).map(str.encode))
def test_only_bad_body_ever_escapes_and_what_is_taken_is_json_to_others_too(raw: bytes) -> None:
    try:
        value = parse_json(raw)
    except BadBody:
        return
    assert orjson.loads(orjson.dumps(value)) == value
