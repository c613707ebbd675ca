"""Pictures with alternative text, tables, and the progress of a run.

Of the kit it imports `dckit.method` and lower subpackages.
"""

from . import drawing
from .loop import stage_c
from .plots import BLUE, MARKED, ORANGE, Picture, condensed_grid, draw_grid, kits_style, mark_guess, new_axes, picture
from .progress import AnyStage, Draw, watch, watched
from .table import Table
