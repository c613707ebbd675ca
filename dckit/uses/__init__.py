"""What a few images per class are good for: remembering old classes (`remember`), choosing a network (`choose`).

Both take a set of images, condensed or not, and say how well it serves. `compared` sets them side by side, `shipped`
reads what comes with the kit, `figures` draws it. Imports `dckit.show` and what lies below it.
"""

from .choose import VARIANTS, Ranked, network_name, rank_correlation, ranked
from .compared import KINDS, WAYS, Amounts, Memories, Memory, amounts, beats, equal_cost, gain
from .figures import gain_table, memory_curves, rank_table, ranks
from .remember import PROTOCOLS, Remembered, course, remembering
from .shipped import ShippedMemories, ShippedRanks
