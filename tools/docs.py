#!/usr/bin/env python3
"""The website, in _docs, with Quarto: python tools/docs.py [--out FOLDER] [--only PATTERN]
Without Quarto, what comes before it: python tools/docs.py --check

Three steps. `pages.py` turns each notebook into what a reader sees of it and `site_pages.py` writes
the pages that are made by code (names, changelog, ...), both into _proc; Quarto renders _proc;
`site_html.py` finishes the HTML and writes llms.txt. Nothing is executed. The whole site fails on a
warning of Quarto about a link, on a page that is missing and on a link that leads nowhere.
`--check` does the first step in a temporary folder. `--only '^(index|50_)'` renders the pages
whose names match.
"""
import argparse, configparser, json, os, re, shutil, subprocess, sys, tempfile, time
from pathlib import Path

import check_rendered, pages, site_html, site_pages, site_tables
from check_rendered import broken_links
from check_site import page
from nbs import NBS, ROOT, notebooks, read
from pages import convert, opening, targets

BIN = Path(sys.executable).parent

def settings():
    "The settings of nbdev, which name the site too."
    c = configparser.ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini', encoding='utf-8')
    return c['DEFAULT']

def number(name):
    "The number of a notebook in reading order; '' for tutorials and reproductions."
    m = re.match(r'(\d+)_', Path(name).name)
    return m[1] if m else ''

def title(name):
    "What a page is called in the sidebar: short, with its number."
    cells = read(NBS/name)
    said = 'flowood' if name == 'index.ipynb' else opening(cells)[1].split(' (')[0].split(': ')[0]
    return f'[{number(name)}]{{.num}} {said}' if number(name) else said

def numbered(contents):
    "The sidebar with names and numbers."
    def item(o):
        if isinstance(o, dict): return dict(o, contents=[item(x) for x in o['contents']])
        return dict(text='Start' if o == 'index.ipynb' else title(o), href=o)
    return [item(o) for o in contents]

def flat(contents):
    "The pages of a sidebar in reading order."
    for o in contents:
        if isinstance(o, dict): yield from flat(o['contents'])
        else: yield o

def config():
    "_quarto.yml, as read."
    import yaml
    return yaml.safe_load((ROOT/'_quarto.yml').read_text(encoding='utf-8'))

def whole(c):
    "_quarto.yml with titles and numbers in the sidebar, the pages made by code, and the addresses."
    s, site = settings(), c['website']
    c.pop('metadata-files', None)
    c['project'].update({'output-dir': '_site', 'render': ['*.ipynb', '**/*.ipynb', '*.qmd']})
    side = site['sidebar']
    made = [dict(text=t, href=h) for t, h in site_pages.PAGES]
    more = dict(section='Reference', contents=made)
    side['contents'] = [*numbered(side['contents']), more]
    site['navbar']['left'] += [dict(text='Names', href='api.qmd'),
                               dict(text='Glossary', href='glossary.qmd')]
    site.update({'title': s['title'], 'site-url': s['doc_host'] + s['doc_baseurl'],
                 'description': s['description'], 'repo-branch': s['branch'],
                 'repo-url': s['git_url']})
    return c

def next_lines(order):
    "For each notebook the line that leads to the next one: its name and its question."
    def line(here, to):
        _, name, about, _ = opening(read(NBS/to))
        up = '../'*here.count('/')
        no = f'{number(to)} ' if number(to) else ''
        return f'**Next: [{no}{name}]({up}{to}).** {about}'
    return {a: line(a, b) for a, b in zip(order, order[1:])}

def prepare(to):
    "What Quarto reads, in the folder `to`; the number of notebooks."
    junk = shutil.ignore_patterns('.ipynb_checkpoints', '_quarto.yml', 'nbdev.yml', '*.ipynb')
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(NBS, to, ignore=junk)
    c, links = config(), targets()
    after = next_lines([*flat(c['website']['sidebar']['contents'])])
    for p in notebooks():
        name = p.relative_to(NBS).as_posix()
        nb = convert(p, links, following=None if name == 'index.ipynb' else after.get(name, ''))
        (to/name).write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')
    site_pages.write_all(to)
    text = json.dumps(whole(c), indent=1, ensure_ascii=False)
    (to/'_quarto.yml').write_text(text, encoding='utf-8')
    return len(notebooks())

def check():
    "The pages without Quarto; 0 if every notebook has a name, a question and an address."
    t = time.time()
    for m in (pages, site_pages, site_tables, site_html, check_rendered): m.selftest()
    with tempfile.TemporaryDirectory() as d:
        n = prepare(Path(d)/'_proc')
        bad = [f'{p.relative_to(NBS)} does not begin with `# name` and `> question`'
               for p in notebooks() if not opening(read(p))[1]]
    said = f'{n} notebooks, {len(bad)} are no page, {time.time() - t:.0f} s'
    print(*bad, said, sep='\n')
    return len(bad)

def run(*cmd, cwd=ROOT):
    "Run a command, show what it prints, return it."
    env = {**os.environ, 'PATH': f'{BIN}{os.pathsep}{os.environ["PATH"]}'}
    how = dict(cwd=cwd, env=env, text=True, errors='replace', stdin=subprocess.DEVNULL,
               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, p = [], subprocess.Popen([str(c) for c in cmd], **how)
    for line in p.stdout:
        print(line, end='', flush=True)
        said.append(line)
    if p.wait(): sys.exit(f'{Path(cmd[0]).name} failed with exit code {p.returncode}')
    return ''.join(said)

def missing(docs):
    "Notebooks without a page."
    for p in notebooks():
        if not (docs/f'{page(p)}.html').exists():
            yield f'{p.relative_to(NBS)} has no page {page(p)}.html'

def choose(proc, pattern):
    "Have Quarto render the pages alone whose names match the pattern."
    names = [p.relative_to(proc).as_posix() for p in sorted(proc.rglob('*'))
             if p.suffix in ('.ipynb', '.qmd')]
    path = proc/'_quarto.yml'
    c = json.loads(path.read_text(encoding='utf-8'))
    c['project']['render'] = [n for n in names if re.search(pattern, n)]
    if not c['project']['render']:
        sys.exit(f'No page matches {pattern!r}; the pages are {", ".join(names)}.')
    path.write_text(json.dumps(c), encoding='utf-8')

def site(out, only=None):
    "Export, README.md, every page by Quarto; 0 if no page and no link is broken."
    if not shutil.which('quarto'):
        sys.exit('Quarto is not on PATH: install Quarto >= 1.4 '
                 '(https://quarto.org/docs/get-started) and run make docs again.')
    proc = ROOT/'_proc'
    if not only:
        run(BIN/'nbdev_export')
        run(sys.executable, ROOT/'tools/make_readme.py')
    prepare(proc)
    if only: choose(proc, only)
    said = run('quarto', 'render', cwd=proc)
    shutil.rmtree(out, ignore_errors=True)
    shutil.move(proc/'_site', out)
    site_html.finish(out)
    bad = re.findall(r'^.*WARN.*(?:link|resolve).*$', said, flags=re.M | re.I)
    if not only: bad += [*missing(out), *broken_links(out)]
    n = len(check_rendered.pages_of(out))
    print(*bad, f'{len(notebooks())} notebooks, {n} pages in {out}, {len(bad)} faults', sep='\n')
    return len(bad)

def main():
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('--check', action='store_true', help='only what needs no Quarto')
    p.add_argument('--out', type=Path, default=ROOT/'_docs', help='where the site goes')
    p.add_argument('--only', help='render the pages whose names match this pattern')
    a = p.parse_args()
    return check() if a.check else site(a.out.resolve(), a.only)

if __name__ == '__main__': sys.exit(bool(main()))
