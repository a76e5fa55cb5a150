"""What careless and hostile people do with a maker's link: shifted columns, huge pastes, ways back, two tabs, odd requests (TRK-03, TRK-05)."""

from __future__ import annotations

import pytest

from pipelines.suppliers.pasted import MOST_ROWS, assigned, pasted_rows
from tests.web.site import Site
from tests.web.test_supplier_page import NUMBER, Page, look, page, post, press, token, twenty
from tests.world import a_line, document, tracking_number


@pytest.fixture
def path(site: Site) -> str:
    """The page of the one shipment that the warehouse has."""
    site.world.take(document("S-1", a_line("1", 3)))
    site.world.settle()
    return f"/s/{token(site.world, site.world.shipments()[0])}"


@pytest.mark.parametrize(
    ("pasted", "rows"),
    [
        pytest.param(f"{NUMBER}", [(1, None, NUMBER)], id="a number"),
        pytest.param(f"\r\n\r\n{NUMBER}", [(3, None, NUMBER)], id="the first two are not packed yet"),
        pytest.param(f"送り状番号\r\n{NUMBER}", [(1, None, NUMBER)], id="the column with its heading"),
        pytest.param(f"注文番号\t送り状番号\nS-1\t{NUMBER}", [(1, "S-1", NUMBER)], id="two columns with theirs"),
        pytest.param(f"送り状番号\n\n{NUMBER}", [(2, None, NUMBER)], id="a heading, and the first is not packed"),
        pytest.param("なし\nなし", [(1, None, "なし")], id="words are a heading once"),
        pytest.param("４４４４－１３７５－８７０３", [(1, None, "4444-1375-8703")], id="full width"),
        pytest.param(f"{NUMBER}\r{NUMBER}", [(1, None, NUMBER), (2, None, NUMBER)], id="an old line end"),
        pytest.param(f"S-1\t\t{NUMBER}\t", [(1, "S-1", NUMBER)], id="empty cells between"),
        pytest.param("444,413,758,703", [(1, "444", "413")], id="thousands: named by nobody"),
        pytest.param("\ufeff\u200b", [], id="nothing that can be seen"),
    ],
)
def test_a_paste_is_read_row_by_row(pasted: str, rows: list[tuple[int, str | None, str]]) -> None:
    read, over = pasted_rows(pasted)
    assert [(one.row, one.names, one.number) for one in read] == rows
    assert over == []


@pytest.mark.parametrize(
    "named", ["SH-ABCDEFGHIJKLM", "SHABCDEFGHIJKLM", "sh-abcdefghijklm", "ＳＨＡＢＣＤＥＦＧＨＩＪＫＬＭ"]
)
def test_a_shipment_is_named_as_its_label_does(named: str) -> None:
    """Yu-Pri R and e-hiden print it without its hyphen."""
    rows, _ = pasted_rows(f"{named}\t{NUMBER}")
    assert [about for _, about in assigned(rows, ["SH-ABCDEFGHIJKLM"], {})] == ["SH-ABCDEFGHIJKLM"]


@pytest.mark.parametrize(
    ("pasted", "number", "about"),
    [
        pytest.param(f"C-17 {NUMBER}", NUMBER, "SH-ABCDEFGHIJKLN", id="an order"),
        pytest.param(f"SHABCDEFGHIJKLN {NUMBER}", NUMBER, "SH-ABCDEFGHIJKLN", id="a shipment"),
        pytest.param("C-17 4444 1375 8703", "4444 1375 8703", "SH-ABCDEFGHIJKLN", id="a number in groups"),
        pytest.param("4444 1375 8703", "4444 1375 8703", "SH-ABCDEFGHIJKLM", id="a number in groups, alone"),
        pytest.param(f"C-18 {NUMBER}", f"C-18 {NUMBER}", "SH-ABCDEFGHIJKLM", id="what nobody is called"),
    ],
)
def test_one_blank_is_enough_behind_a_name_that_is_known(pasted: str, number: str, about: str) -> None:
    """Out of a mail: both together were the number of whichever shipment stands first, which some carriers' rules let pass."""
    rows, _ = pasted_rows(pasted)
    listed = ["SH-ABCDEFGHIJKLM", "SH-ABCDEFGHIJKLN"]
    assert [(row.number, found) for row, found in assigned(rows, listed, {"C-17": listed[1:]})] == [(number, about)]


@pytest.mark.parametrize(
    ("pasted", "read"),
    [
        ("1\n" * MOST_ROWS + "1", MOST_ROWS),
        (f"{NUMBER}\n" + "9" * 200_000, 1),
        ("1" * 200_000, 0),
        ("\n" * 100_001, 0),
    ],
)
def test_what_is_not_read_of_a_huge_paste_is_said(pasted: str, read: int) -> None:
    """Nothing is cut in silence, and no number in two."""
    rows, over = pasted_rows(pasted)
    assert len(rows) == read
    assert [one.why for one in over] == ["too_many"]


@pytest.mark.parametrize(
    "before", ["\r\n", "送り状番号\r\n\r\n"], ids=["no number yet", "a heading, and no number yet"]
)
def test_a_column_never_slips_to_the_next_customer(site: Site, before: str) -> None:
    """The first row of the list has no number yet: the second one's is the second one's."""
    listed, ids, orders = twenty(site)
    answer = post(site, listed, listed=",".join(ids), carrier="yamato", pasted=f"{before}{NUMBER}")
    assert "1件を登録しました" in page(answer).text
    states = site.world.states()
    assert [order for order in orders if states[order][0] == "shipped"] == [orders[1]]
    answer = post(site, listed, listed=",".join(ids), carrier="yamato", pasted="\n" * MOST_ROWS + NUMBER)
    assert "一度に貼り付けられるのは500行までです" in page(answer).text


@pytest.mark.parametrize(
    "row",
    ["{0}\t", "{0}", "{0}\t\tトナミ運輸", "SH{1}\t", "{0},,"],
    ids=["empty", "alone", "carrier", "shipment", "commas"],
)
def test_an_order_whose_number_is_still_empty_has_none(site: Site, row: str) -> None:
    """Of two columns the second one is filled in half: the order beside an empty cell is no number, whatever its carrier's look like."""
    listed, ids, orders = twenty(site)
    rows = f"注文番号\t送り状番号\n{row.format(orders[0], ids[0][3:])}\n{orders[1]}\t1234567890"
    answer = post(site, listed, listed=",".join(ids), carrier="tonami", pasted=rows)
    assert "1件を登録しました。0件は登録できませんでした。" in page(answer).text
    states = site.world.states()
    assert [order for order in orders if states[order][0] == "shipped"] == [orders[1]]


def test_a_number_alone_among_rows_with_orders_goes_by_no_place(site: Site) -> None:
    """Where each row names its order, one that names none, or an order that is not listed any more, is explained and moves nothing."""
    listed, ids, orders = twenty(site)
    rows = f"{orders[5]}\t1234567890\nS-99\t\n1234567891"
    answer = post(site, listed, listed=",".join(ids), carrier="tonami", pasted=rows)
    assert "1件を登録しました。2件は登録できませんでした。" in page(answer).text
    states = site.world.states()
    assert [order for order in orders if states[order][0] == "shipped"] == [orders[5]]


def test_another_day_after_the_browser_s_way_back_is_news(site: Site, path: str) -> None:
    """The same showing of the form says two things: both count, and each once."""
    html = site.get(path, key=None).text
    once = Page(html).hidden(html, "once")
    for day in ("2026-11-25", "2026-11-26", "2026-11-26"):
        site.world.clock.advance(minutes=1)
        assert post(site, path, once=once, act="delay", expected_on=day).status_code == 303
    assert site.world.value("SELECT dispatch_on::text FROM shipment") == "2026-11-26"
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.delayed'") == 2


def ship_twice(site: Site, path: str, number: str, carrier: str) -> None:
    """Press the button for one piece, and once more after the browser's way back."""
    html = site.get(path, key=None).text
    once, shown = Page(html).hidden(html, "once"), Page(html).hidden(html, "open:1")
    for _ in range(2):
        site.world.clock.advance(minutes=1)
        told = {"act": "ship", "carrier": carrier, "tracking_number": number, "pieces:1": "1", "open:1": shown}
        post(site, path, once=once, **told)


@pytest.mark.parametrize(
    ("carrier", "numbers"), [("own_fleet", ["", ""]), ("yamato", [NUMBER, tracking_number(44_441_376_001)])]
)
def test_a_piece_that_is_told_twice_is_not_the_last_one_too(
    site: Site, path: str, carrier: str, numbers: list[str]
) -> None:
    """Of three pieces one goes today and one tomorrow. A second click, and the browser's way back, are the parcel that was told, and not
    all that is left; a further parcel without a number is another one, however alike (TRK-01, TRK-05)."""
    for sent, number in enumerate(numbers, 1):
        site.world.clock.advance(hours=24)
        ship_twice(site, path, number, carrier)
        assert site.world.value("SELECT count(*) FROM parcel") == sent
        assert site.world.show()["shipments"][0]["lines"][0]["shipped"] == sent
    told = [one["template"] for one in site.world.show()["mails"]]
    assert told.count("shipment_shipped") == len(numbers)


def test_two_tabs_say_different_things(site: Site, path: str) -> None:
    """One refuses, the other, still showing it open, ships: the second is told that it is not open, and sees why."""
    assert press(site, path, "refuse", reason="欠品").status_code == 303
    late = post(site, path, once="other", act="ship", carrier="yamato", tracking_number=NUMBER, **{"pieces:1": "3"})
    assert late.status_code == 409
    assert site.world.value("SELECT count(*) FROM parcel") == 0
    listed = post(site, f"{path}/today", listed=site.world.shipments()[0], carrier="yamato", pasted=NUMBER)
    assert "0件を登録しました" in page(listed).text
    assert site.world.value("SELECT count(*) FROM parcel") == 0


def test_a_link_that_was_passed_on_opens_nothing_of_others_and_ends_with_its_shipment_s_supplier(site: Site) -> None:
    """A hostile list of ids, names another's shipments and what is no id: none of them moves, and none is shown."""
    site.world.take(document("S-1", a_line("1")), document("S-2", a_line("1", supplier="maker-a"), customer="M-2"))
    site.world.settle()
    (mine,), (other,) = site.world.shipments("S-1"), site.world.shipments("S-2")
    path = f"/s/{token(site.world, mine)}"
    for ids in (other, f"{other},{mine}", "," * 30_000, "SH-' OR 1=1 --", "\u202e" * 100):
        answer = post(site, f"{path}/today", listed=ids, carrier="yamato", pasted=f"{other}\t{NUMBER}\nS-2\t{NUMBER}")
        assert "0件を登録しました" in page(answer).text
    assert look(site, f"/s/{token(site.world, other)}", 404).fields == []
    assert site.world.value("SELECT count(*) FROM inbox_event") == 0
    site.world.execute("UPDATE shipment SET supplier = 'maker-a' WHERE id = :id", id=mine)  # given to another one
    assert look(site, path, 404).fields == []
    assert page(post(site, path, once="x", act="acknowledge"), 404).fields == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_do_nothing(site: Site, path: str, method: str) -> None:
    for place in ("", "/today", "/file", "/number", "/note", "/picks", "/list.csv"):
        assert site.run(lambda: site.request(method, f"{path}{place}", key=None)).status_code == 405  # noqa: B023


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b'{"act": "refuse", "reason": "x"}', 409),  # no button of the form
        ("multipart/form-data; boundary=x", b"--x--", 409),
        ("application/x-www-form-urlencoded", "act=refuse&reason=欠品".encode("cp932"), 400),
        ("application/x-www-form-urlencoded", "act=refuse&reason=欠品".encode("utf-16"), 400),
        ("application/x-www-form-urlencoded", b"act=refuse&reason=%82%b1", 400),
        ("application/x-www-form-urlencoded", b"act=refuse&reason=%ED%A0%80", 400),  # half a character
        (
            "application/x-www-form-urlencoded",
            b"act=ship&act=refuse",
            422,
        ),  # the last of a name counts, and has no reason
        ("application/x-www-form-urlencoded", b"x" * 300_000, 413),
    ],
)
def test_a_body_that_no_browser_sends_tells_nobody(
    site: Site, path: str, kind: str, content: bytes, status: int
) -> None:
    told = site.run(lambda: site.request("POST", path, key=None, content=content, headers={"content-type": kind}))
    assert told.status_code == status
    assert site.world.value("SELECT count(*) FROM inbox_event") == 0


def test_what_is_typed_is_text_wherever_it_is_shown(site: Site, path: str) -> None:
    """Markup in a number, a carrier, a name of a language, a file's row."""
    evil = '"><script>alert(1)</script>'
    answers = [
        post(site, path, once="x", act="ship", carrier=evil, tracking_number=evil, **{"pieces:1": "3"}),
        post(site, f"{path}/today", listed=site.world.shipments()[0], carrier=evil, pasted=evil),
        site.get(f"{path}?lang={evil}", key=None),
        site.get(f"{path}/number", key=None, params={"number": evil, "carrier": "yamato"}),
    ]
    assert all("<script>alert" not in one.text for one in answers)
    assert site.world.value("SELECT count(*) FROM inbox_event") == 0


@pytest.mark.parametrize("piece", ["-1", "1e3", "٣", "0x2", "9999999", "1.5", "4"])
def test_pieces_that_are_no_number_of_them(site: Site, path: str, piece: str) -> None:
    answer = post(site, path, once="x", act="ship", carrier="yamato", tracking_number=NUMBER, **{"pieces:1": piece})
    assert answer.status_code == 422
    assert site.world.value("SELECT count(*) FROM inbox_event") == 0


def test_a_number_of_the_wrong_carrier_in_a_row_is_explained(site: Site) -> None:
    listed, ids, orders = twenty(site)
    rows = f"{orders[0]}\t{tracking_number(44_441_376_500)}\tFedEx™\n{orders[1]}\t{NUMBER}\tﾔﾏﾄ運輸"
    shown = page(post(site, listed, listed=",".join(ids), carrier="sagawa", pasted=rows))
    states = site.world.states()
    assert states[orders[1]][0] == "shipped"
    assert "登録しました" in shown.text
