"""The method. Read this subpackage first, and in it `dc.py` together with Algorithm 1 of the paper.

`networks` and `matching` are the building blocks. `stage_c` runs an algorithm, and `stage_t` trains and tests networks
on the learned images. `recipes` holds the choices of both stages. Of the kit it imports `dckit.data` and
`dckit.engine`.
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
