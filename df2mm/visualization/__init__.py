"""Drawing and pages: pictures of items, contact sheets, one-page reports.

Needs neither torch nor mmdet, except for ``visualizer``, which registers
DeepFashion2Visualizer with mmdet and is imported on its own.
"""

from df2mm.visualization.charts import line_chart_svg
from df2mm.visualization.draw import draw_items
from df2mm.visualization.images import read_image, write_image
from df2mm.visualization.report import Report
from df2mm.visualization.sheet import contact_sheet, side_by_side
from df2mm.visualization.tables import format_table

__all__ = [
    'Report',
    'contact_sheet',
    'draw_items',
    'format_table',
    'line_chart_svg',
    'read_image',
    'side_by_side',
    'write_image',
]
