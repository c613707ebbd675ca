"""What makes the method fast and safe: threads and GPU graphs, gradients in pieces, layers, devices, seeds, files.

It imports nothing else of the kit, and does not depend on recipes or algorithms. Readers of the method can skip it.
"""

from .cuda_graphs import graphs_on
from .device import device_name, pick_device, sent, tf32, versions
from .files import expanded, json_or_text, project_folder, read_tensors, replacing, write_json, write_tensors
from .layers import AvgPool2x2, Bfloat16, Dropout, Resize, dropping_out
from .pieces import Matcher, descend, gradients_and_logits
from .rotation import ROTATE, rotate
from .seeds import as_torchs_own, numbers, seeded, whole
from .threads import at_once, exhausted, side_by_side, steady, stepwise
