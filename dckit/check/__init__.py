"""The lessons' exercises: a check for each, and a lesson's predictions beside its measurements.

A check calls the learner's code on something small and says what is wrong with it. In the order of the lessons:
`pixels`, `layerwise_distance`, `matching_step`, `wrong_gradient`, `stage_t`, `herding`, `verdict`, `alexnet_bug`.
Imports `dckit.results` and what lies below it.
"""

from .distance import layerwise_distance
from .herding import herding
from .pixels import pixels
from .predictions import Guesses
from .reading import alexnet_bug, verdict
from .stage_c import matching_step, wrong_gradient
from .stage_t import stage_t
