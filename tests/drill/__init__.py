"""A fault drill: real llm processes, real files, and everything that can go wrong between a prompt and its log.

    make drill          every fault, ten minutes, and its table in docs/reliability.md
    make drill-short    as much of it as two minutes hold

`world` is a folder with a log and a server, `running` a process in it, `fault` what a fault is and how it is listed.
`kept` and `health` read what a fault left, `judge` decides what was lost. The faults are in one module a family.
"""
