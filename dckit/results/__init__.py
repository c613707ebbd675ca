"""Measured results: how they are made, stored, and compared with the numbers of the paper and the report.

Of the kit it imports `dckit.show` and lower subpackages.
"""

from .details import difference
from .figures import accuracy_by_ipc, cells_of, heatmaps, printed_cells, samples
from .ladders import alone_and_last, effect, forest, rungs, steps, waterfall
from .measured import BUILT, NETWORKS, Cell, Measured, networks_of, recipe_of, theirs_of
from .measuring import condensed_images, measure, saved_sets
from .paper_tables import setting, table_1, table_2, table_3
from .recipe_words import protocol_recipe, words_of
from .run import METHODS, Run, command, runs
from .spreads import Spread, spread, spread_table
from .store import Result, read, read_all, save, with_shipped
from .verdicts import AGREES_WITHIN, PRINTED, Sample, Verdict, compare, pooled, printed, reference
