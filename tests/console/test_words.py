"""The console has a Japanese word for whatever the house names; in English a name without one is read as it is."""

from __future__ import annotations

from models.states import Condition, HoldReason, OrderState, PaymentState, ShipmentState, TrackingState
from pipelines.bounces.report import Reason
from pipelines.methods import METHODS
from pipelines.route import ROUTE
from templates_mail import TEMPLATES
from workers.web.console.frame import words

STATES = {str(one) for kind in (OrderState, Condition, PaymentState, ShipmentState, TrackingState) for one in kind}


def test_what_the_house_names_has_words() -> None:
    tables = words("ja")["words"]
    missing = {
        "state": STATES - set(tables["state"]),
        "reason": {str(one) for one in HoldReason} - set(tables["reason"]),
        "mail": set(TEMPLATES) - set(tables["mail"]),
        "method": set(METHODS) - set(tables["method"]),
        "bounce": {str(one) for one in Reason} - set(tables["bounce"]),
        "stage": {stage.name for stage in ROUTE} - set(tables["stage"]),
        "entity": {event for stage in ROUTE for event in (*stage.consumes, *stage.asks)} - set(tables["entity"]),
    }
    assert missing == {name: set() for name in missing}


def test_both_languages_say_the_same_things() -> None:
    assert set(words("ja")) == set(words("en"))
    assert set(words("ja")["words"]) == set(words("en")["words"])
