"""A consumer waits in Redis for the next message: idle ones ask for nothing, and nothing is taken that is not worked on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import Empty

import dramatiq
import pytest
import redis
from dramatiq import Message, MessageProxy

from tests.conftest import Running
from workers.broker import make_broker
from workers.redis_broker import CarefulRedisBroker
from workers.waiting import Stock

QUEUE = "wake"
#: Seconds that these consumers wait: as long as ours do, but for the tests' time.
WAIT = 1.0


@pytest.fixture
def broker(running: Running, valkey: redis.Redis) -> Iterator[CarefulRedisBroker]:
    made = make_broker(running.redis_url, consumer=True)
    assert isinstance(made, CarefulRedisBroker)
    made.declare_queue(QUEUE)
    made.longest_wait = WAIT
    yield made
    made.close()


def bell() -> Message[None]:
    return Message(queue_name=QUEUE, actor_name="accept.decide", args=(), kwargs={}, options={})


def asked(client: redis.Redis) -> int:
    """Commands that Redis was asked so far, without our own look."""
    return sum(int(one["calls"]) for name, one in client.info("commandstats").items() if "info" not in name)


def test_an_idle_consumer_asks_for_next_to_nothing(broker: CarefulRedisBroker, valkey: redis.Redis) -> None:
    consumer = broker.consume(QUEUE, prefetch=2)
    assert next(consumer) is None  # connects
    before, looks = asked(valkey), 2
    for _ in range(looks):
        assert next(consumer) is None
    assert asked(valkey) - before < 25 * looks, "a wait, a fetch with its maintenance, and nothing else"


def test_a_message_is_given_to_who_waited_for_it(broker: CarefulRedisBroker) -> None:
    consumer = broker.consume(QUEUE, prefetch=2)
    assert next(consumer) is None
    timer = threading.Timer(WAIT / 4, broker.enqueue, [bell()])
    timer.start()
    message = next(consumer)
    assert isinstance(message, MessageProxy), "it came while we waited, in the same look"
    timer.join()


def test_of_several_who_wait_one_has_the_message(broker: CarefulRedisBroker) -> None:
    consumers = [broker.consume(QUEUE, prefetch=2) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(next, consumer) for consumer in consumers]
        time.sleep(WAIT / 4)
        broker.enqueue(bell())
        found = [one.result() for one in waiting]
    assert [one is not None for one in found].count(True) == 1


def test_waiting_takes_nothing_away(broker: CarefulRedisBroker, valkey: redis.Redis) -> None:
    sent = [broker.enqueue(bell()) for _ in range(3)]
    before = valkey.lrange(f"dramatiq:{QUEUE}", 0, -1)
    assert broker.wait(QUEUE, WAIT)
    assert valkey.lrange(f"dramatiq:{QUEUE}", 0, -1) == before
    assert len(before) == len(sent)


def test_a_full_consumer_goes_on_once_there_is_room(broker: CarefulRedisBroker) -> None:
    for _ in range(2):
        broker.enqueue(bell())
    consumer = broker.consume(QUEUE, prefetch=1)
    (first,) = found(consumer, 1)
    assert next(consumer) is None, "one at a time was asked for"
    consumer.ack(first)
    (second,) = found(consumer, 1)
    assert second.message_id != first.message_id


def found(consumer: dramatiq.Consumer, count: int) -> list[MessageProxy]:
    """The next ``count`` messages."""
    messages: list[MessageProxy] = []
    while len(messages) < count:
        if (message := next(consumer)) is not None:
            messages.append(message)
    return messages


def test_where_redis_is_too_old_to_wait_in_it_is_looked_as_before(running: Running, valkey: redis.Redis) -> None:
    """Before 6.2 there is no BLMOVE; to a user who may not call it is the same."""
    valkey.acl_setuser(
        "old", enabled=True, nopass=True, keys=["dramatiq*"], categories=["+@all", "-@dangerous"], commands=["-blmove"]
    )
    try:
        url = running.redis_url.replace("://", "://old:any@", 1)
        broker = make_broker(url, consumer=True)
        assert isinstance(broker, CarefulRedisBroker)
        broker.declare_queue(QUEUE)
        broker.longest_wait = WAIT
        consumer = broker.consume(QUEUE, prefetch=2)
        assert next(consumer) is None
        broker.enqueue(bell())
        assert len(found(consumer, 1)) == 1
        broker.close()
    finally:
        valkey.acl_deluser("old")


def test_who_waits_is_woken_at_the_end_and_takes_nothing_more(broker: CarefulRedisBroker, valkey: redis.Redis) -> None:
    broker.longest_wait = 600.0
    consumer = broker.consume(QUEUE, prefetch=2)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(next, consumer)
        time.sleep(WAIT / 4)
        broker.stop_waiting()
        assert waiting.result(timeout=60) is None
    broker.enqueue(bell())
    assert next(consumer) is None
    assert valkey.llen(f"dramatiq:{QUEUE}") == 1, "for another process"


def test_what_was_sent_with_a_delay_is_passed_on_when_it_is_due(broker: CarefulRedisBroker) -> None:
    """A storefront's client of dramatiq may send an order with a delay."""
    broker.longest_wait = 600.0
    heard = threading.Event()
    dramatiq.actor(broker=broker, actor_name="accept.decide", queue_name=QUEUE)(heard.set)
    worker = dramatiq.Worker(broker, worker_threads=1)
    broker.enqueue(bell(), delay=1_500)
    worker.start()
    try:
        assert heard.wait(60)
    finally:
        broker.stop_waiting()
        worker.stop()


def test_a_thread_waits_for_stock_until_there_is_some_or_the_end() -> None:
    stock = Stock()
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(stock.get, timeout=0.001) for _ in range(2)]
        time.sleep(0.05)
        assert not any(one.done() for one in waiting), "dramatiq's time-out is not one of ours"
        stock.put(1)
        first = next(as_completed(waiting, timeout=60))
        assert first.result() == 1
        stock.close()
        (second,) = (one for one in waiting if one is not first)
        with pytest.raises(Empty):
            second.result(timeout=60)
    stock.put(2)
    with pytest.raises(Empty):
        stock.get()
    assert stock.get_nowait() == 2, "who takes stock at the end finds it"
