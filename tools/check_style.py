#!/usr/bin/env python3
"""The house style, as far as a program can see it. Errors fail the build; warnings are counted.

    python tools/check_style.py [--selftest] [NOTEBOOK ...]
"""
import ast, io, re, sys, tempfile, tokenize
from pathlib import Path

from nbs import NBS, notebooks, read, write

DEFS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef

def comments(src):
    "`{line: True if the comment stands alone}` of a cell's source."
    lines, toks = src.splitlines(), tokenize.generate_tokens(io.StringIO(src).readline)
    return {t.start[0]: lines[t.start[0] - 1].lstrip().startswith('#') for t in toks if t.type == tokenize.COMMENT}

def decorators(n): return {getattr(d, 'id', getattr(getattr(d, 'func', d), 'id', getattr(d, 'attr', ''))) for d in n.decorator_list}

def undocumented(fn, coms, method):
    "Parameters of `fn` without a comment of their own, on their line or alone on the line above."
    a = fn.args; pos = a.posonlyargs + a.args
    ends = {id(p): d.end_lineno for p, d in [*zip(pos[len(pos) - len(a.defaults):], a.defaults), *zip(a.kwonlyargs, a.kw_defaults)] if d}
    ps = pos[method:] + [a.vararg] + a.kwonlyargs + ([] if 'delegates' in decorators(fn) else [a.kwarg])
    ps = [p for p in ps if p]
    span = {id(p): range(p.lineno, max(p.end_lineno, ends.get(id(p), 0)) + 1) for p in ps}
    def fine(p):
        alone = not any(q is not p and q.lineno in span[id(p)] for q in ps)
        return alone and (any(l in coms for l in span[id(p)]) or coms.get(p.lineno - 1, False))
    return [p.arg for p in ps if not fine(p)]

def public(c):
    "Public top-level definitions of an exported cell."
    return [n for n in c.tree().body if isinstance(n, DEFS) and n.name[0] != '_'] if 'exporti' not in c.flags else []

def check_def(n, coms, where):
    "Docstring and docments of one exported definition; a class answers for its `__init__`."
    patch = bool({'patch', 'patch_to'} & decorators(n))
    if not ast.get_docstring(n): yield 'docstring', f'{where}: {n.name} has no docstring'
    fn = next((m for m in n.body if getattr(m, 'name', '') == '__init__'), None) if isinstance(n, ast.ClassDef) else None if patch else n
    miss = undocumented(fn, coms, method=fn is not n) if fn else []
    if miss: yield 'docments', f'{where}: {n.name} does not say what {", ".join(miss)} {"is" if len(miss) == 1 else "are"}'

def check_exports(name, cells):
    "Every public definition has prose beside it and a use after it."
    def aside(c): return c.kind == 'code' and ('hide' in c.flags or c.exported and c.tree() and not public(c)) # imports, private helpers
    def beside(i, step):
        while 0 <= (i := i + step) < len(cells) and aside(cells[i]): pass
        return 0 <= i < len(cells) and cells[i].kind == 'markdown'
    for c in (c for c in cells if c.exported):
        where, tree = f'{name} cell {c.idx}', c.tree()
        if tree is None: yield 'parse', f'{where}: does not parse'; continue
        if len(c.code) > 50: yield 'long', f'{where}: {len(c.code)} exported lines; split it (50 at most, 25 is better)'
        defs = public(c)
        coms = comments(c.src) if defs else {}
        for n in defs: yield from check_def(n, coms, where)
        if defs and 'hide' not in c.flags and not (beside(c.idx, -1) or beside(c.idx, 1)):
            yield 'prose', f'{where}: no markdown cell beside {", ".join(n.name for n in defs)}'
        later = ' '.join(l for o in cells if o.idx > c.idx and o.kind == 'code' and not o.exported for l in o.code)
        for n in defs:
            if not re.search(rf'\b{n.name}\b', later): yield 'use', f'{where}: no later cell tests or uses {n.name}'

def check(path):
    "`(errors, warnings)` of a notebook, each a list of `(rule, sentence)`."
    path = Path(path); name, cells = path.name, read(path)
    code, text = [c for c in cells if c.kind == 'code'], [c for c in cells if c.kind == 'markdown']
    err = list(check_exports(name, cells))
    title = next((c for c in cells[:2] if c.kind == 'markdown' and c.src.startswith('# ')), None)
    if not title: err.append(('title', f'{name}: a markdown cell "# Title" must come first, or second after #| default_exp'))
    elif not re.search(r'^> \S', title.src, flags=re.M): err.append(('subtitle', f'{name}: the title cell has no "> subtitle"'))
    if any(c.exported for c in cells) and not (cells and 'default_exp' in cells[0].flags):
        err.append(('default_exp', f'{name}: exports code, but its first cell is not #| default_exp'))
    size, words = path.stat().st_size, sum(len(c.src.split()) for c in text)
    if size > 500_000: err.append(('size', f'{name}: {size//1000} KB; 500 at most'))
    if words < 150: err.append(('words', f'{name}: {words} words of prose; 150 at least'))
    if any(c.code for c in code) and not any(c.outputs for c in code): err.append(('outputs', f'{name}: no stored outputs; run it before committing'))
    for c in code:
        where = f'{name} cell {c.idx}'
        if any(o.get('output_type') == 'error' for o in c.outputs): err.append(('failed', f'{where}: its stored output is an error'))
        if re.search(r'test_fail\(\s*lambda', c.src): err.append(('test_fail', f'{where}: test_fail(lambda ...) can pass for the wrong reason; use expect_fail(Type, contains=...)'))
    return err, [('example', f'{name} cell {c.idx}: {len(c.code)} lines in an example') for c in code if not c.exported and len(c.code) > 10]

GOOD = ['#| default_exp a', 'md:# A\n\n> b\n\n' + 'word '*150, 'md:About f.',
        '#| export\ndef f(\n    x:int, # a number\n    # a list\n    y=(1,\n       2), *rest, # others\n): \n    "Do."\n\nclass _P: pass',
        ('f(1)', [dict(output_type='stream', name='stdout', text='1')]), '#| export\n@patch\ndef g(self:C, x): "Do."', 'md:About g.', 'o.g(2)',
        '#| export\nclass C:\n    "Does."\n    def __init__(self, x): # data\n        pass\n    def h(self, y): return y', '#| hide\n1', 'md:So C.', 'C(1)']

def selftest():
    "Every rule fires on a notebook made to break it, and none fires on a good one."
    bad = [['md:hello', '#| export\ndef f(x): pass', '#| export\ndef g(\n    x, y, # both\n)->int: # n\n    "d"', 'test_fail(lambda: f(1))', '#| export\n' + 'a=1\n'*51],
           ['md:# A', '#| export\ndef f(', ('1/0', [dict(output_type='error')]), 'x=1\n'*11], ['md:# A\n' + 'x'*500_000]]
    with tempfile.TemporaryDirectory() as d:
        good = [src.replace('2), *rest,', '2), # pair\n    *rest,') if isinstance(src, str) else src for src in GOOD]
        assert check(write(f'{d}/good.ipynb', *good)) == ([], []), check(f'{d}/good.ipynb')
        assert [r for r, _ in check(write(f'{d}/shared.ipynb', *GOOD))[0]] == ['docments'], check(f'{d}/shared.ipynb')
        got = [check(write(f'{d}/bad{i}.ipynb', *o)) for i, o in enumerate(bad)]
    rules = {r for e, w in got for r, _ in e + w}
    want = set(re.findall(r"(?:yield |\(\(|\[\()'(\w+)', f", Path(__file__).read_text(encoding='utf-8')))
    assert rules == want and len(want) == 15, (want ^ rules, len(want))
    print(f'check_style: {len(want)} rules, each seen to fire')

if __name__ == '__main__':
    if '--selftest' in sys.argv: sys.exit(selftest())
    paths = [Path(a) for a in sys.argv[1:]] or notebooks(NBS)
    res = [check(p) for p in paths]
    err, warn = ([m for r in res for _, m in r[i]] for i in (0, 1))
    if sys.argv[1:]: print(*warn, sep='\n')
    print(*err, f'{len(paths)} notebooks: {len(err)} errors, {len(warn)} warnings (examples longer than 10 lines)', sep='\n')
    sys.exit(bool(err))
