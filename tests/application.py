"""The application of many tests: its routes are made once a process, since they take longer than what most tests do with them."""

from __future__ import annotations

from copy import copy

from fastapi import FastAPI
from starlette.datastructures import State

from pipelines.orders.act import actions
from workers.web.app import create_app, state_for
from workers.wiring import House

_MADE: dict[tuple[str, ...], FastAPI] = {}


def application(house: House) -> FastAPI:
    """The application on ``house``, with a state of its own; plug-ins may have added actions, and so routes."""
    names = tuple(one.name for one in actions())
    if names not in _MADE:
        _MADE[names] = create_app(house)
        return _MADE[names]
    app = copy(_MADE[names])
    app.state, app.middleware_stack = State({"shukka": state_for(house)}), None
    return app
