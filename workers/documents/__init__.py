"""Documents become bytes here: typst, an embedded Japanese font, a seal of outlines."""
