"""A recipe in a line of words: "published", "report", or one of them with some choices changed.

"report + optimiser + epochs"       the report's recipe, with these details as in the published code
"published - augmentation"          the published recipe, with this detail as in the report
"published + init=real"             a field set to a value, in both stages where both have it
"published + testing.width=64"      a field of one stage
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ..engine import json_or_text
from ..method import Recipe, without_batch_norm
from .details import DETAILS, switched

_OTHER = {"published": "report", "report": "published"}
# Words of version 0.1. "network" is here that of stage C; another parameter gives that of stage T.
OLD = {f"test_{name}": f"testing.{name}" for name in ("network", "version", "width")}
OLD |= {"network": "condensing.network"}
SIGN = {"report": "+", "published": "-"}  # before a detail of the other recipe


def protocol_recipe(
    protocol: str,
    ipc: int = 1,
    budget: str = "full",
    network: str = "ConvNet",
    trained: str = "ConvNet",
    method: str = "dc",
) -> Recipe:
    """The recipe that the words in ``protocol`` describe.

    network, trained: the networks of stage C and of stage T. method: the algorithm of stage C. Raises ValueError for
    unknown words.
    """
    base, *changes = re.split(r"\s+([+-])\s+", protocol.strip())
    if base not in _OTHER:
        raise ValueError(
            f"unknown protocol {protocol!r}: expected published or report, alone or with changes such as "
            '"report + optimiser", "published - augmentation" or "published + init=real"'
        )
    start = Recipe.filled_by(base, ipc, budget, network, method).but(testing={"network": trained})
    by_name = {detail.name: detail for detail in DETAILS}
    recipe = start
    for sign, change in zip(changes[::2], changes[1::2], strict=True):
        field, equals, text = change.partition("=")
        if equals and sign == "+":
            part, dot, name = OLD.get(field, field).rpartition(".")
            value = json_or_text(text)
            recipe = recipe.but(**{part: {name: value}} if dot else {name: value})
        elif change in by_name and sign == SIGN[base]:
            recipe = switched(recipe, [by_name[change]], start.filled(_OTHER[base]))
        else:
            raise ValueError(
                f"{sign} {change} in protocol {protocol!r}: expected {SIGN[base]} and one of "
                f"{', '.join(by_name)}, or + and a field of a recipe such as image_lr=0.01"
            )
    return recipe


def words_of(recipe: Recipe) -> str:
    """A recipe in words that `protocol_recipe` reads: its protocol, and each field that differs from the protocol."""
    network = recipe.condensing.network
    usual = Recipe.filled_by(recipe.protocol, recipe.ipc, recipe.budget, without_batch_norm(network), recipe.method)
    changed = {} if usual.condensing.network == network else {"condensing.network": network}
    changed |= recipe.differences(recipe.filled(recipe.protocol))
    return " + ".join((recipe.protocol, *fields_in_words(changed)))


def fields_in_words(changed: Mapping[str, Any]) -> list[str]:
    """Fields with their values, as `protocol_recipe` reads them: "init=real"."""
    return [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in changed.items()]
