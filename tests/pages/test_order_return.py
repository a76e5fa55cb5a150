"""A return that is asked for on the page of an order (``/o/{token}/return``): what may come back, what it gives, photos, once."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import Engine

from models.store.erasures import erase_orders
from tests.pages.test_order import look, path, press
from tests.returns.counter import Counter
from tests.web.site import Site, problem
from tests.web.test_supplier_page import Page, page
from tests.world import World
from workers.mail.rendering import Renderer
from workers.web.pages.photos import LONGEST_SIDE, BadPhoto, redrawn


@pytest.fixture
def site(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[Site]:
    """S-1 of apparel, two pieces of one line, has arrived."""
    with World(engine, database_url, renderer) as world:
        site = Site(world)
        Counter(world, "apparel").sell().arrive()
        yield site
        site.close()


def form_of(html: str) -> dict[str, str]:
    """The hidden fields of the form that sends a return."""
    return dict(
        re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html.split("</form>", maxsplit=1)[0])
    )


def choose(site: Site, reason: str, pieces: int = 1, status: int = 200, **more: str) -> tuple[Page, dict[str, str]]:
    answer = press(
        site,
        f"{path(site.world, shop='apparel')}/return",
        act="look",
        **{"pieces:1": str(pieces), "reason:1": reason},
        **more,
    )
    return page(answer, status), form_of(answer.text)


def hand_in(site: Site, fields: dict[str, str], *photos: bytes) -> httpx.Response:
    files: list[Any] = [("photos", (f"{n}.jpg", one, "image/jpeg")) for n, one in enumerate(photos)]
    files = files or [("photos", ("", b"", "application/octet-stream"))]
    where = f"{path(site.world, shop='apparel')}/return/send"
    return site.run(lambda: site.request("POST", where, key=None, data=fields, files=files))


def photo(side: int = 40, kind: str = "JPEG", exif: bool = True) -> bytes:
    """A picture that says where it was taken."""
    written, told = io.BytesIO(), Image.Exif()
    told[0x010E] = "SECRET PLACE"
    Image.new("RGB", (side, side // 2), "red").save(written, kind, **({"exif": told.tobytes()} if exif else {}))
    return written.getvalue()


def test_a_return_is_looked_at_first_and_asked_for_once(site: Site) -> None:
    """RET-02: what the page says beforehand is what happens; nothing is opened by looking, and a second click opens nothing."""
    where = path(site.world, shop="apparel")
    assert "お客様のご都合" in look(site, f"{where}/return").text
    shown, fields = choose(site, "unwanted")
    assert "ご返金額" in shown.text
    assert site.world.value("SELECT count(*) FROM return_request") == 0
    assert [hand_in(site, fields).status_code for _ in range(2)] == [303, 303]
    site.world.settle()
    assert site.world.value("SELECT count(*) FROM return_request") == 1
    assert "商品のご返送をお待ちしております" in look(site, f"{where}?said=return").text
    assert site.world.broken() == {}


def test_a_return_is_withdrawn_while_its_goods_have_not_come(site: Site) -> None:
    where = path(site.world, shop="apparel")
    hand_in(site, choose(site, "unwanted")[1])
    site.world.settle()
    one = str(site.world.value("SELECT id FROM return_request"))
    assert press(site, where, act="withdraw", once="a", **{"return": one}).status_code == 303
    assert site.world.value("SELECT state FROM return_request") == "closed"
    assert press(site, where, act="withdraw", once="b", **{"return": one}).status_code == 409
    assert site.world.broken() == {}


@pytest.mark.parametrize(
    ("pieces", "reason", "more", "says"),
    [
        (1, "unwanted", {"is:opened:1": "1"}, "お受けできません"),
        (9, "unwanted", {}, "数量をご確認ください"),
        (1, "not_authentic", {}, "お受けできません"),
        (0, "unwanted", {}, "お選びください"),
        (1, "<b>", {}, "お選びください"),
    ],
    ids=["RET-02: opened", "more than there are", "a reason without terms", "nothing", "no reason"],
)
def test_what_cannot_come_back_is_said_with_its_reason(
    site: Site, pieces: int, reason: str, more: dict[str, str], says: str
) -> None:
    shown, _ = choose(site, reason, pieces, 422, **more)
    assert says in shown.text
    assert "この内容で申し込む" not in shown.text


def test_photos_are_kept_without_what_the_camera_wrote_and_shown_to_operators_alone(site: Site) -> None:
    fields = choose(site, "defect")[1]
    assert hand_in(site, fields, photo(), photo(60, "PNG"), photo(60, "WEBP")).status_code == 303
    assert hand_in(site, fields, photo(90)).status_code == 303, "sent again: the first ones stay"
    site.world.settle()
    one = str(site.world.value("SELECT id FROM return_request"))
    told = site.get(f"/v1/returns/{one}", key=site.operator).json()["photos"]
    assert told == [f"/v1/returns/{one}/photos/{n}" for n in (1, 2, 3)]
    for where in told:
        image = site.get(where, key=site.operator)
        assert (image.status_code, image.headers["content-type"], image.content[:2]) == (200, "image/jpeg", b"\xff\xd8")
        assert b"SECRET" not in image.content
        assert dict(Image.open(io.BytesIO(image.content)).getexif()) == {}
        assert site.get(where).status_code == 404, "a storefront sees none"
    for nowhere in ("abc", "0", "999", "1.0", "-1", "٣"):
        problem(site.get(f"/v1/returns/{one}/photos/{nowhere}", key=site.operator), 404)
        problem(site.get(f"/v1/returns/{one}/photos/{nowhere}", key=None), 401)
    assert "photos" not in site.get(f"/v1/returns/{one}").json()
    order = site.world.value("SELECT order_id FROM return_request")
    with site.world.engine.begin() as connection:
        assert erase_orders(connection, [order], [])["return_photos"] == 3
    assert site.get(told[0], key=site.operator).status_code == 404


def bomb(side: int) -> bytes:
    """A small PNG that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([bomb(8_000)], "photo_large"),
        ([bomb(60_000)], "photo_"),
        ([b"\xff" * (8 * 1024 * 1024 + 1)], "photo_large"),
        ([b"<svg/>"], "photo_broken"),
        ([photo()[:200]], "photo_broken"),
        ([photo()] * 6, "photo_many"),
    ],
    ids=["64 million pixels", "a bomb", "over 8 MB", "no picture", "cut off", "six"],
)
def test_what_is_no_photo_is_refused(files: list[bytes], why: str) -> None:
    with pytest.raises(BadPhoto) as refused:
        redrawn(files)
    assert refused.value.why.startswith(why)


def test_a_large_photo_is_made_smaller_and_stands_upright() -> None:
    turned, told = io.BytesIO(), Image.Exif()
    told[0x0112] = 6
    Image.new("RGB", (3_000, 1_500), "red").save(turned, "JPEG", exif=told.tobytes())
    (drawn,) = redrawn([turned.getvalue()])
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size == (LONGEST_SIDE // 2, LONGEST_SIDE)


def test_a_bad_photo_opens_no_return_and_is_said(site: Site) -> None:
    answer = hand_in(site, choose(site, "defect")[1], b"no picture")
    assert "写真を読み取れません" in page(answer, 422).text
    site.world.settle()
    assert site.world.value("SELECT count(*) FROM return_request") == 0
    assert site.world.value("SELECT count(*) FROM return_photo") == 0


def test_photos_that_are_too_large_together_are_answered_by_a_page(site: Site) -> None:
    """Five that a telephone took, above what all of them may have: a page says so, in the page's language."""
    _, fields = choose(site, "damaged")
    answer = hand_in(site, fields, *[b"x" * 9_000_000] * 5)
    assert "ブラウザーの「戻る」" in page(answer, 413).text
    where = f"{path(site.world, shop='apparel')}/return"
    again = site.get(f"{where}/send?lang=en", key=None)
    assert (again.status_code, again.headers["location"]) == (303, f"{where}?lang=en")
