"""What an order is beside django-oscar's own tables: its document, shipments, moves, mails, points."""

from __future__ import annotations

from django.db import models


class Document(models.Model):
    """The order as it was accepted, and its prices."""

    order = models.OneToOneField("order.Order", models.CASCADE, primary_key=True)
    document = models.JSONField()
    breakdown = models.JSONField()


class Shipment(models.Model):
    """What one supplier is asked to ship."""

    id = models.CharField(max_length=32, primary_key=True)
    order = models.ForeignKey("order.Order", models.CASCADE, related_name="shipments")
    supplier = models.CharField(max_length=64)
    state = models.CharField(max_length=32)
    dispatch_on = models.DateField(null=True)
    arrive_on = models.DateField(null=True)
    because = models.JSONField()

    @property
    def backorder(self) -> bool:
        """Whether it waits for goods: here everything is in stock."""
        return False


class ShipmentLine(models.Model):
    """Pieces of an order's line in a shipment."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="lines")
    line = models.ForeignKey("order.Line", models.CASCADE)
    quantity = models.PositiveIntegerField()
    shipped = models.PositiveIntegerField(default=0)


class Parcel(models.Model):
    """What left."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="parcels")
    event = models.ForeignKey("order.ShippingEvent", models.CASCADE)
    carrier = models.CharField(max_length=32)
    tracking_number = models.CharField(max_length=64, db_index=True)
    shipped_at = models.DateTimeField()


class Move(models.Model):
    """A move of anything with its cause."""

    order = models.ForeignKey("order.Order", models.CASCADE, related_name="moves")
    entity = models.CharField(max_length=16)
    entity_id = models.CharField(max_length=64)
    from_state = models.CharField(max_length=32, blank=True)
    to_state = models.CharField(max_length=32)
    cause = models.CharField(max_length=200)
    at = models.DateTimeField()


class Mail(models.Model):
    """A mail, rendered."""

    message_id = models.CharField(max_length=128, unique=True)
    order = models.ForeignKey("order.Order", models.CASCADE, related_name="mails")
    template = models.CharField(max_length=64)
    envelope_from = models.CharField(max_length=254)
    envelope_to = models.CharField(max_length=254)
    packed = models.BinaryField()
    state = models.CharField(max_length=16)
    at = models.DateTimeField()


class Lot(models.Model):
    """Points of an order."""

    order = models.ForeignKey("order.Order", models.CASCADE, related_name="lots")
    customer = models.CharField(max_length=64, db_index=True)
    amount = models.PositiveIntegerField()
    state = models.CharField(max_length=16)
    expires_at = models.DateTimeField(null=True)
    at = models.DateTimeField()


class PointsMoved(models.Model):
    """A move of points between two accounts."""

    lot = models.ForeignKey(Lot, models.CASCADE, related_name="moved")
    debit = models.CharField(max_length=16)
    credit = models.CharField(max_length=16)
    amount = models.PositiveIntegerField()
    at = models.DateTimeField()
