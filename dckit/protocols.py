"""A recipe in a line of words: "published", "report", or one of them with some choices changed.

"report + optimiser + epochs"       the report's, with these details as the published code has them
"published - augmentation"          the published code's, with this detail as the report has it
"published + init=real"             a field of `Recipe` set to a value
"""

import json
import re
from dataclasses import asdict

from .details import DETAILS, switched
from .files import json_or_text
from .recipes import Recipe

_FILL = {"published": Recipe.published, "report": Recipe.report}
_SIGN = {"report": "+", "published": "-"}  # that brings in a detail of the other one


def protocol_recipe(
    protocol: str, ipc: int = 1, budget: str = "full", network: str = "ConvNet", trained: str = "ConvNet"
) -> Recipe:
    """The recipe of a cell: condensed with ``network``, ``trained`` in stage T, the rest by the words of ``protocol``.

    Raises ValueError for words that mean nothing.
    """
    base, *changes = re.split(r"\s+([+-])\s+", protocol.strip())
    if base not in _FILL:
        raise ValueError(
            f"unknown protocol {protocol!r}: expected published or report, alone or with changes such as "
            '"report + optimiser", "published - augmentation" or "published + init=real"'
        )
    start, other = (
        _FILL[name](ipc, budget, network).but(test_network=trained) for name in (base, *(_FILL.keys() - {base}))
    )
    by_name = {detail.name: detail for detail in DETAILS}
    recipe = start
    for sign, change in zip(changes[::2], changes[1::2], strict=True):
        field, equals, text = change.partition("=")
        if equals and sign == "+":
            recipe = recipe.but(**{field: json_or_text(text)})
        elif change in by_name and sign == _SIGN[base]:
            recipe = switched(recipe, [by_name[change]], other)
        else:
            raise ValueError(
                f"{sign} {change} in protocol {protocol!r}: expected {_SIGN[base]} and one of "
                f"{', '.join(by_name)}, or + and a field of Recipe such as image_lr=0.01"
            )
    return recipe


def words_of(recipe: Recipe) -> str:
    """The words for a recipe: its protocol, and each field that differs from it. `protocol_recipe` understands them."""
    plain = _FILL[recipe.protocol](recipe.ipc, recipe.budget, recipe.network)
    # unless said, the network of stage T is built as that of stage C
    version = plain.but(version=recipe.version).test_build[1]
    before = asdict(plain.but(test_network=recipe.tested_with, test_version=version))
    after = asdict(recipe.but(test_network=recipe.tested_with, test_version=recipe.test_build[1]))
    changed = {name: value for name, value in after.items() if value != before[name]}
    texts = (f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in changed.items())
    return " + ".join((recipe.protocol, *texts))
