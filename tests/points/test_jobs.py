"""Periodic jobs: expiry, reminders, birthdays; once each, by one runner, caught up after downtime."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from models.store.review import Which
from pipelines.points.grants import grant
from pipelines.points.holds import hold
from pipelines.points.jobs import JOBS, Period, PeriodicJob, Tools, expire_step, midnight, month_start, morning
from pipelines.points.schema import GrantDocument, HoldDocument
from pipelines.review.queue import waiting
from pipelines.values.calendar import JST
from tests.rules.build import at
from tests.world import World, document
from workers.pacemaker import timekeeper as timekeeper_of
from workers.periodic import Timekeeper

POINT_JOBS = [job for job in JOBS if job.name.startswith("points.")]
EXPIRE = next(job for job in JOBS if job.name == "points.expire")


def timekeeper(world: World, jobs: Any = POINT_JOBS) -> Timekeeper:
    return Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=jobs)


def run_at(world: World, moment: str) -> list[str]:
    """The clock shows ``moment``, and whoever looks at jobs looks."""
    world.clock.set(at(moment))
    done = timekeeper(world).look()
    world.perform("mail.send")
    assert world.broken() == {}
    return done


def register(world: World, customer: str = "M-1", **changes: Any) -> dict[str, Any]:
    fields = {"shop": "apparel", "customer": customer, "kind": "registration", "key": f"reg-{customer}", **changes}
    return dict(grant(world.engine, world.shops, world.clock, GrantDocument(**fields)).body)


def points(world: World, customer: str = "M-1", shop: str = "apparel") -> int:
    return world.balance(customer, shop)[1]


@pytest.mark.parametrize(
    ("boundary", "now", "is_"),
    [
        (midnight, "2026-11-22 00:00:00", "2026-11-22 00:00:00"),
        (midnight, "2026-11-22 23:59:59", "2026-11-22 00:00:00"),
        (morning, "2026-11-22 09:59:59", "2026-11-21 10:00:00"),
        (morning, "2026-11-22 10:00:00", "2026-11-22 10:00:00"),
        (month_start, "2026-12-01 00:00:00", "2026-12-01 00:00:00"),
        (month_start, "2026-11-30 23:59:59", "2026-11-01 00:00:00"),
    ],
)
def test_boundaries(boundary: Callable[[datetime], datetime], now: str, is_: str) -> None:
    assert boundary(at(now)) == at(is_)


@pytest.mark.parametrize(
    ("acquired", "last_moment", "expired"),
    [
        ("2026-11-22 10:00:00", "2027-11-22 23:59:59", "2027-11-23 00:00:00"),
        ("2028-02-29 10:00:00", "2029-02-28 23:59:59", "2029-03-01 00:00:00"),
    ],
)
def test_points_last_through_the_same_date_of_the_next_year(
    world: World, acquired: str, last_moment: str, expired: str
) -> None:
    """PTS-11."""
    world.clock.set(at(acquired))
    register(world)
    run_at(world, last_moment)
    assert points(world) == 500
    run_at(world, expired)
    assert points(world) == 0
    assert world.value("SELECT state FROM point_lot") == "expired"


def test_a_job_that_ran_runs_no_second_time(world: World) -> None:
    assert run_at(world, "2026-11-22 12:00:00") == [job.name for job in POINT_JOBS]
    assert run_at(world, "2026-11-22 12:00:01") == []
    assert run_at(world, "2026-11-23 09:00:00") == ["points.expire", "points.thanks"]
    assert run_at(world, "2026-11-23 10:00:00") == ["points.notice"]


def test_downtime_is_caught_up_once(world: World) -> None:
    """A house that was away for weeks makes up for the days and the month it missed."""
    register(world, birth_date="1990-12-24")
    world.grant(70, shop="apparel", expires_at=at("2026-11-25 00:00:00"))
    run_at(world, "2026-11-22 12:00:00")
    done = run_at(world, "2027-01-05 12:00:00")
    assert done == [job.name for job in POINT_JOBS]
    assert points(world) == 500 + 500  # the gift expired, December's birthday was given
    assert run_at(world, "2027-01-05 12:00:01") == []
    assert points(world) == 1_000


def test_birthday_points_come_once_a_year(world: World) -> None:
    """PTS-09: on the first of the month; at once if the date is entered in the month; never twice for a new date."""
    register(world, birth_date="1990-11-02")
    assert points(world) == 500 + 500
    run_at(world, "2026-11-22 12:00:00")
    assert points(world) == 1_000
    moved = {"shop": "apparel", "customer": "M-1", "kind": "birthday", "key": "b-2", "birth_date": "1990-12-02"}
    world.clock.set(at("2026-12-01 12:00:00"))
    grant(world.engine, world.shops, world.clock, GrantDocument(**moved))
    run_at(world, "2026-12-01 12:00:00")
    assert points(world) == 1_000
    run_at(world, "2027-12-01 00:00:00")
    assert world.value("SELECT count(*) FROM point_lot WHERE kind = 'birthday'") == 2


def test_birthday_points_that_come_late_extend_what_was_good_on_the_1st(world: World) -> None:
    """PTS-09, PTS-11: a house that was away loses no points that it would have extended, and keeps none that were over by then."""
    register(world, birth_date="1990-12-24")
    world.grant(70, shop="apparel", expires_at=at("2026-12-11 00:00:00"))
    world.grant(30, shop="apparel", expires_at=at("2026-12-01 00:00:00"))
    run_at(world, "2026-11-22 12:00:00")
    run_at(world, "2026-12-20 12:00:00")
    assert points(world) == 500 + 500 + 70
    kept = world.rows("SELECT amount, expires_at FROM point_lot WHERE state = 'valid' ORDER BY amount, id")
    assert {(one.amount, one.expires_at) for one in kept} == {
        (70, at("2027-12-21 00:00:00")),
        (500, at("2027-12-21 00:00:00")),
    }
    run_at(world, "2027-12-20 12:00:00")
    assert points(world) == 500 + 500 + 70 + 500


def test_a_birthday_on_29_february_comes_every_february(world: World) -> None:
    """PTS-09: it is the month that counts; without a birth date there is none."""
    register(world, birth_date="1992-02-29")
    register(world, "M-2")
    run_at(world, "2027-02-01 00:00:00")
    assert (points(world), points(world, "M-2")) == (500 + 500, 500)


@pytest.mark.parametrize(("shop", "granted"), [("apparel", 500), ("salon", 0)])
def test_registration_points_pay_for_the_first_order(world: World, shop: str, granted: int) -> None:
    """PTS-08: valid at once where the shop gives any."""
    register(world, shop=shop)
    world.take(document("S-1", shop=shop, points={"use": "all"}))
    assert world.show("S-1", shop)["points"]["used"] == granted
    assert points(world, shop=shop) == 0
    assert world.broken() == {}


def test_reminders_thirty_and_seven_days_before(world: World) -> None:
    """Points through 2027-11-20 are reminded of on 2027-10-21 and on 2027-11-13, once each, under a stable Message-ID."""
    register(world, email="hanako@example.jp", name="山田 花子")
    run_at(world, "2026-11-22 12:00:00")
    for moment, mails in (
        ("2027-10-20 12:00:00", 0),
        ("2027-10-21 09:59:59", 0),
        ("2027-10-21 10:00:00", 1),
        ("2027-11-12 12:00:00", 1),
        ("2027-11-13 10:00:00", 2),
        ("2027-11-20 12:00:00", 2),
        ("2027-11-21 12:00:00", 2),
    ):
        run_at(world, moment)
        assert len(world.postbox.mails) == mails, moment
    first, second = world.postbox.mails
    assert (first["X-Shukka-Template"], first["X-Shukka-Shop"], first["X-Shukka-Order"]) == (
        "points_expiring",
        "apparel",
        None,
    )
    assert first["Message-ID"] != second["Message-ID"]
    assert "30" in first.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert world.rows("SELECT order_id FROM mail WHERE order_id IS NOT NULL") == []


def test_after_a_long_downtime_one_reminder_says_the_days_that_are_left(world: World) -> None:
    register(world, email="hanako@example.jp", name="山田 花子")
    run_at(world, "2027-10-01 12:00:00")
    run_at(world, "2027-11-15 12:00:00")
    (mail,) = world.postbox.mails
    assert "あと5日" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_nobody_without_an_address_is_written_to(world: World) -> None:
    register(world)
    run_at(world, "2027-10-20 12:00:00")
    run_at(world, "2027-10-21 12:00:00")
    assert world.postbox.mails == []


def test_expiry_goes_on_in_steps_and_keeps_held_points(world: World) -> None:
    for number in range(5):
        world.grant(10, f"M-{number}", "apparel", expires_at=at("2026-11-21 00:00:00"))
    wish = HoldDocument(shop="apparel", customer="M-0", amount=4, reason="looks odd", key="H-1")
    assert hold(world.engine, world.shops, world.clock, wish).new
    with world.engine.begin() as connection:
        assert [expire_step(connection, at("2026-11-21 00:00:00"), 2) for _ in range(4)] == [2, 2, 1, 0]
    assert world.rows("SELECT valid, held FROM point_balance ORDER BY customer_id")[0] == (0, 4)
    assert world.broken() == {}


def test_one_runner_at_a_time_and_a_late_one_writes_nothing(world: World, engine: Engine) -> None:
    """The lease is fenced: a runner that was paused past its lease comes back to find its step refused."""
    world.grant(10, shop="apparel", expires_at=at("2026-11-21 00:00:00"))
    world.clock.set(at("2026-11-22 12:00:00"))
    seen: list[list[str]] = []

    def overtaken(tools: Tools, period: Period) -> None:
        seen.append(timekeeper(world, [late]).look())  # another process looks while this one is at work: leased
        world.execute("UPDATE job SET leased_until = now() - interval '1 second'")
        seen.append(timekeeper(world, [prompt]).look())  # the lease ran out: taken over and done
        tools.transact(lambda connection: connection.exec_driver_sql("DELETE FROM point_lot"))

    late = PeriodicJob("points.expire", midnight, overtaken)
    prompt = EXPIRE
    assert timekeeper(world, [late]).look() == []
    assert seen == [[], ["points.expire"]]
    assert world.value("SELECT state FROM point_lot") == "expired"
    assert world.broken() == {}


def test_a_job_that_fails_keeps_no_other_from_its_work(world: World) -> None:
    def fail(tools: Tools, period: Period) -> None:
        raise ZeroDivisionError

    jobs = [PeriodicJob("broken", midnight, fail), EXPIRE]
    assert timekeeper(world, jobs).look() == ["points.expire"]
    assert timekeeper(world, jobs).look() == []  # backs off until its lease has run out
    assert world.value("SELECT done_until FROM job WHERE name = 'broken'") is None


def waiting_jobs(world: World) -> list[tuple[str, str, str]]:
    """(job, what is said of it, since when) of the periodic jobs that wait for a human."""
    with world.engine.connect() as connection:
        found = waiting(connection, world.clock.now(), Which("job"))
    return [(one.which, one.says("en"), one.row.since.astimezone(JST).strftime("%d %H:%M")) for one in found]


def test_a_job_that_fails_is_seen_until_it_is_done(world: World) -> None:
    broken = True

    def work(tools: Tools, period: Period) -> None:
        if broken:
            raise ZeroDivisionError

    jobs = [PeriodicJob("nightly", midnight, work)]
    for moment in ("2026-11-22 00:05:00", "2026-11-22 00:06:00"):
        world.clock.set(at(moment))
        assert timekeeper(world, jobs).look() == []
        world.execute("UPDATE job SET leased_until = NULL")
        ((name, says, since),) = waiting_jobs(world)
        assert (name, since) == ("nightly", "22 00:05")
        assert says.startswith("nightly: ZeroDivisionError at test_jobs.py:")
    broken = False
    assert timekeeper(world, jobs).look() == ["nightly"]
    assert waiting_jobs(world) == []


def test_a_job_that_hangs_is_seen_after_an_hour(world: World) -> None:
    """A folder on a disk that is gone answers nothing at all: whoever looks into it neither ends nor fails."""
    seen: list[list[tuple[str, str, str]]] = []

    def hang(tools: Tools, period: Period) -> None:
        for moment in ("2026-11-22 01:00:00", "2026-11-22 01:00:01"):
            world.clock.set(at(moment))
            seen.append(waiting_jobs(world))

    world.clock.set(at("2026-11-22 00:00:00"))
    timekeeper(world, [PeriodicJob("nightly", midnight, hang)]).look()
    assert seen == [[], [("nightly", "nightly: has not ended", "22 00:00")]]
    assert waiting_jobs(world) == []


def test_customers_are_kept_from_their_orders(world: World) -> None:
    world.take(document("S-1"))
    assert world.rows("SELECT shop, id, email, locale FROM customer") == [
        ("salon", "M-1", "takahashi@example.jp", "ja")
    ]
    changed = document("S-3", locale="en")
    changed["customer"]["email"] = "new@example.jp"
    world.take(changed)
    assert world.rows("SELECT email, locale FROM customer") == [("new@example.jp", "en")]


def test_the_clock_process_runs_them_and_rings_for_their_mails(world: World) -> None:
    register(world, email="hanako@example.jp", name="山田 花子")
    clock = timekeeper_of(world.house)
    world.clock.set(at("2027-10-21 10:00:00"))
    assert "points.notice" in clock.look()
    assert world.perform("mail.send") == 1
    assert sum(queue.qsize() for queue in world.broker.queues.values()) > 0
