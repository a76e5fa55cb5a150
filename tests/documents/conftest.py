"""The sites of tests of documents."""

from tests.web.conftest import site

__all__ = ["site"]
