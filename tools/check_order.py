#!/usr/bin/env python3
"""Numbers are reading order and dependency order: a notebook may import only modules of lower-numbered notebooks.
A prologue, number 00 and exporting nothing, may import any of them: nothing can depend on it.

    python tools/check_order.py [--selftest]
One line per violation, exit code 1 if there is any.
"""
import ast, re, sys, tempfile
from pathlib import Path

from nbs import NBS, notebooks, read, write

def numbered(nbs):
    "Pairs `(number, path)` of the numbered notebooks, in order; two may wrongly share a number."
    return [(int(p.name[:2]), p) for p in notebooks(nbs) if p.parent == Path(nbs) and re.match(r'\d\d_', p.name)]

def modules(cells):
    "Modules that a notebook exports, as `flowood.x.y`."
    names = {c.flags['default_exp'] for c in cells if 'default_exp' in c.flags}
    names |= {c.flags[k] for c in cells for k in ('export','exports','exporti') if c.flags.get(k)}
    return {f'flowood.{n}' for n in names}

def imported(tree):
    "Every `flowood...` name that a syntax tree imports, at any depth, each as its candidates from longest to shortest."
    for n in ast.walk(tree):
        if isinstance(n, ast.Import): yield from ([a.name] for a in n.names if a.name.split('.')[0] == 'flowood')
        elif isinstance(n, ast.ImportFrom) and n.level: yield ['.'*n.level + (n.module or '')]
        elif isinstance(n, ast.ImportFrom) and n.module.split('.')[0] == 'flowood':
            yield from ([f'{n.module}.{a.name}', n.module] for a in n.names)

def violations(nbs=NBS):
    "One sentence per violation."
    books = [(num, p, read(p)) for num, p in numbered(nbs)]
    home, res = {}, []
    for num, p, cells in books:
        for m in sorted(modules(cells)):
            if m in home: res.append(f'{p.name}: exports {m}, which {home[m][1]} exports already')
            home.setdefault(m, (num, p.name))
    packages = {m.rsplit('.', i)[0] for m in home for i in range(1, m.count('.') + 1)} | {'flowood'}
    for (a, p, _), (b, q, _) in zip(books, books[1:]):
        if a == b: res.append(f'{q.name}: has the same number as {p.name}')
    for num, p, cells in books:
        prologue = num == 0 and not modules(cells)
        for c in (c for c in cells if c.kind == 'code'):
            tree = c.tree()
            if tree is None: res.append(f'{p.name} cell {c.idx}: does not parse'); continue
            for names in imported(tree):
                m = next((n for n in names if n in home), None)
                if m and home[m][0] >= num and not prologue: res.append(f'{p.name} cell {c.idx}: imports {m}, which {home[m][1]} exports; only lower numbers may be imported')
                elif names[0][0] == '.': res.append(f'{p.name} cell {c.idx}: relative import {names[0]}; write flowood.x')
                elif not m and names[-1] not in packages: res.append(f'{p.name} cell {c.idx}: imports {names[-1]}, which no notebook exports')
    return res

def selftest():
    "Made-up violations, each of which must be found, beside imports that are allowed."
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        write(d/'01_a.ipynb', '#| default_exp a', 'from flowood.flows.b import g')
        write(d/'02_b.ipynb', '#| default_exp flows.b', '#| export\nimport flowood\nfrom flowood.a import f', '%time 1\ndef h():\n    from flowood import zoo', 'import torch')
        write(d/'03_c.ipynb', 'from flowood import flows, a', '#| exporti\nfrom ..a import f', 'def g():\n    import flowood.flows.b')
        got = violations(d)
        assert len(got) == 2 and '01_a.ipynb cell 1: imports flowood.flows.b' in got[0] and 'relative import' in got[1], got
        write(d/'03_d.ipynb', '#| default_exp a', 'import flowood.e', 'def broken(:')
        got = '\n'.join(violations(d))
        for s in ('same number', 'exports already', 'flowood.e, which no notebook exports', 'does not parse'): assert s in got, (s, got)
        write(d/'00_story.ipynb', 'from flowood.flows.b import g', 'import flowood.nowhere')
        got = [v for v in violations(d) if '00_' in v]
        assert len(got) == 1 and 'flowood.nowhere, which no notebook exports' in got[0], got
        write(d/'00_story.ipynb', '#| default_exp story', 'from flowood.flows.b import g')
        got = [v for v in violations(d) if '00_' in v]
        assert len(got) == 1 and 'imports flowood.flows.b, which 02_b' in got[0], got
    print('check_order finds what it should')

if __name__ == '__main__':
    if '--selftest' in sys.argv: sys.exit(selftest())
    bad = violations()
    print('\n'.join(bad) or f'{len(numbered(NBS))} numbered notebooks import only what comes before them')
    sys.exit(bool(bad))
