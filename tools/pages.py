"""From a notebook to what a reader of the site sees of it, cell by cell; used by docs.py.

Standard library only; nothing is executed. Exported source is shown: short cells open, long ones
folded beneath their signatures. Imports come folded, hidden cells not at all. A name in code font
becomes a link where it can mean only one thing.
"""
import ast, json, re, tempfile, textwrap
from dataclasses import dataclass, field
from pathlib import Path

from check_site import option, page, slug
from nbs import NBS, ROOT, notebooks, read, write
from site_tables import tabled

OPEN = 24  # lines of exported source that are shown unfolded
CODE = 36  # lines of other code that are shown unfolded
REPO = 'https://github.com/flowood/flowood'
DIRECTIVE = re.compile(r'^\s*#\s*\|\s*(\S+?)(:?)(?:\s+(.*?))?\s*$')
SPAN = re.compile(r'(\[[^\]]*\]\([^)\s]*\)|``.*?``)|`([A-Za-z_][\w.]*)(\(\))?`')
MORE = re.compile(r'#\s*\|\s{2,}\S') # a further line of an option of Quarto's
DEFS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef

@dataclass
class Symbol:
    "A public function or class: where it is documented, and what its first line says."
    name:str; kind:str; doc:str; page:str; module:str; anchor:str
    methods:list = field(default_factory=list)

def first_line(node):
    "The first line of a docstring."
    return (ast.get_docstring(node) or '').strip().partition('\n')[0]

def patched(node):
    "The class that a function is patched into, or None."
    def name(d): return getattr(d, 'id', getattr(getattr(d, 'func', d), 'id', ''))
    if {'patch', 'patch_to'}.isdisjoint(map(name, node.decorator_list)): return
    for d in node.decorator_list:
        if isinstance(d, ast.Call) and getattr(d.func, 'id', '') == 'patch_to':
            return ast.unparse(d.args[0])
    args = [*node.args.posonlyargs, *node.args.args]
    return ast.unparse(args[0].annotation).strip('\'"') if args and args[0].annotation else None

def full_name(node):
    "The name of a definition, with the class that it is patched into."
    to = patched(node) if not isinstance(node, ast.ClassDef) else None
    return f'{to}.{node.name}' if to else node.name

def public(name): return not name.startswith('_') or re.fullmatch(r'__\w+__', name)

def definitions(cell):
    "The public functions and classes of an exported cell, as syntax trees."
    tree = cell.tree() if cell.exported and 'exporti' not in cell.flags else None
    return [o for o in (tree.body if tree else []) if isinstance(o, DEFS) and public(o.name)]

def module_of(cells):
    "The module that a notebook exports, or None."
    return next((c.flags['default_exp'] for c in cells if c.flags.get('default_exp')), None)

def places(cells):
    "The anchor of each definition of a page: its name, unless a heading or another one has it."
    text = '\n'.join(c.src for c in cells if c.kind == 'markdown')
    taken, res = {slug(h) for h in re.findall(r'^##+ +(.*?)\s*$', text, flags=re.M)}, {}
    for name in (full_name(o) for c in cells for o in definitions(c)):
        at = name.lower()
        while at in taken: at += '-'
        taken.add(at)
        res[name] = at.replace('-', '-def')
    return res

def symbols(nbs=NBS):
    "All public definitions of the library, in reading order."
    for p in notebooks(nbs):
        cells = read(p)
        module, at = module_of(cells), places(cells)
        for o in (o for c in cells for o in definitions(c)):
            kind = 'class' if isinstance(o, ast.ClassDef) else 'function'
            body = o.body if kind == 'class' else []
            inner = [m for m in body if isinstance(m, DEFS) and m.name[0] != '_']
            methods = [(m.name, first_line(m)) for m in inner]
            name, where = full_name(o), page(p, nbs)
            yield Symbol(name, kind, first_line(o), where, module, at[name], methods)

def elsewhere(tree):
    "Names that a module uses for parameters, attributes and methods, or takes from `torch.nn`."
    ours = {a.asname or a.name for o in ast.walk(tree) if isinstance(o, ast.ImportFrom)
            and (o.module or '').startswith('flowood') for a in o.names}
    for o in ast.walk(tree):
        if isinstance(o, ast.arg): yield o.arg
        elif isinstance(o, ast.keyword) and o.arg: yield o.arg
        elif isinstance(o, ast.Attribute):
            base = getattr(o.value, 'id', '')
            if base == 'nn' or base not in ours and o.attr.islower(): yield o.attr
        elif isinstance(o, ast.ClassDef):
            yield from (m.name for m in o.body if isinstance(m, DEFS))

def ambiguous(package=ROOT/'flowood'):
    "Names that may mean something else than the definition: those above, and commands."
    found = set()
    for p in package.rglob('*.py'):
        if p.name in ('_modidx.py', '__init__.py'): continue
        tree = ast.parse(p.read_text(encoding='utf-8'))
        found |= {*elsewhere(tree)}
        if p.stem == 'cli': found |= {o.name for o in tree.body if isinstance(o, DEFS)}
    return found

def targets(nbs=NBS, package=ROOT/'flowood'):
    """What a name in code font links to: `name -> (page, anchor)`.

    A name that may mean something else links only with parentheses, one defined twice never."""
    found, twice, other = {}, set(), ambiguous(package)
    for s in symbols(nbs):
        methods = [f'{s.name}.{m}' for m, _ in s.methods]
        for name in (s.name, f'{s.module}.{s.name}', *methods):
            if name in found: twice.add(name)
            found[name] = s.page, s.anchor
    found = {k: v for k, v in found.items() if k not in twice}
    plain = {k: v for k, v in found.items() if k not in other}
    return plain | {f'{k}()': v for k, v in found.items()}

def relative(to, here):
    "The address of page `to` as seen from page `here`."
    up = '../'*here.count('/')
    return f'{up}{to}.html'

def link_line(line, here, links, seen):
    "Names of the library in a line of Markdown, linked where the page has them first."
    def sub(m):
        name = f"{m[2]}{m[3] or ''}"
        if m[1] or name not in links or m[2] in seen: return m[0]
        to, anchor = links[name]
        if to == here: return m[0]
        seen.add(m[2])
        return f'[{m[0]}]({relative(to, here)}#{anchor})'
    return SPAN.sub(sub, line)

def linked(md, here, links, seen):
    "Markdown with its names linked, but for headings, code blocks and existing links."
    lines, fenced = md.splitlines(), False
    for i, l in enumerate(lines):
        if l.lstrip().startswith('```'): fenced = not fenced
        elif not fenced and not re.match(r'    |#|>', l): lines[i] = link_line(l, here, links, seen)
    return '\n'.join(lines)

def source(src):
    "A cell without nbdev's directives; Quarto's own, as `echo: false`, stay."
    lines = src.splitlines()
    def ours(l): return (m := DIRECTIVE.match(l)) and (not m[2] or m[1] == 'exec')
    texts = {o: option(src, o) for o in ('fig-cap', 'fig-alt')} # Quarto wants them in one line
    lines = [l for l in lines if not MORE.match(l) and not re.match(r'#\s*\|\s*fig-(cap|alt):', l)]
    said = [f'#| {o}: {json.dumps(t if len(t) > 1 else t[0], ensure_ascii=False)}'
            for o, t in texts.items() if t]
    keep = [*said, *(l for l in lines if not ours(l))]
    return '\n'.join(keep).strip('\n')

def signature(lines, o):
    "The source lines of a definition up to its body, with the docstring."
    end = o.body[0].lineno - 1
    first = o.body[0]
    text = isinstance(first, ast.Expr) and isinstance(getattr(first.value, 'value', 0), str)
    if text: end = first.end_lineno
    if end < o.lineno: end = o.lineno # all in one line
    start = min([o.lineno, *(d.lineno for d in o.decorator_list)])
    return lines[start-1:end]

def outline(src, defs):
    "What a long cell defines: signatures and docstrings, of methods too."
    lines, res = src.splitlines(), []
    for o in defs:
        res += ['', *signature(lines, o)]
        inner = o.body if isinstance(o, ast.ClassDef) else []
        for m in inner:
            shown = isinstance(m, DEFS) and (m.name[0] != '_' or m.name in ('__init__', '__call__'))
            if shown: res += signature(lines, m)
    return '\n'.join(res).strip('\n')

def markdown(text): return dict(cell_type='markdown', metadata={}, source=text)

SETTINGS = {'torch.set_num_threads', 'warnings.filterwarnings', 'warnings.simplefilter'}

def is_imports(tree):
    "Nothing but imports, guarded or lazy ones among them, and settings of what was imported?"
    guards, plain = (ast.Try, ast.If), (ast.Import, ast.ImportFrom)
    def called(o): return ast.unparse(o.func) if isinstance(o, ast.Call) else ''
    def lazy(o):
        if not isinstance(o, ast.Assign): return False
        return all(called(v) == 'lazy' for v in getattr(o.value, 'elts', [o.value]))
    def only(o):
        if isinstance(o, guards): return any(isinstance(x, plain) for x in o.body)
        return isinstance(o, plain) or lazy(o)
    def setting(o): return isinstance(o, ast.Expr) and called(o.value) in SETTINGS
    body = tree.body if tree else []
    return any(map(only, body)) and all(only(o) or setting(o) for o in body)

def heading(o, module, lines, anchors):
    "The heading of a definition, with a link to its line in the package."
    name = full_name(o)
    path = f"flowood/{module.replace('.', '/')}.py" if module else ''
    at = f'#L{lines[name]}' if name in lines else ''
    where = f'[source]({REPO}/blob/main/{path}{at}){{.source-link}}' if path else ''
    shown = name.replace('_', r'\_').replace('*', r'\*')
    return f'### {shown} {{#{anchors[name]} .definition}}\n\n{where}\n'

def line_numbers(module):
    "Where each definition of a module stands in the package."
    if not module: return {}
    path = ROOT/'flowood'/f"{module.replace('.', '/')}.py"
    if not path.exists(): return {}
    tree = ast.parse(path.read_text(encoding='utf-8'))
    return {full_name(o): o.lineno for o in tree.body if isinstance(o, DEFS)}

def folded(cell, summary, state='true'):
    "A copy of a raw cell, with its source folded."
    head = f'#| code-fold: {state}\n#| code-summary: "{summary}"\n'
    return dict(cell, source=head + source(''.join(cell['source'])))

def n_lines(src): return len([l for l in src.splitlines() if l.strip()])

def names(tree):
    "What a cell of helpers defines."
    found = [o.name for o in tree.body if isinstance(o, DEFS)] if tree else []
    return ', '.join(found[:3]) + (', ...' if len(found) > 3 else '') if found else 'the module'

def exported(cell, raw, module, lines, at):
    "Cells for an exported one: headings, signatures of a long one, source."
    defs, src, tree = definitions(cell), source(cell.src), cell.tree()
    if is_imports(tree): return [folded(raw, IMPORTS)]
    n = n_lines(src)
    res = [markdown(heading(o, module, lines, at)) for o in defs]
    if n <= OPEN: return [*res, folded(raw, 'Source', 'show')]
    if not defs: return [folded(raw, f'Source of {names(tree)}, {n} lines')]
    short = outline(cell.src, defs)
    if n_lines(short) > .7*n: return [*res, folded(raw, f'Source, {n} lines', 'show')]
    sig = markdown(f'::: {{.signature}}\n```python\n{textwrap.dedent(short)}\n```\n:::')
    return [*res, sig, folded(raw, f'Source, {n} lines')]

def code(cell, raw):
    "Cells for one that is not exported."
    src, tree = source(cell.src), cell.tree()
    if is_imports(tree) and not cell.outputs: return [folded(raw, IMPORTS)]
    if n_lines(src) > CODE: return [folded(raw, f'Code, {n_lines(src)} lines')]
    return [dict(raw, source=src)]

PLACES = ((re.compile(r'\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])'), ''), # control characters for terminals
          (re.compile(r'\bnp\.(?:float|int|uint|bool|str)\d*_?\(([^()]*)\)'), r'\1'),
          (re.compile(r'/tmp/tmp[a-z0-9_]{8}(?=[/\s\'",;:)]|$)'), '…'),
          (re.compile(r'(?<![\w.])(?:/root|/home/\w+)/(?=\.cache)'), '~/'))
WARNING = re.compile(r'^\S+\.py:\d+: \w*Warning: .*\n(?:[ \t].*\n?)?', re.M)

def plain(text):
    "What a cell said, without what concerns only the machine that it ran on."
    for pattern, instead in PLACES: text = pattern.sub(instead, text)
    return text

def filled(text, width=96):
    "A list that is printed with one short item a line, with as many as fit."
    item = r'(?:\'[^\'\n]{0,40}\'|"[^"\n]{0,40}"|[-+.\w]{1,24})'
    run = re.compile(rf'^(.*[\[(])({item},)((?:\n {{1,60}}{item},){{3,}}\n {{1,60}}{item}[\])}}]+)', re.M)
    def sub(m):
        indents = {*re.findall(r'\n( +)', m[3])}
        if len(indents) > 1: return m[0]
        return textwrap.fill(' '.join((m[2] + m[3]).split()), width, initial_indent=m[1],
                             subsequent_indent=indents.pop(), break_long_words=False,
                             break_on_hyphens=False)
    return run.sub(sub, text)

def plain_outputs(outputs):
    "Outputs as a reader sees them: no warnings of other libraries, no folders of this machine."
    res = []
    for o in outputs:
        if 'text' in o: o = dict(o, text=plain(''.join(o['text'])))
        if o.get('name') == 'stderr': o['text'] = WARNING.sub('', o['text'])
        if 'text/plain' in o.get('data', {}):
            said = filled(plain(''.join(o['data']['text/plain'])))
            o = dict(o, data=dict(o['data'], **{'text/plain': said}))
        if 'text' not in o or o['text'].strip(): res.append(o)
    return res

def pictures_first(outputs):
    "Outputs in the order in which Quarto hands out captions: what is printed, pictures, the rest."
    def rank(o):
        if any(k.startswith('image/') for k in o.get('data', {})): return 1
        return 2 if 'data' in o else 0
    return sorted(outputs, key=rank)

IMPORTS, HIDDEN = 'Imports', {'hide', 'default_exp'}

def front(title, description, more=()):
    "The front matter of a page."
    pairs = [('title', title), ('description', description), *more]
    said = [f'{k}: {json.dumps(v, ensure_ascii=False)}' for k, v in pairs if v]
    return dict(cell_type='raw', metadata={}, source='\n'.join(['---', *said, '---']))

def opening(cells):
    "Index of the cell that names a page, the name, the subtitle and what else the cell says."
    for c in cells[:3]:
        m = c.kind == 'markdown' and re.match(r'# (.+?)\s*\n+> (.+?)\s*(?:\n|$)', c.src)
        if m: return c.idx, m[1], m[2], c.src[m.end():].strip()
    return None, None, None, ''

def convert(path, links, nbs=NBS, following=None):
    "The JSON of a notebook as the site shows it; `following` leads to the next page, if any."
    cells, nb = read(path), json.loads(path.read_text(encoding='utf-8'))
    here, module, seen = page(path, nbs), module_of(cells), set()
    lines, where, res = line_numbers(module), places(cells), []
    at, title, subtitle, rest = opening(cells)
    file = [('output-file', f'{Path(here).name}.html')]
    if at is not None: res.append(front(title, subtitle, file))
    for c, raw in zip(cells, nb['cells']):
        raw = dict(raw, source=c.src)
        if c.idx == at: raw = markdown(rest)
        if c.kind == 'markdown': res.append(markdown(linked(raw['source'], here, links, seen)))
        if c.kind != 'code' or not HIDDEN.isdisjoint(c.flags) or not source(c.src): continue
        raw['outputs'] = tabled(plain_outputs(raw.get('outputs', [])))
        if option(c.src, 'fig-cap'): raw['outputs'] = pictures_first(raw['outputs'])
        res += exported(c, raw, module, lines, where) if c.exported else code(c, raw)
    if following is not None: res = last_lines(res, following, path.relative_to(nbs).as_posix())
    shown = joined([c for c in res if c['source'].strip()])
    nb['cells'] = [dict(c, id=f'c{i}', source=c['source'].splitlines(keepends=True))
                   for i, c in enumerate(shown)]
    return nb

def joined(cells):
    "Neighbouring cells of imports become one."
    res = []
    for c in cells:
        if res and all(f'"{IMPORTS}"' in x['source'] for x in (res[-1], c)):
            res[-1]['source'] += '\n\n' + c['source'].split('\n', 2)[2]
        else: res.append(c)
    return res

def last_lines(cells, following, name):
    "How to run the page, and the line `Next: ...` as the order of the sidebar has it."
    for c in reversed(cells):
        if c['cell_type'] == 'markdown' and re.search(r'\bNext: ', c['source']):
            c['source'] = re.sub(r'\s*\bNext: .*?(?=\n|$)', '', c['source'])
            break
    there = f'main/nbs/{name}'
    run = (f'This page is the notebook [`nbs/{name}`]({REPO}/blob/{there}). To run it, clone the '
           'repository, `make setup`, and open it with `.venv/bin/jupyter lab`. '
           f'[Edit it]({REPO}/edit/{there}) or [say what is wrong]({REPO}/issues/new/choose).')
    more = [markdown(f'::: {{.next-page}}\n\n{following}\n\n:::')] if following else []
    return [*cells, markdown(f'::: {{.run-page}}\n\n{run}\n\n:::'), *more]

SAMPLE = '''#| export
class Box:
    "A box."
    def __init__(self,
        n:int=1, # how many
    ): self.n = n
    def open(self):
        "Open it."
        x = 1
        return x
'''

def selftest():
    "A small notebook comes out as it should, and so do the outputs of cells."
    long = "(3, [" + ',\n     '.join(f"'name {i}'" for i in range(9)) + '])'
    assert filled(long) == ' '.join(long.split()), filled(long)
    assert filled('[1,\n 2,\n 3]') == '[1,\n 2,\n 3]'
    warned = '/a/b.py:7: UserWarning: beware\n  warn(x)\nunreadable: a.png\n'
    said = [dict(name='stderr', text=warned), dict(name='stderr', text='/b.py:1: FutureWarning: so\n'),
            dict(name='stdout', text='np.float64(1.5) in /tmp/tmpab12_x9z/det, /root/.cache/f\n')]
    want = ['unreadable: a.png\n', '1.5 in …/det, ~/.cache/f\n']
    assert [o['text'] for o in plain_outputs(said)] == want, plain_outputs(said)
    lines = 'np, torch = lazy("a"), lazy("b")', 'import x\ntorch.set_num_threads(1)', 'x = f("a")', 'f(1)'
    assert [is_imports(ast.parse(l)) for l in lines] == [True, True, False, False]
    with tempfile.TemporaryDirectory() as d:
        nbs = Path(d).resolve()/'nbs'
        nbs.mkdir()
        long = '\n        '.join(f'x = {i}' for i in range(40))
        write(nbs/'01_box.ipynb', '#| default_exp box', 'md:# Box\n> What is in it?',
              '#| export\nimport math', 'import os', SAMPLE,
              SAMPLE.replace('x = 1', long).replace('Box', 'Big'),
              '#| hide\n1 + 1', '#| echo: false\n#| fig-alt: >-\n#|   One,\n#|   two.\nprint(1)')
        write(nbs/'02_use.ipynb', 'md:# Use\n> How?',
              'md:A `Box` and a `Box`, [`Box`](x.html), `Box.open`, `open`, `open()`.')
        links = targets(nbs, nbs)
        cells = convert(nbs/'01_box.ipynb', links, nbs)['cells']
        text = [''.join(c['source']) for c in cells]
        assert 'title: "Box"\n' in text[0] and 'output-file: "box.html"' in text[0], text[0]
        assert text[1].endswith('import math\n\nimport os') and 'Imports' in text[1], text[1]
        assert text[2].startswith('### Box {#box .definition}') and 'class Box' in text[3], text
        assert '.signature' in text[5] and 'n:int=1, # how many' in text[5], text[5]
        assert 'x = ' not in text[5] and 'code-fold: true' in text[6], text[5:7]
        want = '#| fig-alt: "One, two."\n#| echo: false\nprint(1)'
        assert text[7:] == [want], text[7:]
        said = ''.join(convert(nbs/'02_use.ipynb', links, nbs)['cells'][1]['source'])
        want = ('A [`Box`](box.html#box) and a `Box`, [`Box`](x.html), [`Box.open`](box.html#box), '
                '`open`, `open()`.')
        assert said == want, said
