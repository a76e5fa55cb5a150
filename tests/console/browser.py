"""A browser for the console's tests: one jar of cookies, links followed by hand, forms as they stand on the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from html.parser import HTMLParser
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from tests.application import application
from tests.world import World
from workers.operators import add_account, one_time_path

Result = TypeVar("Result")

BASE = "https://pages.shukka.example"


class Form:
    """One form of a page."""

    def __init__(self, action: str, method: str) -> None:
        self.action, self.method = action, method
        self.fields: dict[str, str] = {}


class Forms(HTMLParser):
    """Every form of a page with what stands in its fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._choice = self._area = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(told.get("action", ""), told.get("method", "get")))
        elif tag == "input" and told.get("type") != "checkbox":
            self.forms[-1].fields[told["name"]] = told.get("value", "")
        elif tag == "select":
            self._choice = told["name"]
            self.forms[-1].fields.setdefault(self._choice, "")
        elif tag == "option" and "selected" in told:
            self.forms[-1].fields[self._choice] = told["value"]
        elif tag == "textarea":
            self._area = told["name"]
            self.forms[-1].fields[self._area] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


class Browser:
    """One browser: what it was told to keep, it sends again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        transport = httpx.ASGITransport(console.app, raise_app_exceptions=True)
        self.client = httpx.AsyncClient(transport=transport, base_url=BASE, headers={"accept-language": "ja"})

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._console.run(self.client.get(path, **options))

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        told = {"content-type": "application/x-www-form-urlencoded", "origin": BASE, "sec-fetch-site": "same-origin"}
        sent = {**told, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self._console.run(self.client.post(path, content=urlencode(fields), headers=sent))

    def form(self, page: httpx.Response, action: str) -> Form:
        """The form of a page that is sent to where ``action`` is part of."""
        return next(one for one in Forms(page.text).forms if action in one.action)

    def send(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        """Fill a form of a page in, and send it; names have dots where Python has none of them: ``lines__0__quantity``."""
        form = self.form(page, action)
        filled = {**form.fields, **{name.replace("__", "."): value for name, value in typed.items()}}
        return self.post(form.action, filled)

    def act(self, action: str, number: str = "S-1", query: str = "", **typed: str) -> httpx.Response:
        """Fill in the form of an action and look at what it would do."""
        page = self.get(f"/console/orders/salon/{number}/act/{action}{query}")
        assert page.status_code == 200, page.text
        return self.send(page, "/act/", **typed)


class Console:
    """The application, and who may open its console."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app = application(world.house)
        self._asyncio = asyncio.Runner()
        self._browsers: list[Browser] = []

    def run(self, going: Coroutine[Any, Any, Result]) -> Result:
        async def whole() -> Result:
            return await going

        return self._asyncio.run(whole())

    def browser(self) -> Browser:
        self._browsers.append(Browser(self))
        return self._browsers[-1]

    def signed_in(self, name: str, roles: Mapping[str, str]) -> Browser:
        """A browser in which ``name`` is signed in, by a one-time link."""
        browser = self.browser()
        path = one_time_path(self.world.engine, add_account(self.world.engine, name, roles))
        assert browser.post(path, {}).status_code == 303
        return browser

    def close(self) -> None:
        for browser in self._browsers:
            self.run(browser.client.aclose())
        self._asyncio.close()
        self.app.state.shukka.desk.close()


def text_of(page: httpx.Response) -> str:
    """What a reader reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
