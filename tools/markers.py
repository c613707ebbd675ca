"""The accuracies in running text: filled in from results, or printed by a source that the sentence names.

A number between two comments is filled in by `python tools/kit.py`: <!-- kit: NAME -->91.2<!-- end -->. Its forms are

    NAME                    mean accuracy in %. NAME is a result's file name: one run with its seed, else all seeds
    NAME ±                  mean ± sample deviation over the means of sets
    NAME - OTHER            by how many points the two differ, over the seeds that both have
    NAME - OTHER interval   the 95 % interval of NAME minus OTHER
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks.points import RESULTS as FRONTIER
from dckit.results import PRINTED, Result, effect, pooled, read_all, reference, with_shipped
from tools.prose import MARKED, sentences

ACCURACY = re.compile(
    r"(?<![\w.,−+-])(?:\d{1,2}\.\d{1,2} ± \d+\.\d+|\d{1,2}\.\d{1,2}(?= %)|\d\d\.\d{1,2}(?![\d.]| (?:k?s|min|[kMG]B)\b))"
)
DATASET = re.compile(rf"\b(?:{'|'.join(PRINTED.values())})\b")
# What was printed, and the words that name its source
SOURCES = {
    "paper": r"paper|print",
    "report": r"report|student|print",
    "family": r"DSA|DM|print",
}


def value(what: str) -> str:
    """What a marker stands for. Raises ValueError for an unknown form, and where there is no result."""
    match what.split():
        case [name]:
            return f"{pooled(_found(name)).mean:.1f}"
        case [name, "±"]:
            means = [result.scores.mean for result in _found(name)]
            return f"{fmean(means):.1f} ± {stdev(means):.1f}"
        case [name, "-", other]:
            return f"{abs(effect(_found(other), _found(name)).difference):.1f}"
        case [name, "-", other, "interval"]:
            return str(effect(_found(other), _found(name))).partition("(")[2].rstrip(")")
    raise ValueError(f"“kit: {what}” has no known form")


def _found(name: str) -> list[Result]:
    found = [result for result in _results() if name in (result.run.name, result.run.setting)]
    if not found:
        raise ValueError(f"there is no result {name}")
    return found


@cache
def _results() -> list[Result]:
    return with_shipped(read_all(FRONTIER)[0])


def texts(root: Path) -> list[Path]:
    """The README, the pages in docs and the lessons below ``root``, as far as they are there."""
    return [*root.glob("README.md"), *sorted(root.glob("docs/*.md")), *sorted(root.glob("notebooks/*.ipynb"))]


def filled(text: str) -> str:
    """A text with the number that belongs into each marker."""
    return MARKED.sub(lambda found: found[1] + value(found[2]) + found[4], text)


def write(root: Path) -> None:
    """Fill the markers of all texts."""
    for path in texts(root):
        text = path.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            path.write_text(new, encoding="utf-8")


def markdown(path: Path) -> str:
    """A page's text, or that of a lesson's Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return "\n\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")


def bare(text: str) -> Iterator[tuple[str, str]]:
    """Accuracies in running text that neither a marker holds nor a source printed that the sentence names.

    Each comes with its sentence. Where the sentence names datasets, the source printed the number for one of these.
    """
    for sentence in sentences(MARKED.sub("N", text)):
        named = [source for source, words in SOURCES.items() if re.search(words, sentence)]
        datasets = DATASET.findall(sentence) or PRINTED.values()
        known = {number for source in named for dataset in datasets for number in printed(source, dataset)}
        yield from ((number, sentence) for number in ACCURACY.findall(sentence) if number not in known)


@cache
def printed(source: str, dataset: str) -> frozenset[str]:
    """Every number that a source printed for a dataset, alone and with its deviation: "91.7" and "91.7 ± 0.5"."""
    return frozenset(_numbers(reference(source), dataset))


def _numbers(content: Any, dataset: str) -> Iterator[str]:
    if isinstance(content, dict):
        if content.get("dataset", dataset) != dataset:
            return
        if "mean" in content:
            yield f"{content['mean']} ± {content['std']}"
        content = list(content.values())
    for part in content if isinstance(content, list) else ():
        yield from [str(part)] if isinstance(part, float) else _numbers(part, dataset)
