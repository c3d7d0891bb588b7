#!/usr/bin/env python3
"""What the pages say of each other holds: python tools/check_site.py [--selftest] [--pictures] [--next]

The sidebar of _quarto.yml lists every notebook exactly once, and so does the table on the front page, with the words of
the notebook; every link to a page, to a heading of it or to a file leads
somewhere; every file of the repository that is named in code font exists; nothing that exists is said to be planned.
The Pythons of the tests on GitHub are those of setup.py. Notebooks (their text and their Markdown outputs), README.md and CONTRIBUTING.md are read.
"""
import re, sys, tempfile
from pathlib import Path

from nbs import NBS, ROOT, notebooks, read, write

LINK = re.compile(r'\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?)\)')
FOLDERS = 'nbs', 'tools', 'studies', 'models', 'results'
EXTRA = 'api', 'glossary', 'bibliography', 'changelog', 'contributing' # pages that are no notebooks: site_pages.py
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

def wordless(nbs=NBS):
    "Pictures whose cell does not say what they show (`#| fig-alt:`), per notebook."
    for p in notebooks(nbs):
        cells = [c for c in read(p) if 'hide' not in c.flags and 'fig-alt' not in c.flags]
        n = sum(any(k.startswith('image/') for k in o.get('data', {})) for c in cells for o in c.outputs)
        if n: yield p.relative_to(nbs).as_posix(), n

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
    print('check_site: 11 faults, each seen to be found')

if __name__ == '__main__':
    if '--selftest' in sys.argv: sys.exit(selftest())
    bad = [*sidebar(), *links(), *documents(), *table(), *stale(), *pythons()]
    n = sum(len(LINK.findall(t)) for _, t in texts())
    mute = dict(wordless())
    if '--pictures' in sys.argv: print(*(f'{k}: {n} pictures without fig-alt' for k, n in mute.items()), sep='\n')
    print(f'{sum(mute.values())} pictures in {len(mute)} notebooks without words of their own (--pictures lists them)')
    other = [*astray()]
    if '--next' in sys.argv: print(*other, sep='\n')
    print(f'{len(other)} notebooks lead elsewhere than the sidebar (--next lists them)')
    print(*bad, f'{len(notebooks())} notebooks in the sidebar, {n} links: {len(bad)} faults', sep='\n')
    sys.exit(bool(bad))
