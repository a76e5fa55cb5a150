"""django-oscar's own orders, payments and shipping events, with an application beside it for what it has no tables for."""
