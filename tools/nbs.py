"What the tools share: notebooks read as plain JSON, with their directives. Standard library only."
import ast, json, re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/'nbs'

@dataclass
class Cell:
    "One cell: `kind` is `code` or `markdown`; `flags` maps each directive to its argument."
    idx:int; kind:str; src:str; outputs:list = field(default_factory=list); flags:dict = field(default_factory=dict)
    exported = property(lambda self: self.kind == 'code' and not {'export','exports','exporti'}.isdisjoint(self.flags))
    code = property(lambda self: [l for l in self.src.splitlines() if l.strip() and not re.match(r'\s*#\s*\|', l)])

    def tree(self):
        "The syntax tree; lines with notebook magics become `pass`. None if it still does not parse."
        src = re.sub(r'^([ \t]*)[%!].*$', r'\1pass', self.src, flags=re.M)
        try: return ast.parse(src)
        except SyntaxError: return None

def directives(src):
    "`#| name: argument` lines at the top of a cell, as a dict."
    res = {}
    for l in src.splitlines():
        m = re.match(r'\s*#\s*\|\s*([\w-]+):?\s*(.*?)\s*$', l)
        if m: res[m[1]] = m[2]
        elif l.strip(): break
    return res

def read(path):
    "The cells of a notebook."
    res = []
    for i, c in enumerate(json.loads(Path(path).read_text(encoding='utf-8'))['cells']):
        src = ''.join(c['source'])
        res.append(Cell(i, c['cell_type'], src, c.get('outputs', []), directives(src) if c['cell_type'] == 'code' else {}))
    return res

def notebooks(nbs=NBS):
    "All notebooks under `nbs`, in reading order; names and folders that start with `_` or `.` are not ours."
    return [p for p in sorted(Path(nbs).rglob('*.ipynb')) if not any(o[0] in '._' for o in p.relative_to(nbs).parts)]

def write(path, *cells):
    "A small notebook, for the self-tests: strings starting with `md:` are markdown, a pair is code with its outputs."
    def cell(c):
        src, outs = c if isinstance(c, tuple) else (c, [])
        if src.startswith('md:'): return dict(cell_type='markdown', metadata={}, source=src[3:])
        return dict(cell_type='code', metadata={}, source=src, outputs=outs, execution_count=None)
    Path(path).write_text(json.dumps(dict(cells=[cell(c) for c in cells], metadata={}, nbformat=4, nbformat_minor=5)), encoding='utf-8')
    return Path(path)
