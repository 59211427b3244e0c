"""Rules for how templates, styles and scripts are written."""

from __future__ import annotations

import posixpath
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from datasette_session_views.web.assets import scripts

PACKAGE = Path(__file__).parent.parent.parent / "datasette_session_views"
TEMPLATES = {path.name: path.read_text("utf-8") for path in sorted((PACKAGE / "templates").iterdir())}
STATIC = {
    str(path.relative_to(PACKAGE / "static")): path.read_text("utf-8")
    for path in sorted((PACKAGE / "static").rglob("*"))
    if path.suffix in (".css", ".js")
}
STYLES = {
    name: re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) for name, text in STATIC.items() if name.endswith(".css")
}
MODULES = {name: text for name, text in STATIC.items() if name.endswith(".js")}
REPLAY = "\n".join(text for name, text in MODULES.items() if name.startswith("replay/"))
MARKUP = PACKAGE.parent / "llm_session_memory" / "reader" / "files"
"""The module that renders Markdown and code, for pages and files."""
PYTHON = "\n".join(
    path.read_text("utf-8")
    for of in (PACKAGE, MARKUP)
    for path in sorted(of.rglob("*.py"))
    if path.name != "style.py"  # it styles the exported files, not the pages
)

LONGEST = 160


@pytest.mark.parametrize("name", [*TEMPLATES, *STATIC])
def test_lines_can_be_read(name: str) -> None:
    """No line is too long or ends with spaces."""
    lines = {**TEMPLATES, **STATIC}[name].splitlines()
    assert [line for line in lines if len(line) > LONGEST or line != line.rstrip()] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_used(name: str) -> None:
    """Every page is rendered by a route, and every partial (named _...) is used in another or answered alone."""
    if name.startswith("_"):
        assert any(f'"{name}"' in text for other, text in {**TEMPLATES, "": PYTHON}.items() if other != name)
    else:
        assert f'"{name}"' in PYTHON or f'"{name.removesuffix(".html")}"' in PYTHON


def test_every_macro_is_called() -> None:
    """Every macro is called."""
    whole = "\n".join(TEMPLATES.values())
    macros = re.findall(r"{% macro (\w+)", whole)
    assert len(macros) > 5
    assert [one for one in macros if len(re.findall(rf"(?<!macro )\b{one}\(", whole)) == 0] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_block_element_has_its_own_line(name: str) -> None:
    """No line starts two block elements, such as two rows or two fields."""
    alone = r"<(?:article|aside|dd|details|div|dl|dt|form|h[1-6]|input|li|nav|option|p|section|select|summary|tr|ul)\b"
    assert [line for line in TEMPLATES[name].splitlines() if len(re.findall(alone, line)) > 1] == []


# -- styles -----------------------------------------------------------------------

COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b(?![-\w])|\b(?:(?:rgb|hsl|oklch)a?|color-mix)\(|(?<![-\w])(?:white|black|red|gray|grey)(?![-\w])",
    re.IGNORECASE,
)


def blocks(css: str) -> list[tuple[str, list[str]]]:
    """Return the selectors of a style sheet with their declarations, including those in conditions."""
    found = re.findall(r"([^{}]+)\{([^{}]*)\}", css)
    return [(selector.strip(), [one.strip() for one in body.split(";") if one.strip()]) for selector, body in found]


def themes() -> list[set[str]]:
    """Return the names of the colours in each block of colours, without those that are another one's."""
    found = [
        {one.partition(":")[0] for one in declarations if one.startswith("--") and COLOUR.search(one)}
        for css in STYLES.values()
        for _, declarations in blocks(css)
    ]
    return [theme for theme in found if theme]


@pytest.mark.parametrize("name", STYLES)
def test_each_declaration_has_its_own_line(name: str) -> None:
    """Each line has one declaration or one selector."""
    lines = [re.sub(r"\(.*\)", "()", line.strip()) for line in STYLES[name].splitlines()]
    assert [line for line in lines if line.count(";") > 1 or ("{" in line and ("}" in line or "," in line))] == []


@pytest.mark.parametrize("name", [*STATIC, *TEMPLATES])
def test_colours_have_names(name: str) -> None:
    """Colours are defined as custom properties in one style sheet, and used by name."""
    if name in STYLES:
        defines = name == "css/colours.css"
        declared = [one for _, declarations in blocks(STYLES[name]) for one in declarations]
        used = [one for one in declared if not (defines and one.startswith("--"))]
    else:
        used = re.findall(r"(?:fill|stroke|color|Style)\W.*", {**STATIC, **TEMPLATES}[name])
    assert [one for one in used if COLOUR.search(one)] == []


def test_every_theme_has_the_same_colours() -> None:
    """Every theme defines the same colours."""
    assert len(themes()) == 2, "light and dark"
    assert all(theme == themes()[0] for theme in themes())


def test_every_colour_is_used() -> None:
    """Every defined property is used, and every used property is defined."""
    whole = "\n".join(STATIC.values())
    defined = set(re.findall(r"(--sv-[\w-]+):", whole))
    used = set(re.findall(r"var\((--sv-[\w-]+)", whole))
    marks = {name for name in defined if name.startswith("--sv-mark-")}  # the script builds these names
    assert used | marks == defined
    assert "`--sv-mark-${kind}`" in MODULES["replay/marks.js"]


def test_no_style_is_unused() -> None:
    """Each styled class and id is in a template, in Python or in a script, whole or as its two parts."""
    sources = "\n".join([PYTHON, *TEMPLATES.values(), *(text for name, text in STATIC.items() if name not in STYLES)])
    words = set(re.findall(r"[\w-]+", sources))
    stems = set(re.findall(r"(?<![\w-])([\w-]+)-\$?\{", sources))
    numbered = set(re.findall(r"(?<![\w-])([\w-]+)\{(?:place|number)\}", sources))
    quoted = set(re.findall(r"(?<=[\"'<])[\w-]+(?=[\"'>])", sources))

    def is_used(name: str) -> bool:
        if name in words:
            return True
        stem, _, last = name.rpartition("-")  # such as sv-c-{{ cell.fate }}, and "pinned"
        if name.rstrip("0123456789") in numbered:
            return name[-1].isdigit()  # such as sv-g{place} and 2, for a colour of a chart
        return stem in stems and last in quoted

    selectors = " ".join(selector for css in STYLES.values() for selector, _ in blocks(css))
    names = set(re.findall(r"[.#]((?:sv|hl)-[\w-]+)", selectors))
    assert len(names) > 100
    assert sorted(name for name in names if not is_used(name)) == []


# -- scripts ----------------------------------------------------------------------


def imported(name: str) -> set[str]:
    """Return the modules that a module imports, at once or when they are needed."""
    found = re.findall(r'^import (?:.* from )?"([^"]+)";$|\bimport\("([^"]+)"\)', MODULES[name], re.MULTILINE)
    targets = [at_once or later for at_once, later in found]
    assert len(targets) == len(re.findall(r"^import\b|\bimport\(", MODULES[name], re.MULTILINE)), "one line each"
    assert all(one.startswith(("./", "../")) for one in targets), "relative, so that they are found below any base_url"
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in targets}


def test_the_modules_import_each_other() -> None:
    """Every import exists, every module is needed by one that a page loads, and no module imports itself."""
    order = list(TopologicalSorter({name: imported(name) for name in MODULES}).static_order())
    assert set(order) == set(MODULES)
    needed: set[str] = set()
    rest = {name for page in TEMPLATES for name in scripts(page.removesuffix(".html"))}
    assert len(rest) > 2
    while rest:
        needed |= rest
        rest = {one for name in rest for one in imported(name)} - needed
    assert needed == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_scripts_are_short_and_modern(name: str) -> None:
    """Modules are short, and use neither var nor loose comparison."""
    assert len(STATIC[name].splitlines()) <= 300
    assert not re.search(r"\bvar\b|[^=!]==[^=]|!=[^=]", STATIC[name])


def test_the_page_has_what_the_scripts_ask_for() -> None:
    """Each element that a script gets by id is in a template."""
    ids = set(re.findall(r"(?<![.\w])(?:get|put|clicked)\(\"([a-z-]+)\"", REPLAY))
    assert len(ids) > 20
    whole = "\n".join(TEMPLATES.values())
    assert sorted(one for one in ids if f'id="sv-{one}"' not in whole) == []
