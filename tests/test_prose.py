"""Numbers in running text come from results, by the markers that `tools/kit.py` fills, or from what was printed."""

import re
from pathlib import Path

import pytest

from tools.markers import bare, filled, markdown, texts, value, write
from tools.prose import sentences

ROOT = Path(__file__).parents[1]
TEXTS = texts(ROOT)
NAME = "mnist-1-dc-ConvNet-ConvNet-published-lesson"
EXCEPTIONS = {  # a piece of the sentence: why its accuracies are neither printed nor from a result
    "between 91.2 and 92.2 %": "an exercise: the paper's mean plus and minus its deviation",
    "between 86.6 and 87.6 %": "the same of the report's",
    "With DD-Ranking,": "measured by DD-Ranking, which keeps no result of this kit",
}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_text_holds_no_accuracy_without_a_source(path):
    found = [f"{n}: {sentence}" for n, sentence in bare(markdown(path)) if not any(e in sentence for e in EXCEPTIONS)]
    assert found == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_marker_holds_what_it_names_and_begins_no_line(path):
    text = path.read_text(encoding="utf-8")
    assert filled(text) == text
    assert text.count("<!-- kit:") == len(re.findall(r"<!-- kit: [^\n]+? -->[^\n<]+<!-- end -->", text))
    assert not re.search(r"^[\s>*+-]*<!-- kit:", markdown(path), re.MULTILINE)


def test_every_exception_is_still_needed():
    left = [sentence for path in TEXTS for _, sentence in bare(markdown(path))]
    assert [e for e in EXCEPTIONS if not any(e in sentence for sentence in left)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It reaches 91.2 %.", ["91.2"]),
        ("It reaches 91.2, and 91.25 ± 0.3 on average.", ["91.2", "91.25 ± 0.3"]),
        ("The paper prints 91.7 ± 0.5, the report 87.1 %.", []),
        ("The paper has 87.2, or 91.7 ± 0.4.", ["87.2", "91.7 ± 0.4"]),
        ("On FashionMNIST the paper has 91.7 %.", ["91.7"]),
        ("We measured 91.7 %. The paper is right.", ["91.7"]),
        ("A rate of 0.01, after 12.5 s and 10 %, in version 10.20.1", []),
        ("<details><summary>Why?</summary>\n\n- It is 91.2 %.\n\n</details>", ["91.2"]),
        (f"It reaches <!-- kit: {NAME} -->91.2<!-- end --> %.", []),
        ("| a | 91.2 % |\n\n`91.2 %`", []),
    ],
)
def test_accuracies_without_a_source_are_found(text, found):
    assert [number for number, _ in bare(text)] == found


@pytest.mark.parametrize(
    ("what", "number"),
    [
        (f"{NAME}-0", r"\d\d\.\d"),
        (NAME, r"\d\d\.\d"),
        (f"{NAME} ±", r"\d\d\.\d ± \d\.\d"),
        (f"{NAME}-augmentation=none - {NAME}", r"\d\.\d"),
        (f"{NAME}-augmentation=none - {NAME} interval", r"−\d\.\d to −\d\.\d"),
    ],
)
def test_each_form_of_a_marker_gives_a_number(what, number):
    assert re.fullmatch(number, value(what))


@pytest.mark.parametrize("what", [f"{NAME}-9", f"{NAME} mean", f"{NAME} - nothing"])
def test_a_marker_that_names_nothing_is_refused(what):
    with pytest.raises(ValueError, match=r"there is no result|has no known form"):
        value(what)


def test_a_command_fills_the_markers_of_pages_and_lessons(tmp_path):
    old = f'"It reaches <!-- kit: {NAME}-0 -->12.3<!-- end --> %.\\n"'
    for name in ("README.md", "docs/a.md", "notebooks/b.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(old, encoding="utf-8")
    write(tmp_path)
    for path in texts(tmp_path):
        assert path.read_text(encoding="utf-8") == old.replace("12.3", value(f"{NAME}-0"))
    assert sentences(old.strip('"')) == ["It reaches 12.3 %.\\n"]
