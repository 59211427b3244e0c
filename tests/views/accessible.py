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

COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe-core about nothing but colours."""

_FEW = 2
"""How many elements of a kind an ordinary run looks at: the first, and the last."""

_ALIKE = """few => {
    const looks = one => [
        one.tagName, one.className, one.style.cssText, !one.textContent.trim(), ...one.getAttributeNames(),
    ].join();
    const kind = one => [one, ...one.querySelectorAll('*')].map(looks).join();
    for (const parent of few ? document.querySelectorAll('.sv *') : []) {
        const alike = Object.groupBy(parent.children, kind);
        for (const ones of Object.values(alike))
            ones.slice(few - 1, -1).forEach(one => one.setAttribute('data-alike', ''));
    }
}"""
"""Mark all but a few (the first ones, and the last) of the children of an element that are alike."""

_SAME = """few => {
    axe.configure({rules: [{id: 'color-contrast', selector: '*:not([data-same])'}]});
    document.querySelectorAll('[data-same]').forEach(one => one.removeAttribute('data-same'));
    const same = {};
    const visit = (one, below) => {
        const style = getComputedStyle(one), {backgroundColor: colour, backgroundImage: image, opacity} = style;
        if (style.display === 'none' || one.hasAttribute('data-alike')) return;
        const ground = [colour, image, opacity].join();
        if (colour.startsWith('rgb(') && image === 'none' && opacity === '1') below = ground;
        else if (colour !== 'rgba(0, 0, 0, 0)' || image !== 'none' || opacity !== '1') below += ground;
        const text = [...one.childNodes].some(part => part.nodeType === Node.TEXT_NODE && part.data.trim());
        const box = text && style.visibility === 'visible' && one.getBoundingClientRect();
        if (box && box.width > 2 && box.right > 0) {
            const {color, fontSize, fontWeight, textShadow} = style;
            (same[[color, fontSize, fontWeight, textShadow, below].join()] ??= []).push(one);
        }
        for (const child of one.children) visit(child, below);
    };
    if (few) visit(document.body, '');
    for (const ones of Object.values(same)) ones.slice(few - 1, -1).forEach(one => one.setAttribute('data-same', ''));
}"""
"""Mark all but a few (the first ones, and the last) of the texts that have the same colours, size and grounds below."""

_RUN = """async (tags, rules) => {
    // The jump menu of Datasette 1.0 has a list of this name, and axe-core calls the element's own function.
    document.querySelectorAll('navigation-search').forEach(one => { delete one.matches; });
    const asked = rules.length ? {runOnly: {type: 'rule', values: rules}} : {runOnly: {type: 'tag', values: tags}};
    const exclude = document.querySelector('[data-alike]') ? [['[data-alike]']] : [];
    const found = await axe.run({include: [document], exclude}, {...asked, resultTypes: ['violations']});
    return found.violations.flatMap(one => one.nodes.map(node =>
        `${one.id}: ${node.target.join(' ')}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? one.help}`));
}"""

_FIND = f"([tags, rules, few]) => {{ ({_ALIKE})(few); ({_SAME})(few); return ({_RUN})(tags, rules); }}"


_KEEP_COLOURS = """(() => {
    const Color = axe.commons.color.Color.prototype, parse = Color.parseString, known = new Map();
    if ('r' in Color) Color.parseString = function (text) {
        if (!known.has(text)) {
            parse.call(this, text);
            known.set(text, {r: this.r, g: this.g, b: this.b, alpha: this.alpha});
        }
        return Object.assign(this, known.get(text));
    };
})();"""
"""Let axe-core read each colour once: it reads the same ones for every text, which takes a seventh of its time."""


@cache
def axe() -> str:
    """Return axe-core, as a script that a page reads."""
    found = find_spec(_PACKAGE)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text("utf-8") + f";\n{_KEEP_COLOURS}"


def _few(usual: int = _FEW) -> int:
    return 0 if laws.PROFILE == "ci" else usual


def violations(page: Any, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds wrong with a page by all its rules, or by these only: rule, place and reason.

    In an ordinary run, of many alike children of an element (the rows of a table, if they have the same elements,
    looks and attributes) it sees the first and the last; and so of all texts of the same colours, for contrast.
    """
    return _found(page, rules, _few())


def wrong_colours(page: Any) -> list[str]:
    """Return what axe-core finds wrong with the colours of a page that it has seen in another theme.

    What lies on what is the same there. So an ordinary run looks at one text of each set of colours.
    """
    return _found(page, COLOURS, _few(1))


def _found(page: Any, rules: Sequence[str], few: int) -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe())
    found: list[str] = page.evaluate(_FIND, [STANDARDS, list(rules), few])
    return found


@dataclass(frozen=True)
class Stop:
    """Where one press of Tab leads: the element, and what is wrong with it for a person who sees the focus there."""

    element: str
    wrong: tuple[str, ...]


_WATCH = """few => {
    window.walked = [];
    window.stops = [];
    window.ended = false;
    let drawn = null;
    for (const one of few ? document.querySelectorAll(':is([data-alike], [data-alike] *)') : [])
        if (one.tabIndex >= 0) one.tabIndex = -1;

    function look(element, last) {
        const wrong = [], box = element.getBoundingClientRect();
        if (last && !(last.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING))
            wrong.push('out of order');
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
        const name = `${element.tagName.toLowerCase()}.${element.className}`;
        return [`${name} “${text || element.name || element.id}”`, wrong];
    }

    // Keep where the last press led. Return whether the next one may lead on.
    window.keep = () => {
        const element = document.activeElement, last = walked.at(-1);
        if (element === document.body && !last) return true;
        if (element === last) return !ended;  // the next part of a date
        ended = ended || element === document.body || walked.includes(element);
        if (ended) return false;
        if (drawn !== element && !element.getBoundingClientRect().width) {  // far away, a page isn't drawn yet
            requestAnimationFrame(() => requestAnimationFrame(() => { drawn = element; }));
            return false;
        }
        walked.push(element);
        stops.push(look(element, last));
        return true;
    };
    addEventListener('keydown', event => { if (event.key === 'Tab' && !keep()) event.preventDefault(); }, true);

    window.missed = () => [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]')].filter(element =>
        element.tabIndex >= 0 && !element.disabled && !element.closest("[inert]") && !walked.includes(element)
        && element.checkVisibility({visibilityProperty: true, contentVisibilityAuto: false})
        && !(element.type === 'radio' && walked.some(one => one.name === element.name))).map(one => one.outerHTML);
    return missed().length;
}"""


def walk(page: Any, most: int = 400) -> list[Stop]:
    """Hold Tab down from the beginning of a page until its end; fail if it doesn't end or leaves something out.

    The page itself looks at each place before the next press leads on: to be asked each time takes far longer, and so
    does a call for each press. In an ordinary run, of many alike children Tab comes to the first and the last.
    """
    few = _few()
    page.evaluate(_ALIKE, few)
    presses = page.evaluate(_WATCH, few) + 1
    for _ in range(most):
        page.keyboard.press("+".join(["Tab"] * presses))
        ended, stops, missed = page.evaluate("() => { keep(); return [ended, stops, missed()]; }")
        if ended:
            assert missed == [], missed
            return [Stop(element, tuple(wrong)) for element, wrong in stops]
        assert len(stops) <= most, f"no end after {most} stops: {stops[-3:]}"
        presses = len(missed) + 1
    raise AssertionError(f"no end, and nothing after {stops[-3:]}")
