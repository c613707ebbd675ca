"""Real images, and the synthetic sets learned from them.

Imports `dckit.engine` alone.
"""

from .condensed import SHIPPED, CondensedSet, base_card, shipped_sets
from .datasets import ImageData, Shape, Split, denormalise, load, name_of, normalise
