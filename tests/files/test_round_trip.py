"""Out to a label program and back: each shipment once, whatever comes twice, late, damaged or from somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from models.store import erasures
from pipelines.errors import Invalid, Misconfigured
from pipelines.files.results import Why
from pipelines.retention import RETENTION
from pipelines.suppliers.work import LISTS, listed
from tests.files.house import answered, as_bytes, cells, exported, shop, taken_in, told, world_with
from tests.files.labels import LAYOUTS, faults
from tests.rules.build import at
from tests.world import World, a_line, document, tracking_number
from workers.mail.rendering import Renderer
from workers.periodic import Timekeeper

TOOLS = ["b2", "ehiden3", "yupri", "kangaroo", "csv"]
SHIPPED = "SELECT template, count(*) AS n FROM mail WHERE template = 'shipment_shipped' GROUP BY template"


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with world_with(engine, database_url, renderer, 'format = "b2"') as world:
        yield world


@pytest.mark.parametrize("tool", TOOLS)
def test_two_hundred_shipments_there_and_back(world: World, tool: str) -> None:
    shipments = told(world, 200)
    out = exported(world, tool)
    assert (out.shipments, out.held) == (200, {})
    assert tool not in LAYOUTS or [one for part in out.files.values() for one in faults(tool, part)] == []
    assert exported(world, tool) == out, "nothing was marked, and the same again are the same bytes"
    back = answered(tool, list(out.files.values()))

    dry = taken_in(world, back, dry_run=True)
    assert (dry.format, dry.rows, dry.applied, dry.known, list(dry.quarantined)) == (tool, 200, 200, 0, [])
    assert world.value("SELECT count(*) FROM inbox_event WHERE source = 'supplier:warehouse'") == 0
    first = taken_in(world, back, tool)
    assert first == dry
    assert taken_in(world, back).applied == 0, "before anything was decided"
    world.settle()
    again = taken_in(world, back)
    assert (again.applied, again.known, list(again.quarantined)) == (0, 200, [])
    world.settle()

    assert set(world.states().values()) == {("shipped", "done")}
    assert [row.n for row in world.rows(SHIPPED)] == [200], "one mail each"
    parcels = world.rows("SELECT shipment_id, tracking_number FROM parcel")
    assert sorted(one.shipment_id for one in parcels) == sorted(shipments)
    assert len({one.tracking_number for one in parcels}) == 200
    assert exported(world, tool).files == {}, "what has left is not written again"
    assert world.broken() == {}


def test_what_is_written_is_what_the_supplier_is_told(world: World) -> None:
    """PAY-09, DLV-02: the cash to collect with the tax in it, the day and the window wished for."""
    world.take(
        document("S-1", payment={"method": "cod"}, delivery={"date": "2026-11-24", "slot": "AM"}),
    )
    world.settle()
    (data,) = exported(world, "b2").files.values()
    row = cells(data)[1]
    total = world.show()["totals"]["grand_total"]
    assert (row[1], row[5], row[6], int(row[33])) == ("2", "2026/11/24", "0812", total)
    assert 0 < int(row[34]) < total
    assert faults("b2", data) == []


@pytest.mark.parametrize("region", ["JP-23", "Aichi-ken", "愛知"])
def test_a_label_has_the_prefecture_as_its_carrier_spells_it(world: World, region: str) -> None:
    """B.9.4: an order may say JP-23; a label that did went nowhere."""
    made = document("S-1")
    made["ship_to"]["region"] = region
    world.take(made)
    world.settle()
    (data,) = exported(world, "b2").files.values()
    assert cells(data)[1][11] == "愛知県名古屋市中区栄1-2-3"
    assert world.value("SELECT document::jsonb->'ship_to'->>'region' FROM order_document") == region


def by_line(shipment: str, *told: tuple[str, str], pieces: int = 1) -> bytes:
    """Rows of one line's pieces: number and day of each parcel."""
    header = ["出荷番号", "明細", "数量", "運送会社", "送り状番号", "出荷日"]
    return as_bytes([[shipment, "1", str(pieces), "ヤマト", number, day] for number, day in told], header, "utf-8-sig")


def collected(world: World) -> tuple[str, str, Any]:
    """What the label of the rest says of money, and what the supplier's list does."""
    (data,) = exported(world, "b2").files.values()
    row = cells(data)[1]
    with world.engine.connect() as connection:
        (work,) = listed(connection, world.shops, "warehouse", LISTS["open"])
    return row[1], row[33], work.to_json().get("collect")


def test_the_rest_of_a_shipment_collects_nothing_again(world: World) -> None:
    """PAY-09: the first parcel brings all of the money; it is collected anew only where that one came back."""
    world.take(document("S-1", a_line(quantity=3), payment={"method": "cod"}))
    world.settle()
    (one,), total = world.shipments(), world.show()["totals"]["grand_total"]
    kind, amount, told_to = collected(world)
    assert (kind, amount, told_to["amount"]) == ("2", str(total), total)
    first, second = tracking_number(44_010_000_000), tracking_number(44_010_000_001)
    assert taken_in(world, by_line(one, (first, "2026-11-20"))).applied == 1
    world.settle()
    assert collected(world) == ("0", "", None)
    world.tell(world.news("shipment.tracking_updated", one, tracking_number=first, status="returned"))
    world.settle()
    kind, amount, told_to = collected(world)
    assert (kind, amount, told_to["amount"]) == ("2", str(total), total)
    world.clock.set(at("2026-11-20 10:00"))
    world.tell(
        world.news(
            "shipment.shipped", one, tracking_number=second, carrier="yamato", lines=[{"line": "1", "quantity": 1}]
        )
    )
    world.settle()
    assert collected(world) == ("0", "", None)


def test_a_corrected_number_is_the_same_parcel(world: World) -> None:
    """TRK-02: under its old number or its new one; it took the place of a parcel that was still to come."""
    world.take(document("S-1", a_line(quantity=2)))
    world.settle()
    (one,) = world.shipments()
    wrong, right, other, more = (tracking_number(44_010_000_000 + n) for n in range(4))
    taken_in(world, by_line(one, (wrong, "2026-11-20")))
    world.settle()
    world.tell(world.news("shipment.tracking_corrected", one, tracking_number=right, previous_tracking_number=wrong))
    world.settle()
    found = taken_in(world, by_line(one, (other, "2026-11-20")))
    assert (found.applied, list(found.quarantined)) == (1, [])
    world.settle()
    assert world.states() == {"S-1": ("shipped", "done")}
    found = taken_in(world, by_line(one, (more, "2026-11-20")))
    assert [row.code for row in found.quarantined] == [Why.PARCELS]


def test_a_later_file_with_another_number_corrects_it(world: World) -> None:
    """TRK-05: of goods that cannot be two parcels; one mail says so, none a second dispatch. The first file again is nothing."""
    world.take(document("S-1"))
    world.settle()
    (one,) = world.shipments()
    first, second = (by_line(one, (tracking_number(44_010_000_000 + n), "2026-11-20")) for n in range(2))
    taken_in(world, first)
    world.settle()
    found = taken_in(world, second)
    assert (found.applied, list(found.quarantined)) == (1, [])
    assert taken_in(world, second).to_json()["applied"] == 0, "before anything was decided"
    world.settle()
    (parcel,) = world.show()["shipments"][0]["parcels"]
    assert parcel["tracking_number"] == tracking_number(44_010_000_001)
    mails = world.postbox.templates()
    assert (mails.count("tracking_corrected"), mails.count("shipment_shipped")) == (1, 1)
    for again in (first, second):
        found = taken_in(world, again)
        assert (found.applied, found.known, list(found.quarantined)) == (0, 1, [])
    both = by_line(one, *((tracking_number(44_010_000_000 + n), "2026-11-20") for n in (1, 2)))
    assert {row.code for row in taken_in(world, both).quarantined} == {Why.PARCELS}, "of two none is chosen"
    assert world.broken() == {}


def test_a_number_for_a_parcel_that_left_without_one(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """TRK-01: it is that parcel's, and no second one's."""
    with world_with(engine, database_url, renderer, 'format = "b2"', "no_tracking = true") as world:
        (one,) = told(world, 1)
        world.tell(world.news("shipment.shipped", one, tracking_number=None))
        world.settle()
        header, number = ["お客様管理番号", "伝票番号", "出荷予定日"], tracking_number(44_010_000_000)
        assert taken_in(world, as_bytes([[one, number, "2026/11/20"]], header)).applied == 1
        world.settle()
        (parcel,) = world.show("S-0")["shipments"][0]["parcels"]
        assert (parcel["tracking_number"], world.postbox.templates().count("tracking_corrected")) == (number, 1)


def test_cold_goods_by_their_flags(world: World) -> None:
    world.take(document("S-1", a_line(flags=["frozen"])), document("S-2", a_line(flags=["chilled"]), customer="M-2"))
    world.settle()
    rows = {row[32]: row[2] for row in cells(next(iter(exported(world, "b2").files.values())))[1:]}
    assert rows == {"S-1": "1", "S-2": "2"}


def test_a_wrong_row_waits_and_its_neighbours_go_on(world: World) -> None:
    one, two, three, four = told(world, 4)
    number = tracking_number(44_010_000_000)
    rows = [
        [one, number, "2026/11/20"],
        [two, "4.4441E+11", "2026/11/20"],
        [three, number[:-1] + str((int(number[-1]) + 1) % 7), "2026/11/20"],
        [four, tracking_number(44_010_000_001), "2026/11/21"],
        ["SH-AAAAAAAAAAAAA", tracking_number(44_010_000_002), "2026/11/20"],
    ]
    header = ["お客様管理番号", "伝票番号", "出荷予定日"]
    found = taken_in(world, as_bytes(rows, header))
    assert (found.format, found.applied) == ("b2", 1)
    assert [(row.record, row.field, row.code) for row in found.quarantined] == [
        (3, "tracking_number", Why.TRACK_EXCEL),
        (4, "tracking_number", Why.TRACK_CHECK),
        (5, "shipped_on", Why.DATE),
        (6, "shipment", Why.ID_UNKNOWN),
    ]
    world.settle()
    assert [row.shipment_id for row in world.rows("SELECT shipment_id FROM parcel")] == [one]
    kept = world.rows("SELECT reason, state FROM inbox_event WHERE type = 'supplier.file_row' ORDER BY id")
    assert [row.state for row in kept] == ["quarantined"] * 4
    assert all(row.reason.startswith("row ") for row in kept)

    assert taken_in(world, as_bytes(rows, header)).to_json()["quarantined"] == found.to_json()["quarantined"]
    assert world.value("SELECT count(*) FROM inbox_event WHERE type = 'supplier.file_row'") == 4, "kept once"

    rows[1][1], rows[2][1], rows[3][2] = tracking_number(44_010_000_003), tracking_number(44_010_000_004), "2026/11/20"
    corrected = taken_in(world, as_bytes(rows, header))
    assert (corrected.applied, corrected.known, len(corrected.quarantined)) == (3, 1, 1)
    world.settle()
    assert world.value("SELECT count(*) FROM parcel") == 4
    left = world.rows("SELECT shipment_id FROM inbox_event WHERE type = 'supplier.file_row' AND state = 'quarantined'")
    assert [row.shipment_id for row in left] == [None, None], (
        "only the row of no shipment, of either file, is still before the operator"
    )


def test_a_supplier_speaks_of_its_own_shipments_alone(world: World) -> None:
    """Another's looks like one that is not there."""
    (one,) = told(world, 1)
    data = as_bytes(
        [[one, tracking_number(1), "2026-11-20", "yamato"]], ["shipment", "tracking_number", "shipped_on", "carrier"]
    )
    for supplier, seen in (("maker-a", ()), ("warehouse", ("clinic",))):
        found = taken_in(world, data, supplier=supplier, seen=seen)
        assert [row.code for row in found.quarantined] == [Why.ID_UNKNOWN]
    world.settle()
    assert world.value("SELECT count(*) FROM parcel") == 0
    assert world.value("SELECT count(*) FROM inbox_event WHERE order_id IS NOT NULL") == 0
    assert taken_in(world, data, seen=("salon",)).applied == 1


def test_a_number_that_another_shipment_has_waits(world: World) -> None:
    one, two = told(world, 2)
    header, number = ["お客様管理番号", "伝票番号", "出荷予定日"], tracking_number(44_010_000_000)
    taken_in(world, as_bytes([[one, number, "2026/11/20"]], header))
    world.settle()
    found = taken_in(world, as_bytes([[two, number, "2026/11/20"]], header))
    assert [row.code for row in found.quarantined] == [Why.DUP_TRACK]


def test_a_row_a_parcel_and_a_row_a_line(world: World) -> None:
    """Two numbers are two parcels, and two rows with one number are one; nobody hears of a dispatch twice."""
    world.take(document("S-1", a_line("1", quantity=2), a_line("2", quantity=1)))
    world.settle()
    (one,) = world.shipments()
    header = ["出荷番号", "明細", "数量", "運送会社", "送り状番号", "出荷日"]
    first, second = tracking_number(44_010_000_000), tracking_number(44_010_000_001)
    rows = [
        [one, "1", "1", "ヤマト", first, "2026-11-20"],
        [one, "2", "1", "ヤマト", first, "2026-11-20"],
        [one, "1", "1", "ヤマト", second, "2026-11-20"],
        [one, "1", "x", "ヤマト", second, "2026-11-20"],
        [one, "1", "9" * 5_000, "ヤマト", second, "2026-11-20"],
    ]
    found = taken_in(world, as_bytes(rows, header, "utf-8-sig"), "csv")
    assert (found.applied, [row.code for row in found.quarantined]) == (3, [Why.QUANTITY] * 2)
    world.settle()
    parcels = world.rows("SELECT tracking_number, lines FROM parcel ORDER BY tracking_number")
    assert [(row.tracking_number, row.lines) for row in parcels] == [(first, {"1": 1, "2": 1}), (second, {"1": 1})]
    assert world.states() == {"S-1": ("shipped", "done")}


def test_a_file_is_kept_once_as_it_came_and_goes_with_its_customer(world: World) -> None:
    (one,) = told(world, 1)
    data = as_bytes(
        [[one, tracking_number(1), "2026/11/20", "髙橋 﨑子"]],
        ["お客様管理番号", "伝票番号", "出荷予定日", "お届け先名"],
    )
    taken_in(world, data)
    world.settle()
    taken_in(world, data)
    (kept,) = world.rows("SELECT supplier, content, order_ids, answer FROM supplier_file")
    assert (kept.supplier, bytes(kept.content), len(kept.order_ids)) == ("warehouse", data, 1)
    assert "髙橋" not in json.dumps(kept.answer, ensure_ascii=False)

    with world.engine.begin() as connection:
        assert erasures.erase_orders(connection, kept.order_ids, [])["files"] == 1
    (gone,) = world.rows("SELECT content, answer FROM supplier_file")
    assert (bytes(gone.content), gone.answer) == (b"", kept.answer)
    assert taken_in(world, data).known == 1, "and it is still nothing new"


def test_a_file_goes_when_its_time_is_over(world: World) -> None:
    (one,) = told(world, 1)
    taken_in(world, as_bytes([[one, tracking_number(1), "2026/11/20"]], ["お客様管理番号", "伝票番号", "出荷予定日"]))
    for moment, left in (("2027-12-25 09:00:00", 1), ("2027-12-27 09:00:00", 0)):
        world.clock.set(at(moment))
        Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=(RETENTION,)).look()
        assert world.value("SELECT count(*) FROM supplier_file WHERE content <> ''") == left


def test_zeros_within_a_file_break_nothing(world: World) -> None:
    """Half a copy is filled with them, and some programs fill fields; the database can hold none."""
    one, two = told(world, 2)
    header = ["お客様管理番号", "伝票番号", "出荷予定日", "お届け先名"]
    rows = [
        [f"{one}\0\0", f"{tracking_number(44_010_000_000)}\0", "2026/11/20", "山\0"],
        ["X\0Y", tracking_number(44_010_000_001), "2026/11/20", ""],
        [two, "44\0xx", "2026/11/20", ""],
    ]
    found = taken_in(world, as_bytes(rows, header) + b"\0" * 4096)
    assert found.applied == 1
    assert [row.code for row in found.quarantined] == [Why.ID_UNKNOWN, Why.TRACK_FORM, Why.COLS]
    world.settle()
    assert [row.shipment_id for row in world.rows("SELECT shipment_id FROM parcel")] == [one]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\xff\xfea\x00",
        b"\x81",
        b"a,b,c\r\n",
        "お客様側管理番号,受付番号\r\nSH-1,2\r\n".encode("cp932"),
    ],
    ids=["empty", "blank", "UTF-16", "no text", "no known columns", "Yu-Pri R without the number"],
)
def test_a_file_of_which_nothing_can_be_read(world: World, data: bytes) -> None:
    for form in ("auto", "yupri"):
        with pytest.raises(Invalid):
            taken_in(world, data, form)


def test_columns_by_the_profile(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """B.5.5: by headings or by numbers, of whatever a warehouse has."""
    files = 'format = "csv"\nread = { shipment = 3, tracking_number = 1 }\nheader = false\nwrite = { "番号" = "shipment", "宛名" = "name", "空" = "" }'
    with world_with(engine, database_url, renderer, files) as world:
        (one,) = told(world, 1)
        (data,) = exported(world, "csv").files.values()
        assert cells(data) == [["番号", "宛名", "空"], [one, "サロン髙橋", ""]]
        assert taken_in(world, as_bytes([[tracking_number(1), "x", one]]), "csv").applied == 1


@pytest.mark.parametrize(("form", "files"), [("b2", 1), ("csv", 2)])
def test_shops_have_files_of_their_own_only_where_one_could_not_be_both(
    engine: Engine, database_url: str, renderer: Renderer, form: str, files: int
) -> None:
    """Columns are of the file, a sender is of the label."""
    with world_with(engine, database_url, renderer, 'write = { "番号" = "shipment" }') as world:
        world.take(document("S-1"), document("A-1", shop="apparel"))
        world.settle()
        out = exported(world, form)
        assert (out.shipments, out.held, len(out.files)) == (2, {}, files)
        assert sum(len(cells(data)) - 1 for data in out.files.values()) == 2
        named = {name.partition(f"-{form}-")[0] for name in out.files}
        assert named == ({"warehouse"} if files == 1 else {"warehouse-apparel", "warehouse-salon"})


def test_numbers_come_back_in_the_columns_of_the_shop_that_names_them(
    engine: Engine, database_url: str, renderer: Renderer
) -> None:
    """Others say who sends, and nothing of columns."""
    with world_with(
        engine, database_url, renderer, 'read = { shipment = "番号", tracking_number = "送り状" }'
    ) as world:
        (shipment,) = told(world, 1)
        back = as_bytes([[shipment, tracking_number(1)]], ["番号", "送り状"])
        assert taken_in(world, back, "csv").applied == 1


@pytest.mark.parametrize(("form", "fault"), [("clickpost", "read only"), ("b2", None), ("nobody", "no file format")])
def test_a_folder_of_files_needs_a_format_that_is_written(form: str, fault: str | None) -> None:
    """Said as the profile is read: each of its instructions would fail for ever."""
    files = f'format = "{form}"'
    if fault is None:
        assert shop(files, 'channel = "files"').suppliers["warehouse"].files.format == form
        return
    with pytest.raises(Misconfigured, match=fault):
        shop(files, 'channel = "files"')
    assert form == "nobody" or shop(files, 'channel = "webhook"').suppliers
