"""Drawing and pages: pictures of items, contact sheets, one-file reports."""

from df2mm.visualization.draw import draw_items

__all__ = ['draw_items']
