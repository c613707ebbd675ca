"""Real images, and the synthetic sets learned from them.

Of the kit it imports only `dckit.engine`.
"""

from .card import base_card, refuse_other_data
from .condensed import SHIPPED, CondensedSet, shipped_sets
from .datasets import ImageData, Shape, Split, denormalise, normalise
from .loading import load, name_of
from .remarks import remarks
from .shapes import draw_shapes
