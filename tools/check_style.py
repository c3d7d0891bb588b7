#!/usr/bin/env python3
"""The house style, as far as a program can see it. Errors fail the build; warnings are counted.

    python tools/check_style.py [--selftest] [NOTEBOOK ...]

Lines of code that a reader sees (exported cells, and cells without `#| hide` or `#| echo: false`)
have at most 100 columns, and one statement. Two short statements may share a line of at most 80
columns (`a = f(); b = g(a)`); after a colon on its line (`if not x: return`) stands one alone.
"""
import ast, io, re, sys, tempfile, tokenize
from pathlib import Path

from nbs import NBS, notebooks, read, write

COLUMNS, PAIR, LINES = 100, 80, 50 # of a line; of a line with two statements; lines of a cell
DEFS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
RULES = set('''docstring docments parse long prose use columns statements title subtitle default_exp
               size words outputs failed test_fail example'''.split())

# ---- one definition

def comments(src):
    "`{line: True if the comment stands alone}` of a cell's source."
    lines, toks = src.splitlines(), tokenize.generate_tokens(io.StringIO(src).readline)
    alone = lambda t: lines[t.start[0] - 1].lstrip().startswith('#')
    return {t.start[0]: alone(t) for t in toks if t.type == tokenize.COMMENT}

def decorators(n):
    "The names of a definition's decorators."
    called = [getattr(d, 'func', d) for d in n.decorator_list]
    return {getattr(d, 'id', getattr(d, 'attr', '')) for d in called}

def parameters(fn, method):
    "`(parameter, lines that it and its default fill)` of a function, without `self`."
    a = fn.args
    pos = a.posonlyargs + a.args
    pairs = [*zip(pos[len(pos) - len(a.defaults):], a.defaults), *zip(a.kwonlyargs, a.kw_defaults)]
    ends = {id(p): d.end_lineno for p, d in pairs if d}
    ps = pos[method:] + [a.vararg] + a.kwonlyargs
    if 'delegates' not in decorators(fn): ps.append(a.kwarg)
    return [(p, range(p.lineno, max(p.end_lineno, ends.get(id(p), 0)) + 1)) for p in ps if p]

def undocumented(fn, coms, method):
    "Parameters of `fn` without a comment of their own, on their line or alone on the line above."
    ps = parameters(fn, method)
    def fine(p, span):
        shared = any(q is not p and q.lineno in span for q, _ in ps)
        said = any(l in coms for l in span) or coms.get(p.lineno - 1, False)
        return said and not shared
    return [p.arg for p, span in ps if not fine(p, span)]

def check_def(n, coms, where):
    "Docstring and docments of one exported definition; a class answers for its `__init__`."
    if not ast.get_docstring(n): yield 'docstring', f'{where}: {n.name} has no docstring'
    if isinstance(n, ast.ClassDef):
        fn = next((m for m in n.body if getattr(m, 'name', '') == '__init__'), None)
    else: fn = None if {'patch', 'patch_to'} & decorators(n) else n
    miss = undocumented(fn, coms, method=fn is not n) if fn else []
    be = 'is' if len(miss) == 1 else 'are'
    if miss: yield 'docments', f'{where}: {n.name} does not say what {", ".join(miss)} {be}'

# ---- the lines of a cell

def shown(c):
    "Does a reader see the code of this cell, on the site or in the package?"
    hidden = 'hide' in c.flags or c.flags.get('echo') == 'false'
    return c.kind == 'code' and (c.exported or not hidden)

def blocks(tree):
    "Every list of statements: a module's, a function's, the branches of an `if`."
    for n in ast.walk(tree):
        for name in ('body', 'orelse', 'finalbody'):
            block = getattr(n, name, None)
            if isinstance(block, list) and block: yield block

def crowded(c):
    "`(line, column, what is wrong)` of statements that should have a line of their own."
    lines = c.src.splitlines()
    def column(s): return len(lines[s.lineno - 1].encode()[:s.col_offset].decode()) + 1
    for block in blocks(c.tree()):
        first = block[0]
        before = lines[first.lineno - 1][:column(first) - 1].strip()
        runs = [[first]]
        for a, b in zip(block, block[1:]):
            if b.lineno == a.end_lineno: runs[-1].append(b)
            else: runs.append([b])
        for run in runs:
            width = max(len(lines[s.lineno - 1]) for s in run)
            if len(run) > 1 and run[0] is first and before.endswith(':'):
                yield first.lineno, column(run[1]), 'a second statement after a colon'
            elif len(run) > 2: yield run[2].lineno, column(run[2]), f'{len(run)} statements'
            elif len(run) == 2 and width > PAIR:
                what = f'two statements in {width} columns; {PAIR} at most'
                yield run[1].lineno, column(run[1]), what

def check_lines(name, c):
    "No line of a cell that is seen is too wide, or holds too much."
    def at(line, column): return f'{name} cell {c.idx} line {line} column {column}'
    for i, l in enumerate(c.src.splitlines(), 1):
        if len(l) > COLUMNS:
            yield 'columns', f'{at(i, COLUMNS + 1)}: {len(l)} columns; {COLUMNS} at most'
    if c.tree() is None: return
    for line, column, what in sorted(crowded(c)): yield 'statements', f'{at(line, column)}: {what}'

def longest(name, cells):
    "`(columns, where)` of the longest line of code that is seen."
    n, where = 0, name
    for c in filter(shown, cells):
        for i, l in enumerate(c.src.splitlines(), 1):
            if len(l) > n: n, where = len(l), f'{name} cell {c.idx} line {i}'
    return n, where

# ---- a notebook

def public(c):
    "Public top-level definitions of an exported cell."
    if 'exporti' in c.flags: return []
    return [n for n in c.tree().body if isinstance(n, DEFS) and n.name[0] != '_']

def aside(c):
    "Hidden cells, imports and private helpers may stand between a definition and its prose."
    return c.kind == 'code' and ('hide' in c.flags or c.exported and c.tree() and not public(c))

def beside(cells, i, step):
    "Is the next cell in this direction prose?"
    i += step
    while 0 <= i < len(cells) and aside(cells[i]): i += step
    return 0 <= i < len(cells) and cells[i].kind == 'markdown'

def check_export(name, cells, c):
    "An exported cell is short; its public definitions have prose beside and a use after them."
    where = f'{name} cell {c.idx}'
    if c.tree() is None:
        yield 'parse', f'{where}: does not parse'
        return
    if len(c.code) > LINES:
        cure = f'split it ({LINES} at most, 25 is better)'
        yield 'long', f'{where}: {len(c.code)} exported lines; {cure}'
    defs = public(c)
    if not defs: return
    coms = comments(c.src)
    for n in defs: yield from check_def(n, coms, where)
    prose = beside(cells, c.idx, -1) or beside(cells, c.idx, 1)
    if 'hide' not in c.flags and not prose:
        yield 'prose', f'{where}: no markdown cell beside {", ".join(n.name for n in defs)}'
    uses = [o for o in cells if o.idx > c.idx and o.kind == 'code' and not o.exported]
    later = ' '.join(l for o in uses for l in o.code)
    for n in defs:
        if not re.search(rf'\b{n.name}\b', later):
            yield 'use', f'{where}: no later cell tests or uses {n.name}'

def check_page(path, cells):
    "Title, subtitle, size, prose and outputs of a notebook."
    name = path.name
    title = next((c for c in cells[:2] if c.kind == 'markdown' and c.src.startswith('# ')), None)
    if not title:
        rule = 'a markdown cell "# Title" must come first, or second after #| default_exp'
        yield 'title', f'{name}: {rule}'
    elif not re.search(r'^> \S', title.src, flags=re.M):
        yield 'subtitle', f'{name}: the title cell has no "> subtitle"'
    if any(c.exported for c in cells) and 'default_exp' not in cells[0].flags:
        yield 'default_exp', f'{name}: exports code, but its first cell is not #| default_exp'
    size = path.stat().st_size
    words = sum(len(c.src.split()) for c in cells if c.kind == 'markdown')
    if size > 500_000: yield 'size', f'{name}: {size//1000} KB; 500 at most'
    if words < 150: yield 'words', f'{name}: {words} words of prose; 150 at least'
    if any(c.code for c in cells if c.kind == 'code') and not any(c.outputs for c in cells):
        yield 'outputs', f'{name}: no stored outputs; run it before committing'

def check_cell(name, c):
    "What holds for each cell of code, exported or not."
    where = f'{name} cell {c.idx}'
    if any(o.get('output_type') == 'error' for o in c.outputs):
        yield 'failed', f'{where}: its stored output is an error'
    if re.search(r'test_fail\(\s*lambda', c.src):
        cure = 'use expect_fail(Type, contains=...)'
        yield 'test_fail', f'{where}: test_fail(lambda ...) can pass for the wrong reason; {cure}'
    if shown(c): yield from check_lines(name, c)
    if not c.exported and len(c.code) > 10:
        yield 'example', f'{where}: {len(c.code)} lines in an example'

def check(path):
    "`(errors, warnings)` of a notebook, each a list of `(rule, sentence)`, and its longest line."
    path = Path(path)
    cells = read(path)
    found = list(check_page(path, cells))
    for c in cells:
        if c.exported: found += check_export(path.name, cells, c)
        if c.kind == 'code': found += check_cell(path.name, c)
    err = [f for f in found if f[0] != 'example']
    return err, [f for f in found if f[0] == 'example'], longest(path.name, cells)

# ---- the rules, seen to fire

GOOD = ['#| default_exp a', f'md:# A\n\n> b\n\n{"word "*150}\n\n|{"table"*30}|', 'md:About f.', '''\
#| export
def f(
    x:int, # a number
    # a list
    y=(1,
       2), # pair
    *rest, # others
):
    "Do."

class _P: pass''', ('f(1); f(2)', [dict(output_type='stream', name='stdout', text='1')]),
        '#| export\n@patch\ndef g(self:C, x): "Do."', 'md:About g.', 'o.g(2)', '''\
#| export
class C:
    "Does."
    def __init__(self, x): # data
        pass
    def h(self, y): return y''', '#| hide\n1; 2; 3 #' + '-'*100, 'md:So C.',
        '#| echo: false\n#' + '-'*100,
        'if C(1): C(2)\nelse: C(3)']

BAD = [['md:hello', '#| export\ndef f(x): pass',
        '#| export\ndef g(\n    x, y, # both\n)->int: # n\n    "d"',
        'test_fail(lambda: f(1))', '#| export\n' + 'a=1\n'*51],
       ['md:# A', '#| export\ndef f(', ('1/0', [dict(output_type='error')]), 'x=1\n'*11],
       ['md:# A\n' + 'x'*500_000],
       ['#| export\n#| hide\n' + 'a = 1 #' + '-'*94, 'a = 1; b = 2; c = 3']]

CROWDED = [('a = 1; b = 2', ''), ('a = 1; b = 2; c = 3', '1:15'), ('for a in b: c; d', '1:16'),
           ('if a: b\nelif c: d\nelse: e; f', '3:10'), ('def f(x): y = x; return y', '1:18'),
           ('try: a\nexcept E: b; c', '2:14'), ('a = {1: 2}; b = 3', ''), ('%magic a; b; c', ''),
           ('with a:\n    b; c', ''), ('a = (1,\n 2); b = 3', ''), ('ᾱ = 1; ' + 'b'*74, '1:8'),
           ('match a:\n    case 1: b; c', '2:16'), ('def f(): "Do."; return 1', '1:17')]

def selftest():
    "Every rule fires on a notebook made to break it, and none fires on a good one."
    with tempfile.TemporaryDirectory() as d:
        def said(name, *cells): return check(write(f'{d}/{name}.ipynb', *cells))
        good = said('good', *GOOD)
        assert good[:2] == ([], []), good
        pair = '2), # pair\n    *rest,'
        shared = [c.replace(pair, '2), *rest,') if '*rest' in c else c for c in GOOD]
        assert [r for r, _ in said('shared', *shared)[0]] == ['docments']
        got = [said(f'bad{i}', *cells) for i, cells in enumerate(BAD)]
        wide = got[-1]
        for src, want in CROWDED:
            errs = [m for r, m in said('crowded', src)[0] if r == 'statements']
            at = re.findall(r'line (\d+) column (\d+)', ' '.join(errs))
            assert [':'.join(a) for a in at] == want.split(), (src, errs)
    rules = {r for err, warn, _ in got for r, _ in err + warn}
    assert rules == RULES, RULES ^ rules
    assert wide[2] == (101, 'bad3.ipynb cell 0 line 3'), wide[2]
    assert any('bad3.ipynb cell 0 line 3 column 101: 101 columns' in m for _, m in wide[0]), wide[0]
    print(f'check_style: {len(RULES)} rules, each seen to fire')

def main(args):
    "Check the notebooks that are named, or all; the exit code."
    paths = [Path(a) for a in args] or notebooks(NBS)
    err, warn, width = zip(*(check(p) for p in paths))
    err, warn = sum(err, []), sum(warn, [])
    if args: print(*(m for _, m in warn), sep='\n')
    print(*(m for _, m in err), sep='\n')
    n, where = max(width)
    print(f'the longest line shown: {n} columns ({where})')
    warned = f'{len(warn)} warnings (examples longer than 10 lines)'
    print(f'{len(paths)} notebooks: {len(err)} errors, {warned}')
    return bool(err)

if __name__ == '__main__': sys.exit(selftest() if '--selftest' in sys.argv else main(sys.argv[1:]))
