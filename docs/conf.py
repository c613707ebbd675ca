"""Sphinx's settings for the book, which `tools/book.py` builds of the documents and the executed lessons."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = html_title = "dckit"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
include_patterns = ["index.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "notebooks/*.ipynb"]

exclude_patterns = ["docs/index.md"]  # stands at the top, where the README's links begin

nb_execution_mode = "off"  # the lessons have been run
nb_render_markdown_format = "gfm"  # tables
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2  # as GitHub names them: a link to a term of the glossary is the same in both
autodoc_member_order = "bysource"
default_role = "code"  # a name in a docstring

html_theme = "furo"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_math_renderer = "mathml"  # MathJax would come from a server
html_copy_source = False
html_show_copyright = False
html_use_index = html_domain_indices = False
html_show_search_summary = False  # would be fetched, which pages opened as files may not
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"


def inline(writer: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block(writer: HTML5Translator, node: nodes.math_block) -> None:
    """A formula that stands alone."""
    writer.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def badges_to_words(app: Sphinx, document: nodes.document) -> None:
    """Replace images of other servers, such as badges, by their words: the book opens offline."""
    for image in list(document.findall(nodes.image)):
        if "://" in image["uri"]:
            image.replace_self(nodes.inline("", image.get("alt", image["uri"]), classes=["badge"]))


def captions_to_text(app: Sphinx, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """The sidebar's captions are headings without a level, above the page's first: make them plain text."""
    context["furo_navigation_tree"] = context["furo_navigation_tree"].replace('role="heading"', "")


def marked(app: Sphinx, page: str, template: str, context: dict[str, Any], document: object) -> None:
    """Tell the scripts of outputs that this is a page, where no kernel runs: see dckit/check/guess.js."""
    context["metatags"] = context.get("metatags", "") + '<meta name="dckit-page" content="book">'


def setup(app: Sphinx) -> None:
    """What Sphinx calls first."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("doctree-read", badges_to_words)
    app.connect("html-page-context", captions_to_text, priority=900)  # after Furo
    app.connect("html-page-context", marked)
