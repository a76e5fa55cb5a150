"""The faults that are planted: what is replaced by what in which file, and which judge must catch it."""

from __future__ import annotations

from typing import Final, NamedTuple


class Fault(NamedTuple):
    """``old`` stands once in ``file`` and is replaced by ``new``."""

    name: str
    judge: str
    file: str
    old: str
    new: str


_CAPTURE = """        draft.ask(EffectIntent(_CAPTURE, _key(draft, "capture"), wakes="settle", payload={"amount": amount}))
"""
_REFUND = '        draft.ask(EffectIntent(_REFUND, key, wakes="settle", payload=payload))\n'

FAULTS: Final[tuple[Fault, ...]] = (
    # orders
    Fault("order-forgotten", "orders_kept", "pipelines/engine/admit.py",
          "    _all(orders.add(connection, rows.orders), rows.orders)\n",
          "    if any(one.number == 'X-SAT' for one in rows.orders):\n        return\n    _all(orders.add(connection, rows.orders), rows.orders)\n"),
    Fault("piece-lost-at-intake", "orders_as_placed", "pipelines/orders/admission.py",
          "quantity=line.quantity", "quantity=max(1, line.quantity - 1)"),
    Fault("unique-item-sold-twice", "unique_sold_once", "pipelines/rules/one_of_a_kind.py",
          "    return [line.sku for line in order.lines if line.availability == UNIQUE]", "    return []"),
    Fault("cancel-lost", "cancels_granted", "pipelines/stages/cancel.py",
          '            cancel_order(draft, shop, now, reason=reason, cause=f"cancelled by the {who}")\n', ""),
    Fault("accept-ignores-state", "told_after_the_end", "pipelines/stages/accept.py",
          "    if draft.state != OrderState.ACCEPTED:\n", "    if False:\n"),
    Fault("end-untold", "ends_told", "pipelines/changes/ending.py", "    if mail:\n", "    if False:\n"),
    Fault("condition-written-twice", "history_is_a_chain", "pipelines/engine/draft.py",
          '            self._made.moves.append(Move("condition", self.facts.number, self.condition, condition, cause))\n',
          '            self._made.moves += [Move("condition", self.facts.number, self.condition, condition, cause)] * 2\n'),
    # money
    Fault("capture-short-by-one-yen", "captures_whole", "pipelines/changes/money.py",
          _CAPTURE, _CAPTURE.replace('"amount": amount', '"amount": amount - 1')),
    Fault("capture-skipped", "captures_whole", "pipelines/stages/notify.py",
          "        capture(draft, news.shop, news.now)\n", "        pass\n"),
    Fault("captured-before-the-goods", "captures_earned", "pipelines/stages/dispatch.py",
          "    channel = _channel(draft, shop, shipment)\n",
          "    if draft.facts.number == 'X-SAT':\n"
          '        draft.ask(EffectIntent("payment.capture", "salon/X-SAT:capture", payload={"amount": draft.due}))\n'
          "    channel = _channel(draft, shop, shipment)\n"),
    Fault("refund-doubled", "refunds_exact", "pipelines/changes/money.py",
          _REFUND, _REFUND + _REFUND.replace("_REFUND, key,", '_REFUND, key + ":more",')),
    Fault("void-skipped", "voids_made", "pipelines/changes/money.py",
          '    draft.ask(EffectIntent(_VOID, _key(draft, "void"), wakes="settle"))', "    return"),
    Fault("key-changes-on-retry", "gateway_once", "workers/effects/payments.py",
          "            known = await gateway.lookup(order=order, key=row.key, reference=row.reference)\n",
          '            row = row._replace(key=f"{row.key}:{job.attempts}")\n'),
    Fault("time-out-counts-as-done", "captures_whole", "workers/effects/loop.py",
          "            return Outcome(Verdict.UNKNOWN, code=type(error).__name__)",
          "            return Outcome(Verdict.OK, code=type(error).__name__)"),
    Fault("books-a-yen-short", "gateway_agrees", "workers/effects/payments.py",
          '    data = {"snapshot": stands.to_json()} if stands else {}\n',
          '    data = {"snapshot": {**stands.to_json(), "captured": max(0, stands.captured - 1)}} if stands else {}\n'),
    Fault("deposit-counted-twice", "deposits_booked", "pipelines/stages/authorize.py",
          'draft.move_payment(PaymentState.CAPTURED, "deposit received", authorized=paid, captured=paid, as_of=came_at)',
          'draft.move_payment(PaymentState.CAPTURED, "deposit received", authorized=2 * paid, captured=2 * paid, as_of=came_at)'),
    # suppliers
    Fault("instruction-twice-by-another-key", "instructions_once", "workers/effects/suppliers.py",
          "        if batch.instructions:\n",
          '        if batch.instructions:\n            await sender.send(replace(batch, instructions=[replace(one, key=f"{one.key}:more") for one in batch.instructions]))\n'),
    Fault("instruction-called-sent", "instructions_sent", "workers/effects/suppliers.py",
          "zip([one.key for one in batch.instructions], await sender.send(batch), strict=True)",
          "zip([one.key for one in batch.instructions], await sender.send(batch) if job.id % 3 else [Outcome(Verdict.OK)] * len(batch.instructions), strict=True)"),
    Fault("instruction-without-a-line", "instructions_right", "pipelines/suppliers/instructions.py",
          "        lines=row.lines,\n", "        lines=row.lines[1:] or row.lines,\n"),
    Fault("told-by-another-channel", "channels_kept", "pipelines/stages/dispatch.py",
          "    if draft.facts.supplier_urls.get(shipment.supplier):\n", "    if draft.facts.supplier_urls.get(shipment.supplier) and draft.facts.number != 'X-SAT':\n"),
    Fault("cash-not-told", "cash_told", "pipelines/suppliers/telling.py",
          "        instruction = replace(instruction, collect=_collected_by(instruction.shipment, due))\n", "        pass\n"),
    Fault("second-parcel-dropped", "parcels_known", "pipelines/stages/notify.py",
          "            read(news, shipment, event)\n",
          "            if event.type == SHIPPED and draft.parcels_of(shipment.id):\n                draft.applied(event)\n            else:\n                read(news, shipment, event)\n"),
    Fault("tracking-of-the-wrong-parcel", "parcels_right", "pipelines/changes/parcels/tracking.py",
          "        news.draft.keep_parcel(parcel._replace(tracking_status=status, status_as_of=event.at))\n",
          "        news.draft.keep_parcel(parcel._replace(tracking_status=status, status_as_of=event.at, tracking_number='123456789012'))\n"),
    Fault("cutoff-off-by-an-hour", "days_right", "pipelines/values/dispatch_days.py",
          "        cutoff, moment = self.cutoff_on(at.date()), at.time().replace(microsecond=0)\n",
          "        cutoff, moment = self.cutoff_on(at.date()), at.time().replace(microsecond=0)\n        cutoff = cutoff.replace(hour=cutoff.hour + 1)\n"),
    Fault("closed-day-used", "days_right", "pipelines/rules/dates/cutoff.py",
          "        floor = leaves.calendar.next_open(in_japan(not_before).date())\n",
          "        floor = in_japan(not_before).date()\n        earliest = earliest if leaves.calendar.is_open(floor) else floor\n"),
    Fault("news-lost", "news_kept", "pipelines/engine/inbox.py",
          "    rows = _rows(connection, events)\n", "    rows = _rows(connection, [one for one in events if one.type != 'shipment.acknowledged'])\n"),
    Fault("contradiction-believed", "contradictions_refused", "pipelines/changes/parcels/answers.py",
          "    if expected is not None and (fault := _no_such_day(expected, in_japan(event.at).date())):\n", "    if fault := None:\n"),
    Fault("news-never-read", "news_read", "pipelines/engine/inbox.py",
          "        if row.state == PENDING and row.order_id is not None and (row.source, row.event_id) in new\n",
          "        if row.state == PENDING and row.type != 'deposit.received' and (row.source, row.event_id) in new\n"),
    # mails
    Fault("mail-called-sent", "mails_arrived", "workers/effects/mail.py",
          "        return await deliver(", "        if job.id % 50 == 7:\n            return Outcome(Verdict.OK)\n        return await deliver("),
    Fault("mail-twice", "mails_once", "workers/effects/mail.py",
          "        return await deliver(",
          "        if job.id % 50 == 7:\n            await deliver(ReadyMail(job.row.envelope_from, job.row.envelope_to, raw), job.lease.holds)\n        return await deliver("),
    Fault("mail-under-another-id", "mails_known", "workers/effects/mail.py",
          "        except UnknownDictionary as reason:", "            raw = raw.replace(b'Message-ID: <', b'Message-ID: <x', 1)\n        except UnknownDictionary as reason:"),
    Fault("mail-to-somebody-else", "mails_addressed", "pipelines/orders/mails.py",
          '        to=facts.told_email or customer["email"],\n', '        to="somebody@example.jp" if template == "order_delivered" else customer["email"],\n'),
    Fault("template-skipped", "mails_due", "pipelines/engine/draft.py",
          "        if mail.to:\n", '        if mail.to and mail.template != "payment_instructions":\n'),
    Fault("confirmed-twice", "mails_beyond", "pipelines/stages/accept.py",
          "    if found:\n", '    draft.tell(customer_mail("order_accepted", facts, shop, now, about="again", shipments=told, repriced=False))\n    if found:\n'),
    Fault("departure-untold", "departures_told", "pipelines/stages/notify.py",
          "        if (more or where in news.arrived) and not _is_kept(draft, where):\n",
          "        if more and where not in news.arrived:\n"),
    Fault("lease-never-renewed", "mails_once", "workers/effects/loop.py",
          "            held = dict(shift.held)\n", "            held = {}\n"),
    Fault("lease-never-expires", "effects_end", "models/store/leases.py",
          '_DUE: Final = """t.due_at <= now()\n', '_DUE: Final = """t.due_at <= now() AND (t.token = 0 OR t.attempts > 1)\n'),
    # storefronts
    Fault("event-not-sent", "events_told", "pipelines/engine/announce.py",
          "            if type_ is not None:\n", "            if type_ is not None and sequence % 7:\n"),
    Fault("event-twice", "events_once", "pipelines/engine/announce.py",
          '        _row(f"event:{order.id}:{data[\'sequence\']}:{one.id}", order.id, one, type_, data["at"], said)\n        for one in listening\n',
          '        _row(f"event:{order.id}:{data[\'sequence\']}:{one.id}{more}", order.id, one, type_, data["at"], said)\n        for more in ("", ":more")\n        for one in listening\n'),
    Fault("event-of-another-cause", "events_right", "pipelines/engine/announce.py",
          '                    "cause": move.cause,\n', '                    "cause": move.entity,\n'),
    # points and coupons
    Fault("points-granted-twice", "points_earned_as_priced", "pipelines/changes/points.py",
          '        draft.grant(NewLot(source, "purchase", points, LotState.PENDING, line=line or None, repriced=repriced))\n',
          '        for one in (source, f"{source}:more"):\n            draft.grant(NewLot(one, "purchase", points, LotState.PENDING, line=line or None, repriced=repriced))\n'),
    Fault("points-never-activated", "nothing_forgotten", "pipelines/stages/reward.py",
          "    if due:\n        _activate(", "    if not due:\n        _activate("),
    Fault("lot-over-spent", "points_lot_ledger", "pipelines/rules/lots.py",
          "    remaining = lot.remaining + amount * ((credit in STANDING) - (debit in STANDING))\n",
          "    remaining = lot.remaining + amount * ((credit in STANDING) - (debit in STANDING)) + (kind == 'use') * (amount // 2)\n"),
    Fault("coupon-not-recorded", "coupons_recorded", "pipelines/engine/admit.py",
          "    _all(coupons.add(connection, rows.coupons), rows.coupons)\n", ""),
    # returns
    Fault("exchange-not-linked", "replacements_are_linked", "pipelines/stages/returns.py",
          "        replacement=new.number,\n", "        replacement=None,\n"),
    # what stands still
    Fault("hold-never-ends", "holds_answered", "pipelines/stages/attend.py",
          '    draft.lift(lambda hold: hold in released, "operator")\n', ""),
    Fault("never-due-again", "nothing_forgotten", "pipelines/engine/draft.py",
          "        self._made.work.append(Due(self._stage, until, about, what, from_, then))\n", ""),
    Fault("decision-fails", "work_decided", "pipelines/stages/settle.py",
          "    left = outstanding(draft)\n", "    left = outstanding(draft)\n    assert not refunds, 'a refund'\n"),
    Fault("nobody-looks-it-up", "outcomes_known", "workers/effects/recording.py",
          "        if done.outcome.verdict == Verdict.UNKNOWN and done.job.unknowns + 1 >= self.unknowns:\n",
          "        if done.outcome.verdict == Verdict.UNKNOWN:\n"),
)  # fmt: skip
