"""Reports: one self-contained page each, from arrays and files. Nothing here calls a model."""

from hetero_unc.reports.html import Page, Section, render_page, write_page

__all__ = ["Page", "Section", "render_page", "write_page"]
