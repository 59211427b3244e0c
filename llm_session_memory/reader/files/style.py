"""The style sheet of an exported page: light and dark, wide and narrow, screen and paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #111a35; --ground: #f8fafb; --line: #dbe3ea; --soft: #54627a; --link: #276890;
  --you: #eaf2f7; --code: #eef2f5; --pin: #0f7b53; --bad: #b3261e; --bad-ground: #fdf1f0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8f0; --ground: #11161f; --line: #2c3646; --soft: #9aa8bd;
  --link: #7cb8dc; --you: #1a2735; --code: #1b2330; --pin: #55c79a; --bad: #f2938c; --bad-ground: #331a1a } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 "Helvetica Neue", Helvetica, Arial, sans-serif }
main { max-width: 50rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.7rem; margin: .4rem 0 0 }
h2, h3.who { font-size: 1rem; margin: 0 }
h3.who { font-size: .9rem; margin-top: .6rem }
header p, .soft, .meta, .with { color: var(--soft); font-size: .9rem }
a { color: var(--link) }
article { border-top: 1px solid var(--line); padding: .7rem 0 1.1rem }
.meta { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; font-variant-numeric: tabular-nums }
.no { font-weight: 700; font-size: 1rem; color: var(--ink); text-decoration: none }
.pin { color: var(--pin); font-weight: 600 }
.you { background: var(--you); border-inline-start: 4px solid var(--link); border-radius: 4px; padding: .5rem .8rem;
  margin: .5rem 0 }
.failed { background: var(--bad-ground); border-inline-start: 4px solid var(--bad); border-radius: 4px;
  padding: .5rem .8rem; margin: .5rem 0; white-space: pre-wrap }
.note { border-inline-start: 4px solid var(--line); padding: .2rem .8rem; margin: .3rem 0; white-space: pre-wrap }
.with { margin: .4rem 0; padding-inline-start: 1.2rem }
.you, .note, .sv-plain, .reply :is(p, li, h3, h4, h5, h6, th, td) { unicode-bidi: plaintext; text-align: start }
.reply h3, .reply h4, .reply h5, .reply h6 { margin: 1rem 0 .3rem; font-size: 1.05rem }
.reply h3 { font-size: 1.25rem }
.reply li.sv-task { list-style: none; margin-inline-start: -1.35rem }
.reply sub, .reply sup { font-size: .75em; line-height: 0 }
.sv-footnote { position: relative; padding-inline-start: 1.7rem; color: var(--soft); font-size: .9rem }
.sv-footnote > * { margin: .2rem 0 }
.sv-footnote > sup:first-child { position: absolute; inset-inline-start: 0; line-height: inherit }
.sv-rest { color: var(--soft); font-size: .9rem }
code { direction: ltr; unicode-bidi: isolate }
kbd { border: 1px solid var(--soft) }
pre, code, kbd { font: .88em/1.45 ui-monospace, Menlo, Consolas, monospace; background: var(--code);
  border-radius: 4px }
code, kbd { padding: .1em .25em }
pre { padding: .6rem .8rem; overflow-x: auto; white-space: pre; overflow-wrap: normal }
.sv-code { background: var(--code); border-radius: 4px; margin: .6rem 0 }
.sv-code pre { margin: 0; background: none }
.sv-code[data-language]::before { content: attr(data-language); display: block; padding: .35rem .8rem 0;
  color: var(--soft); font-size: .78rem }
pre code { padding: 0; font-size: 1em; background: none }
details { border: 1px solid var(--line); border-radius: 4px; margin: .5rem 0 }
summary { cursor: pointer; padding: .35rem .7rem; color: var(--soft); font-size: .92rem }
details > .sv-code { margin: 0; border-radius: 0 }
details pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 0 }
details.sv-long { border: 0 }
.sv-long > summary { display: inline-block; border: 1px solid var(--soft); border-radius: 6px; color: var(--link);
  background: var(--ground); padding: .2rem .8rem; margin-bottom: .4rem }
.sv-long:not([open]) .sv-when-open, .sv-long[open] > summary .sv-when-closed { display: none }
.reply hr { border: 0; border-top: 1px solid var(--line) }
blockquote { margin: .6rem 0; padding-inline-start: .8rem; border-inline-start: 3px solid var(--line) }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: start }
.reply .sv-right { text-align: end }
.reply .sv-center { text-align: center }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", math, serif; font-size: 1.08em }
.sv-display, .sv-math-long { display: block; overflow: auto hidden; padding: .2rem 0 }
.sv-math-long { display: inline-block; max-width: 100%; vertical-align: middle }
mtd { border: 0; padding: .25em .4em }
mtd.sv-m-left { text-align: left }
mtd.sv-m-right { text-align: right; padding-inline-end: 0 }
mtd.sv-m-right + mtd.sv-m-left { padding-inline-start: 0 }
mtd.sv-m-below { border-block-end: 1px solid }
mtd.sv-m-beside { border-inline-end: 1px solid }
.sv-m-box { border: 1px solid; padding: .25em .35em }
.sv-m-struck { background: linear-gradient(to top right, transparent calc(50% - .5px), currentColor,
  transparent calc(50% + .5px)) }
.sv-m-bold { font-weight: 700 }
.sv-m-italic { font-style: italic }
.sv-m-mono { font-family: ui-monospace, Menlo, Consolas, monospace }
.sv-plain { white-space: pre-wrap }
.sv-table { overflow-x: auto }
.hl-c { color: var(--soft) }
.hl-s, .hl-i { color: var(--pin) }
.hl-d { color: var(--bad) }
.hl-k, .hl-n, .hl-p { color: var(--link) }
figure { margin: .5rem 0 }
img { max-width: 100%; max-height: 40rem; height: auto; border-radius: 4px }
@media print {
  :root { color-scheme: light; --ink: #000; --ground: #fff; --line: #bbb; --soft: #444; --link: #000; --you: #f3f3f3;
    --code: #f3f3f3; --pin: #000; --bad: #000; --bad-ground: #f3f3f3 }
  body { font-size: 10pt }
  main { max-width: none; padding: 0 }
  pre { white-space: pre-wrap; overflow-wrap: anywhere }
  .sv-long > summary { display: none }
  .meta, summary, figure { break-after: avoid; break-inside: avoid }
  .reply a[href]::after { content: " (" attr(href) ")" }
  details::details-content { content-visibility: visible; height: auto }
}
"""
