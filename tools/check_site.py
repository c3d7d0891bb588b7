#!/usr/bin/env python3
"""What the pages say of each other, and of their pictures, holds: python tools/check_site.py [--selftest]

The sidebar of _quarto.yml lists every notebook exactly once, and so does the table on the front page, with the words of
the notebook; every link to a page, to a heading of it or to a file leads
somewhere; every file of the repository that is named in code font exists; nothing that exists is said to be planned.
Every picture has a caption (`#| fig-cap:`) and a description for who cannot see it (`#| fig-alt:`), and the decimals of a
caption are on its page; a line `Next:` leads where the sidebar goes on.
The Pythons of the tests on GitHub are those of setup.py. Notebooks (their text and their Markdown outputs), README.md and CONTRIBUTING.md are read.
"""
import re, sys, tempfile
from itertools import takewhile
from pathlib import Path

from nbs import NBS, ROOT, notebooks, read, write

LINK = re.compile(r'\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?)\)')
FOLDERS = 'nbs', 'tools', 'studies', 'models', 'results'
EXTRA = 'api', 'glossary', 'bibliography', 'changelog', 'contributing' # pages that are no notebooks: site_pages.py
LOUD = {*'hide export exports exporti slow gpu eval default_exp echo output'.split()} # directives
MADE = 'results/*/runs', 'results/*/rows', 'KEY', 'NN', '*', '<', '{' # not files, but what a run makes or a pattern

def page(path, nbs=NBS):
    "The address of a notebook on the site, without `.html`."
    return re.sub(r'(^|/)\d+[a-z]?_', r'\1', path.relative_to(nbs).with_suffix('').as_posix())

def prose(cells):
    "Pairs `(cell, text)`: Markdown cells without their code blocks, and Markdown outputs."
    for c in cells:
        if c.kind == 'markdown': yield c.idx, re.sub(r'^```.*?^```', '', c.src, flags=re.M | re.S)
        for o in c.outputs: yield c.idx, ''.join(o.get('data', {}).get('text/markdown', ''))

def slug(heading):
    "What pandoc makes of a heading for links to it."
    text = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).lower()
    text = re.sub(r'[^\w\s.-]', '', text, flags=re.A if text.isascii() else 0)
    return re.sub(r'^[^a-z]+', '', re.sub(r'\s+', '-', text.strip()))

def anchors(cells):
    "Headings of a page, and the definitions that nbdev documents on it."
    heads = re.findall(r'^#+ +(.*?)\s*$', '\n'.join(c.src for c in cells if c.kind == 'markdown'), flags=re.M)
    names = re.findall(r'^(?:class|def) (\w+)', '\n'.join(c.src for c in cells if c.exported), flags=re.M)
    return {*map(slug, heads), *(n.lower() for n in names), *names}

def sidebar(nbs=NBS, yml=ROOT/'_quarto.yml'):
    "Each notebook stands in the sidebar once, and nothing else does."
    listed = re.findall(r'^\s*- ([\w/]+\.ipynb)\s*$', yml.read_text(encoding='utf-8'), flags=re.M)
    there = {p.relative_to(nbs).as_posix() for p in notebooks(nbs)}
    bad = [f'_quarto.yml: the sidebar lacks {n}' for n in sorted(there - {*listed})]
    bad += [f'_quarto.yml: the sidebar lists {n}, which is not in {nbs.name}/' for n in sorted({*listed} - there)]
    return bad + [f'_quarto.yml: the sidebar lists {n} twice' for n in sorted(set(listed)) if listed.count(n) > 1]

def broken(url, where, folder, pages, nbs):
    "What is wrong with a link, as a sentence, or None."
    if re.match(r'[a-z]+:', url): return
    target, _, anchor = url.partition('#')
    path = (folder/target).resolve() if target else where[0]
    name = page(path.with_suffix('.ipynb'), nbs) if path.suffix in ('.html', '.ipynb') and nbs in path.parents else None
    if target.endswith('.html') and name not in pages: return f'there is no page {target}'
    if not target.endswith('.html') and not path.exists(): return f'there is no file {target}'
    if anchor and name in pages and anchor not in pages[name]: return f'{target or "this page"} has no heading #{anchor}'

def links(nbs=NBS):
    "Links of the notebooks that lead nowhere."
    books = [(p, read(p)) for p in notebooks(nbs)]
    pages = {page(p, nbs): anchors(cells) for p, cells in books}
    written = {p: p.read_text(encoding='utf-8') for p in sorted(nbs.glob('*.qmd'))}
    for p, text in written.items(): pages[p.stem] = {*re.findall(r'\{#([\w.-]+)', text)}
    pages |= {name: set() for name in EXTRA if name not in pages}
    for p, cells in books:
        for i, text in prose(cells):
            for url in LINK.findall(text):
                why = broken(url, (p, i), p.parent, pages, nbs)
                if why: yield f'{p.relative_to(nbs)} cell {i}: {why}'
    for p, text in written.items():
        for url in LINK.findall(text):
            why = broken(url, (p, 0), p.parent, pages, nbs)
            if why: yield f'{p.relative_to(nbs)}: {why}'

def documents():
    "Links of README.md and CONTRIBUTING.md that lead nowhere."
    for p in (ROOT/'README.md', ROOT/'CONTRIBUTING.md'):
        for url in LINK.findall(p.read_text(encoding='utf-8')):
            if not re.match(r'[a-z]+:|#', url) and not (ROOT/url.partition('#')[0]).exists():
                yield f'{p.name}: there is no file {url}'

def table(nbs=NBS):
    "The table of notebooks on the front page says what each notebook says of itself."
    index = '\n'.join(text for _, text in prose(read(nbs/'index.ipynb')))
    for p in notebooks(nbs):
        title = next(c.src for c in read(p)[:2] if c.kind == 'markdown' and c.src.startswith('# '))
        said = re.search(r'^> (.+)', title, flags=re.M)[1]
        if p.name != 'index.ipynb' and f']({page(p, nbs)}.html) | {said} |' not in index:
            yield f'index.ipynb does not list {p.relative_to(nbs)} as it calls itself; make refresh NB=nbs/index.ipynb'

def texts(nbs=NBS):
    "Pairs of a place and its text."
    for p in notebooks(nbs):
        for i, text in prose(read(p)): yield f'{p.relative_to(nbs)} cell {i}', text
    for n in ('README.md', 'CONTRIBUTING.md'):
        if nbs == NBS: yield n, (ROOT/n).read_text(encoding='utf-8')

def stale(nbs=NBS, root=ROOT):
    "Files named that do not exist, and notebooks called planned that do."
    there = {page(p, nbs) for p in notebooks(nbs)} | {p.name[:2] for p in notebooks(nbs)}
    for where, text in texts(nbs):
        for name in re.findall(rf'`((?:{"|".join(FOLDERS)})/[^`\s]+)`', text):
            if not any(m in name for m in MADE) and not (root/name).exists(): yield f'{where}: there is no file {name}'
        for which in re.findall(r'planned\*?: ?([\w/, ]+)', text):
            for n in re.findall(r'[\w/]+', which):
                if n in there: yield f'{where}: {n} is called planned, but exists'

def pythons(root=ROOT):
    "The tests run on every Python that setup.py names, and on no other."
    test, setup = root/'.github/workflows/test.yml', root/'setup.py'
    if not test.exists(): return ['.github/workflows/test.yml is missing']
    said = re.search(r"pythons = '([\d. ]+)'", setup.read_text(encoding='utf-8'))[1].split()
    run = re.findall(r'"([\d.]+)"', re.search(r'python: \[(.*)\]', test.read_text(encoding='utf-8'))[1])
    return [] if said == run else [f'{test.relative_to(root)} tests {", ".join(run)}, setup.py names {", ".join(said)}']

def option(src, name):
    "What the option `name` of a cell says, as a list: a text for each picture."
    lines = [m[1] for l in src.splitlines() if (m := re.match(r'#\s*\| ?(.*)', l))]
    at = next((i for i, l in enumerate(lines) if l.startswith(f'{name}:')), None)
    if at is None: return []
    import yaml # pages.py, which needs nothing else, imports this module
    more = takewhile(lambda l: l.startswith(' '), lines[at + 1:])
    said = yaml.safe_load('\n'.join([lines[at], *more]))[name]
    return [said] if isinstance(said, str) else said or []

def pictures(cell):
    "How many pictures a cell shows to a reader."
    if 'hide' in cell.flags: return 0
    return sum(any(k.startswith('image/') for k in o.get('data', {})) for o in cell.outputs)

def printed(cells):
    "All text that the code of a page prints, and the code."
    for c in cells:
        if c.kind == 'code': yield '\n'.join(c.code)
        for o in c.outputs:
            yield ''.join(o.get('text', ''))
            yield from (''.join(v) for k, v in o.get('data', {}).items() if k.startswith('text/'))

def unprinted(caption, numbers):
    "Decimals of a caption that no number of the page rounds to."
    said = re.findall(r'\d+\.\d+', caption)
    return [v for v in said if not any(f"{x:.{len(v.partition('.')[2])}f}" == v for x in numbers)]

def wordless(nbs=NBS):
    "Pictures without a caption or a description, and decimals of captions that are nowhere on the page."
    for p in notebooks(nbs):
        cells = read(p)
        numbers = {float(v) for t in printed(cells) for v in re.findall(r'\d*\.\d+|\d+', t)}
        for c in cells:
            n, where = pictures(c), f'{p.relative_to(nbs)} cell {c.idx}'
            for o in ('fig-cap', 'fig-alt'):
                k = len(option(c.src, o))
                if n and n != k: yield f'{where}: {n} picture{"s"*(n > 1)}, {k} texts in #| {o}'
            for v in unprinted(' '.join(option(c.src, 'fig-cap')), numbers): yield f'{where}: no code of the page prints {v}'
            begins = {w.strip('.,;:') for w in re.findall(r'^#\|\s{2,}(\S+)', c.src, flags=re.M)}
            for w in LOUD & begins: yield f'{where}: a line of an option must not begin with {w}, which nbdev obeys'
            if re.search(r'^#\|\s{2,}- ', c.src, flags=re.M) or re.search(r'^#\| [\w-]+:\s*$', c.src, flags=re.M):
                yield f'{where}: write a list of texts as ["...", begun on the line of its option, or nbdev trips over it'

def astray(nbs=NBS, yml=ROOT/'_quarto.yml'):
    "Notebooks whose line `Next:` leads elsewhere than the sidebar; the site shows the sidebar's order."
    order = re.findall(r'^\s*- ([\w/]+\.ipynb)\s*$', yml.read_text(encoding='utf-8'), flags=re.M)
    for name, after in zip(order, order[1:]):
        text = '\n'.join(c.src for c in read(nbs/name) if c.kind == 'markdown')
        to = re.findall(r'\bNext: .*?\]\(([^)#]+)', text)
        want = page(nbs/after, nbs)
        if to and ((nbs/name).parent/to[-1]).resolve() != (nbs/f'{want}.html').resolve():
            yield f'{name}: Next is {to[-1]}, the sidebar goes on with {want}.html'

def selftest():
    "Every fault is found, and a good page has none."
    with tempfile.TemporaryDirectory() as d:
        nbs = Path(d).resolve()/'nbs'
        (nbs/'repro').mkdir(parents=True)
        write(nbs/'01_a.ipynb', "md:# A\n## It's so `far`\n[b](b.html#Run) [c](repro/c.html) [x](https://x.y) [t](#a)", '#| export\ndef g(): pass')
        write(nbs/'02_b.ipynb', 'md:# B\n[a](a.html#its-so-far) [g](a.html#g)\n```\n[no](no.html)\n```', '#| export\nclass Run: pass')
        write(nbs/'repro/c.ipynb', 'md:# C\n[a](../a.html)')
        yml = nbs/'_quarto.yml'
        yml.write_text('      - 01_a.ipynb\n      - 02_b.ipynb\n      - repro/c.ipynb\n')
        got = [*links(nbs), *sidebar(nbs, yml), *stale(nbs, nbs.parent)]
        assert got == [], got
        out = dict(output_type='display_data', data={'text/markdown': '[gone](gone.html)'})
        write(nbs/'03_d.ipynb', 'md:# D\n[a](a.html#nowhere) ![p](images/p.png) [c](c.html)\n`tools/no.py` planned: 02, 09 *planned*: repro/c, x', ('1', [out]))
        yml.write_text('      - 01_a.ipynb\n      - 01_a.ipynb\n      - 02_b.ipynb\n      - 09_gone.ipynb\n      - repro/c.ipynb\n')
        got = [*links(nbs), *sidebar(nbs, yml), *stale(nbs, nbs.parent)]
        for s in ('a.html has no heading #nowhere', 'no file images/p.png', 'no page c.html', 'no page gone.html', 'lacks 03_d',
                  'lists 09_gone', 'lists 01_a.ipynb twice', 'no file tools/no.py', '02 is called planned', 'repro/c is called planned'):
            assert any(s in g for g in got), (s, got)
        assert len(got) == 10, got
        write(nbs/'04_e.ipynb', 'md:# E\n> All of it.')
        for line, n in (('| [E](e.html) | Some of it. |', 1), ('| [04 E](e.html) | All of it. |', 0)):
            for p in nbs.rglob('0[123]*.ipynb'): p.unlink()
            (nbs/'repro/c.ipynb').unlink(missing_ok=True)
            write(nbs/'index.ipynb', f'md:# I\n> i\n\n{line}')
            assert len([*table(nbs)]) == n, [*table(nbs)]
        png = dict(output_type='display_data', data={'image/png': 'iVBO'})
        cap, alt = '#| fig-cap: "A is 0.51, b .5."\n', '#| fig-alt: >-\n#|   Two: bars\n#|   fall.\n'
        cases = {cap + alt + 'f(.507)': 0, cap + alt + 'f(.517)': 1, alt + 'f()': 1, cap + 'f(.507)': 1, 'f()': 2,
                 cap + alt.replace('fall', 'hide') + 'f(.507)': 1, '#| hide\nf()': 0,
                 cap + alt.replace('Two', '- Two') + 'f(.507)': 1,
                 cap + '#| fig-alt:\n#|   Two bars.\nf(.507)': 1}
        for src, n in cases.items():
            write(nbs/'05_f.ipynb', (src, [png]))
            assert len([*wordless(nbs)]) == n, (src, [*wordless(nbs)])
        yml.write_text('      - 04_e.ipynb\n      - 05_f.ipynb\n')
        for to, n in (('f.html', 0), ('e.html', 1)):
            write(nbs/'04_e.ipynb', f'md:# E\n> All.\n\nNext: [f]({to}).')
            assert len([*astray(nbs, yml)]) == n, [*astray(nbs, yml)]
    print('check_site: 18 faults, each seen to be found')

if __name__ == '__main__':
    if '--selftest' in sys.argv: sys.exit(selftest())
    bad = [*sidebar(), *links(), *documents(), *table(), *stale(), *pythons(), *wordless(), *astray()]
    n = sum(len(LINK.findall(t)) for _, t in texts())
    seen = sum(map(pictures, (c for p in notebooks() for c in read(p))))
    said = f'{len(notebooks())} notebooks in the sidebar, {n} links, {seen} pictures'
    print(*bad, f'{said}: {len(bad)} faults', sep='\n')
    sys.exit(bool(bad))
