"""Widgets: one file each, with its picture (`shown`, a plain function) and its controls.

Imports `dckit.results` and what lies below it. The only room that needs ipywidgets.
"""

from .distance_lab import distance
from .live_run import Live
from .panel import Panel
from .protocol_switches import switches
from .set_explorer import explore
from .table_explorer import tables
