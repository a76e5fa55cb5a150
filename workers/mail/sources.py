"""From the files of ``templates_mail`` to compiled Jinja templates.

Three steps, once a process: MJML is compiled, ``[[name]]`` is filled (words of the locale, ``[[style.x]]``,
``[[part.x]]``, ``[[choice.x]]``), Jinja is compiled. MRML leaves Jinja's markup alone as long as it stands in text or in ``mj-raw`` and
holds no ``<`` or ``&``. What is constant is plain text by then: no macro or include costs a rendered mail anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from mjml import mjml2html

import templates_mail
from pipelines.gateway import BuyerStep
from pipelines.methods import METHODS
from workers.mail import wording

_BLANK: Final = re.compile(r"\[\[([a-z_.]+)\]\]")
_BODY: Final = "[[body]]"
_LOCALE: Final = "[[locale]]"
#: Style sheets for columns beside each other; the one that mails have is as wide as its own style says.
_COLUMN_WIDTHS: Final = re.compile(r"<style[^>]*>[^<]*\.mj-column-per-100 [^<]*</style>")
_BETWEEN_TAGS: Final = re.compile(r">\s+<")

#: What ``[[choice.x]]`` chooses by, and the values there are.
_CHOICES: Final[Mapping[str, tuple[str, Iterable[str]]]] = {"buyer": ("buyer.step", BuyerStep)}

Load = Callable[[str, str], str]
Table = Callable[[str], Mapping[str, Any]]


def _nothing(file: str) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A mail's templates. Every value in ``html`` is escaped; it also reads ``subject``. The others are plain text."""

    subject: Template
    text: Template
    html: Template


class Sources:
    """The templates of one locale, compiled lazily, each once.

    ``load``: where a file comes from.  ``over``: what is laid over the tables of words and styles, name by name.
    ``is_sound``: whether every mail was compiled, and rendered as far as there are samples.
    """

    def __init__(self, locale: str, *, load: Load = templates_mail.load, over: Table = _nothing) -> None:
        self._locale = locale
        self._load = cache(load)
        self._over = over
        self._mails: dict[str, Compiled] = {}
        self.is_sound = False

    def mail(self, template: str) -> Compiled:
        """The templates of one mail. Raises jinja2.TemplateError, or ValueError from MJML."""
        known = self._mails.get(template)
        if known is None:
            known = self._mails[template] = Compiled(
                subject=self._text.get_template(f"{template}/subject.{self._locale}.txt"),
                text=self._text.get_template(f"{template}/text.{self._locale}.txt"),
                html=self._html.get_template(f"{template}/body.{self._locale}.mjml"),
            )
        return known

    @cached_property
    def _words(self) -> Mapping[str, Any]:
        return self._table(f"words.{self._locale}.toml")

    @cached_property
    def _styles(self) -> Mapping[str, str]:
        styles: Mapping[str, str] = self._table("styles.toml")["style"]
        return styles

    def _table(self, file: str) -> Mapping[str, Any]:
        """A table of ``_layout`` with what is laid over it; a table in it likewise."""
        own, table = self._over(file), tomllib.loads(self._read(f"_layout/{file}"))
        return {
            name: {**value, **own.get(name, {})} if isinstance(value, dict) else own.get(name, value)
            for name, value in table.items()
        }

    @cached_property
    def _text(self) -> Environment:
        return self._environment("txt")

    @cached_property
    def _html(self) -> Environment:
        return self._environment("html")

    def _environment(self, medium: str) -> Environment:
        environment = _Environment(
            loader=FunctionLoader(self._source),
            autoescape=medium == "html",
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            optimized=False,
            cache_size=-1,
        )
        environment.filters.update(wording.filters(self._locale))
        environment.filters.update(
            method=_method(self._locale),
            slot=_label(self._words["slots"]),
            buyer_step=_label(self._words["buyer_steps"]),
        )
        environment.globals.clear()
        return environment

    def _source(self, path: str) -> str:
        """The Jinja source behind ``<template>/<file>``; a text or MJML body is put into its frame."""
        if path.endswith(".mjml"):
            # Not mj-include: MRML gives included elements no row, hence no padding, of their own.
            mjml = self._read("_layout/frame.mjml").replace(_BODY, self._read(path)).replace(_LOCALE, self._locale)
            html = _COLUMN_WIDTHS.sub("", mjml2html(mjml, disable_comments=True, fonts={}))
            return _BETWEEN_TAGS.sub("><", self._fill(html, "html", path))
        if "/text." in path:
            return self._fill(self._read("_layout/frame.txt").replace(_BODY, self._read(path)), "txt", path)
        return self._fill(self._read(path), "txt", path)

    def _read(self, path: str) -> str:
        template, file = path.split("/")
        try:
            return self._load(template, file).rstrip()
        except OSError:
            raise TemplateNotFound(path, f"the file templates_mail/{path} is missing") from None

    def _word(self, kind: str, name: str, template: str) -> str:
        """What fills a blank of ``template``; raises KeyError for nothing."""
        if kind == "style":
            return str(self._styles[name])
        return str(self._words["preheaders"].get(template, "") if name == "preheader" else self._words[name])

    def _choice(self, name: str, medium: str) -> str:
        """The part ``<name>_<value>`` of each value that a variable may have, of which the mail's own is shown."""
        variable, values = _CHOICES[name]
        branches = [
            f"{{% if {variable} == '{value}' %}}\n{self._read(f'_layout/{name}_{value}.{medium}')}\n{{% endif %}}\n"
            for value in values
        ]
        return "".join(branches)

    def _fill(self, source: str, medium: str, path: str) -> str:
        """Fill the blanks of ``source``, and those in what fills them."""

        def filling(blank: re.Match[str]) -> str:
            kind, _, name = blank[1].rpartition(".")
            if kind == "part":
                return self._fill(self._read(f"_layout/{name}.{medium}"), medium, path)
            if kind == "choice":
                return self._fill(self._choice(name, medium), medium, path)
            try:
                return self._word(kind, name, path.partition("/")[0])
            except KeyError:
                raise TemplateSyntaxError(f"nothing in templates_mail/_layout fills {blank[0]}", 0, path) from None

        return _BLANK.sub(filling, source)


class _Generator(CodeGenerator):
    """Writes ``_Environment.getattr`` and the look for what must be escaped out in place, which spares 100 calls a mail."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("(_shown if type(_shown := ")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write(") is str and environment.find_markup(_shown) is None else escape(_shown))")
        else:
            super()._output_child_post(node, frame, finalize)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - its name in Jinja
        key = repr(node.attr)
        self.write(f"(_found[{key}] if type(_found := ")
        self.visit(node.node, frame)
        self.write(f") is dict and {key} in _found else environment.getattr(_found, {key}))")


class _Environment(Environment):
    """Looks into a dict by key first: much quicker, and a key such as ``items`` means the key."""

    code_generator_class = _Generator
    #: Finds a character that must be escaped; most values have none.
    find_markup = staticmethod(re.compile("[&<>'\"]").search)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


@cache
def of_house(locale: str) -> Sources:
    """The templates of ``locale`` as they are delivered: one for the process, and for those that are forked from it."""
    return Sources(locale)


def _method(locale: str) -> Callable[[str], str]:
    """A filter: what customers call a payment method."""
    return lambda name: METHODS[name].names[locale] if name in METHODS else name


def _label(labels: Mapping[str, str]) -> Callable[[str], str]:
    """A filter: the label of a code, or the code itself where it needs none (a slot in the customer's own words)."""
    return lambda code: labels.get(code, code)
