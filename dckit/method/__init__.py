"""The method: read this room first, and in it `dc.py`, beside Algorithm 1 of the paper.

`networks` and `matching` are what it is built of; `stage_c` runs an algorithm, `stage_t` tests what it learned;
`recipes` holds all choices. Imports `dckit.data` and `dckit.engine`.
"""

from .augment import strategy
from .baselines import CHOSEN, chosen_images, random_images, ranking
from .checkpoint import State
from .choices import Choices
from .dc import DC, matching_step
from .dd import DD
from .dm import DM
from .dsa import DSA
from .matching import METRICS, gradient_distance, gradients
from .networks import NETWORKS, build
from .recipes import ALGORITHMS, BUDGETS, PARTS, Recipe, without_batch_norm
from .stage_c import condensing
from .stage_t import Scores, evaluating
from .train import accuracy, train_epoch
