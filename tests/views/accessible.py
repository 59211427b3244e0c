"""What a machine can tell about whether everybody can use a page: axe-core, and a walk with the Tab key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.world import laws
from tests.world.left_out import needs

_PACKAGE = "axe_playwright_python"

needs_axe = needs("axe-core", find_spec(_PACKAGE), "python -m pip install axe-playwright-python")
"""A mark for tests that run axe-core."""

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""WCAG 2.2 A and AA, and what axe-core's authors advise beyond them."""

_FEW = 4

_RUN = """async ([tags, rules, few]) => {
    // The jump menu of Datasette 1.0 has a list of this name, and axe-core calls the element's own function.
    document.querySelectorAll('navigation-search').forEach(one => { delete one.matches; });
    const asked = rules.length ? {runOnly: {type: 'rule', values: rules}} : {runOnly: {type: 'tag', values: tags}};
    const looks = one => [
        one.tagName, one.className, one.style.cssText, !one.textContent.trim(), ...one.getAttributeNames(),
    ].join();
    const kind = one => [one, ...one.querySelectorAll('*')].map(looks).join();
    for (const parent of few ? document.querySelectorAll('.sv *') : []) {
        const alike = Object.groupBy(parent.children, kind);
        for (const ones of Object.values(alike))
            ones.slice(few - 1, -1).forEach(one => one.setAttribute('data-alike', ''));
    }
    const exclude = document.querySelector('[data-alike]') ? [['[data-alike]']] : [];
    const found = await axe.run({include: [document], exclude}, {...asked, resultTypes: ['violations']});
    return found.violations.flatMap(one => one.nodes.map(node =>
        `${one.id}: ${node.target.join(' ')}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? one.help}`));
}"""


@cache
def _axe() -> str:
    found = find_spec(_PACKAGE)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text("utf-8")


def violations(page: Any, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds wrong with a page by all its rules, or by these only: rule, place and reason.

    In an ordinary run, of many alike children of an element (the rows of a table, if they have the same
    elements, looks and attributes) it sees the first few and the last.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_RUN, [STANDARDS, list(rules), 0 if laws.PROFILE == "ci" else _FEW])
    return found


@dataclass(frozen=True)
class Stop:
    """Where one press of Tab leads: the element, and what is wrong with it for a person who sees the focus there."""

    element: str
    wrong: tuple[str, ...]
    main: bool
    """Whether it is within the page's main part."""


_HERE = """async () => {
    const element = document.activeElement;
    window.walked ??= [];
    const last = window.walked.at(-1);
    if (element === last) return {again: true};  // the next part of a date
    if (element === document.body || window.walked.includes(element)) return null;
    window.walked.push(element);
    const drawn = () => new Promise(requestAnimationFrame);
    if (!element.getBoundingClientRect().width) await drawn().then(drawn);  // far away, a page isn't drawn yet
    const wrong = [], box = element.getBoundingClientRect();
    if (last && !(last.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING)) wrong.push('out of order');
    if (box.width < 2 || box.height < 2) wrong.push('has no size');
    const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
    const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
    const seen = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]].some(([x, y]) => {
        const there = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
        const own = [element, ...element.labels ?? []];
        return there && (there.contains(element) || own.some(one => one.contains(there)));
    });
    if (right <= left || bottom <= top) wrong.push('outside of the window');
    else if (!seen) wrong.push('covered');
    const style = getComputedStyle(element);
    if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 1) wrong.push('focus not shown');
    const text = (element.ariaLabel ?? element.textContent).trim().replace(/\\s+/g, ' ').slice(0, 40);
    return {element: `${element.tagName.toLowerCase()}.${element.className} “${text || element.name || element.id}”`,
        wrong, main: element.closest('main, [role=main]') !== null};
}"""

_MISSED = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]')].filter(element =>
    element.tabIndex >= 0 && !element.disabled && !element.closest("[inert]") && !window.walked.includes(element)
    && element.checkVisibility({visibilityProperty: true, contentVisibilityAuto: false})
    && !(element.type === 'radio' && window.walked.some(one => one.name === element.name))).map(one => one.outerHTML)"""


def walk(page: Any, most: int = 400) -> list[Stop]:
    """Press Tab from the beginning of a page until its end; fail if it doesn't end or leaves something out."""
    stops: list[Stop] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here is None:
            missed = page.evaluate(_MISSED)
            assert missed == [], missed
            return stops
        if "again" not in here:
            stops.append(Stop(here["element"], tuple(here["wrong"]), here["main"]))
    raise AssertionError(f"no end after {most} stops: {stops[-3:]}")
