"""Widgets: one file each, with its picture (`shown`, a plain function) and its controls.

Imports `dckit.results` and what lies below it. The only room that needs ipywidgets.
"""

from .distance_lab import distance
from .feature_space import feature_space
from .growth import growth
from .initialisation import initialisation
from .interval import interval
from .live_run import Live
from .memory import memory
from .panel import Panel
from .protocol_switches import switches
from .set_explorer import explore
from .siamese import siamese
from .spread import spread
from .table_explorer import tables
