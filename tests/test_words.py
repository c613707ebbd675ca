"""Every text is as easy to read as `make words` asks, and what it finds is there to be found."""

import pytest

from tools import words
from tools.prose import anchor, sections, sentences
from tools.words import LESSONS, PAGES, anchors, of_ending, of_lesson, of_page, of_text, too_long, unexplained, unlinked

LINK = "[recipe](../docs/glossary.md#recipe)"


@pytest.mark.parametrize("path", [*LESSONS, *PAGES], ids=lambda path: path.stem)
def test_a_text_is_easy_to_read(path):
    assert [str(found) for found in (of_lesson(path) if path.suffix == ".ipynb" else of_page(path))] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Each step takes 256 real images a class.", "256 real images a class"),
        ("| draws | 8 images a class |", "8 images a class"),
        ("## One row an output", "row an output"),
        ("Networks name 90 % of\nthe images right.", "name 90 % of the images right"),
        ("What is left\n\n**Much.** The rest", "Much."),
        ("the interval holds 0", "holds 0"),
        ("a [say](x.md) of **the say**", "the say"),
        ("![two sets, a column a class](x.png)", "column a class"),
        ("see [it](glossary.md#nowhere)", "the glossary has no #nowhere"),
        ("word " * 31 + ".", "a sentence of 31 words"),
    ],
)
def test_what_is_hard_to_read_is_found(text, found):
    (what,) = of_text(text)
    assert found in what


@pytest.mark.parametrize(
    "text",
    [
        "One image of a class, 256 real images per class, ten steps of a network.",
        "```python\nthe_say = '8 a class'  # in the course of\n```",
        "`8 a class`",
        "word " * 30 + ".",
        "\n".join(["* " + "word " * 20] * 3),
        f"# {'word ' * 40}\n\n| {'word ' * 40} |\n|---|\n\n    {'word ' * 40}\n\n<!-- a\n{'word ' * 40} -->",
        f"![{'word ' * 40}](x.png) {'word ' * 20} ${'x + ' * 40}$ `{'word ' * 40}`",
        f"see [it](https://{'a/b.c-' * 40}) and [recipe](glossary.md#recipe)",
    ],
)
def test_what_is_easy_to_read_is_left_alone(text):
    assert list(of_text(text)) == []


def test_sentences():
    text = "One *is* 0.5 %. Two, e.g. `x. Y`, is $a. B$?\n- an item\n  of two lines. (And more.)\n- another"
    assert sentences(text) == ["One is 0.5 %.", "Two, e.g X, is X?", "an item of two lines.", "(And more.)", "another"]


@pytest.mark.parametrize(
    "texts", [["a recipe here"], ["Recipes are", LINK], ["*a\nrecipe*"], [f"[recipe](x.md) and {LINK}"]]
)
def test_a_term_without_its_link_is_found(texts):
    ((cell, what),) = unlinked(dict(enumerate(texts)))
    assert cell == 0
    assert "#recipe" in what


@pytest.mark.parametrize(
    "texts",
    [
        [f"a {LINK}", "recipes again"],
        ["# A recipe\n\n| recipe |\n\n`recipe` <!-- recipe -->", LINK],
        ["the [recipe\nbook](../docs/glossary.md#recipe)"],
        ["[Siamese augmentation](../docs/glossary.md#siamese-augmentation), catastrophic forgetting, de-normalised"],
    ],
)
def test_a_term_with_its_link_is_left_alone(texts):
    assert list(unlinked(dict(enumerate(texts)))) == []


def test_a_part_of_a_longer_term_counts_once():
    assert [what for _, what in unlinked({0: "Siamese augmentation of a condensed set"})] == [
        "the first “Siamese augmentation” is no link to ../docs/glossary.md#siamese-augmentation",
        "the first “condensed set” is no link to ../docs/glossary.md#condensed-set",
    ]


ASKED = [("code", "guess = None  # such as 3"), ("code", "guess = guesses.add(1)")]
WHY = "<details><summary>What happened, and why</summary>\n\nThis.\n\n</details>"


def test_a_guess_without_a_folded_explanation_is_found():
    assert not list(unexplained([*ASKED, ("code", "plots.bars()"), ("markdown", WHY)]))
    assert [n for n, _ in unexplained([*ASKED, ("markdown", "It is 3."), ("markdown", WHY)])] == [0]
    assert [n for n, _ in unexplained([*ASKED, *ASKED, ("markdown", "## Next")])] == [0, 2]
    assert list(unexplained([*ASKED, ("markdown", WHY.replace("What happened, and why", "Hint 1"))]))


def test_a_lesson_that_is_too_long_is_found():
    picture = [("code", "plots.bars()")]
    folded = "<details><summary>{}</summary>\n\n" + "word " * 990 + "\n\n</details>"
    assert not list(too_long([*picture, ("markdown", "word " * 110), ("markdown", folded.format("Solution"))]))
    assert [what for _, what in too_long([*picture, ("markdown", "word " * 111)])] == [
        "111 words of text in the cell, at most 110 outside <details>"
    ]
    assert (
        "in the lesson" in next(too_long([*picture, ("markdown", "word " * 20), ("markdown", folded.format("Why"))]))[1]
    )
    assert not list(too_long([*picture, ("code", "check_parameters(globals())" + "\n1" * 21)]))
    assert [n for n, _ in too_long([*picture, ("code", "\n".join("1" * 21))])] == [1]
    assert "31 cells" in next(too_long([*picture, *[("code", "")] * 30]))[1]
    assert "no picture" in next(too_long([*[("code", "")] * 6, *picture]))[1]


def test_an_ending_that_lacks_something_is_found(tmp_path):
    for number in range(3):
        (tmp_path / f"{number:02}_name.ipynb").touch()
    seen, check = "## You have seen\n\nOne. Two. Three.", "## Check yourself\n\n" + WHY * 3
    links = "[0](00_name.ipynb), [2](02_name.ipynb)"
    path = tmp_path / "01_name.ipynb"
    assert list(of_ending(path, [seen, check, links])) == []
    assert len(list(of_ending(path, [seen + " 4. 5. 6.", check, links]))) == 1
    assert len(list(of_ending(path, [seen, check + WHY, links]))) == 1
    assert list(of_ending(path, [seen, check, links[:20]])) == ["the last text has no link to lesson 2"]


def test_the_glossary_has_every_term_that_is_looked_for_in_alphabetical_order():
    headings = list(sections(words.GLOSSARY.read_text(encoding="utf-8")))
    assert anchors() >= set(words.TERMS)
    assert headings == sorted(headings, key=str.lower)
    assert anchor("Mean ± deviation, of k-center") == "mean--deviation-of-k-center"
