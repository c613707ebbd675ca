"""Pictures with alternative text, tables, and the progress of a run.

Imports `dckit.method` and what lies below it.
"""

from . import drawing
from .loop import stage_c
from .plots import BLUE, MARKED, ORANGE, Picture, condensed_grid, draw_grid, kits_style, mark_guess, picture
from .progress import AnyStage, Draw, watch, watched
from .table import Table
