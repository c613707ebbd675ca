"""The lessons' exercises: a check for each, and a lesson's predictions beside its measurements.

A check calls the learner's code on something small and says what is wrong with it. In the order of the lessons:
`pixels`, `layerwise_distance`, `matching_step`, `wrong_gradient`, `stage_t`, `spread_reading`, `herding`,
`sets_needed`, `darkest`, `verdict`, `paired_step`, `alexnet_bug`, `spread_by_luck`, `siamese`, `embedding_distance`,
`unrolled_step`, `memory_batch`, `rank_correlation`, `split_by_class`.
`Guesses` keeps a lesson's predictions, `judged` shows those of all lessons, and `import_guesses` adds those that a
page of the book saved.
Imports `dckit.results` and what lies below it.
"""

from .alexnet import alexnet_bug
from .distance import embedding_distance, layerwise_distance
from .family import siamese, unrolled_step
from .herding import herding
from .judged import judged
from .kept import import_guesses
from .own import split_by_class
from .pixels import pixels
from .predictions import Guesses
from .reading import spread_reading, verdict
from .reading_details import paired_step, spread_by_luck
from .reading_interval import darkest, sets_needed
from .stage_c import matching_step, wrong_gradient
from .stage_t import stage_t
from .uses import memory_batch, rank_correlation
