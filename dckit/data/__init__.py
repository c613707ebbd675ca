"""Real images, and the synthetic sets learned from them.

Imports `dckit.engine` alone.
"""

from .condensed import SHIPPED, CondensedSet, base_card, refuse_other_data, shipped_sets
from .datasets import ImageData, Shape, Split, denormalise, normalise
from .loading import load, name_of
from .remarks import remarks
from .shapes import draw_shapes
