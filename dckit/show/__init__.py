"""Pictures with alternative text, tables, and the progress of a run.

Imports `dckit.method` and what lies below it.
"""

from .plots import BLUE, MARKED, ORANGE, Picture, condensed_grid, draw_grid, kits_style, mark_guess, picture
from .progress import AnyStage, Draw, watch, watched
from .table import Table
