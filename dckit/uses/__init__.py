"""What a few images per class are good for: remembering old classes (`remember`), choosing a network (`choose`).

Both take a set of images, condensed or not, and say how well it serves. Imports `dckit.method` and what lies below it.
"""

from .choose import VARIANTS, Ranked, network_name, rank_correlation, ranked
from .remember import PROTOCOLS, Course, Remembered, course, remembering
