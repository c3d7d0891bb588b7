#!/usr/bin/env python3
"""The website, in _docs, with Quarto: python tools/docs.py. Without Quarto, what comes before it: python tools/docs.py --check

nbdev's docs step executes every exported cell and every cell that holds an import, so such a cell may need nothing of
the cells between them. `--check` runs that step on a copy of the tree; every notebook has to come out of it. The whole
site fails on a warning of Quarto about a link, on a page that is missing and on a link that leads nowhere.
"""
import os, re, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

from check_site import page
from nbs import NBS, ROOT, notebooks

BIN = Path(sys.executable).parent
STEP = 'from nbdev.serve import proc_nbs\nif __name__ == "__main__": proc_nbs(n_workers=2)'
ALONE = '''
import sys
from pathlib import Path
from nbdev.processors import FilterDefaults
from nbdev.serve_drv import main
main((Path(sys.argv[1]), Path(sys.argv[2]), FilterDefaults))
'''

def copied(to):
    "What the step reads, under `to`: notebooks, package, settings and the sidebar."
    junk = shutil.ignore_patterns('.ipynb_checkpoints', '__pycache__')
    for d in ('nbs', 'flowood'): shutil.copytree(ROOT/d, to/d, ignore=junk)
    for f in ('settings.ini', 'README.md', '_quarto.yml'): shutil.copy(ROOT/f, to)

def python(code, *args, cwd):
    "Run Python code in a fresh process that sees the copied package; `(exit code, what it printed)`."
    script = cwd/f'{"alone" if args else "step"}.py'
    script.write_text(code, encoding='utf-8')
    env = {**os.environ, 'PYTHONPATH': str(cwd), 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1'}
    r = subprocess.run([sys.executable, str(script), *map(str, args)], cwd=cwd, env=env, text=True, errors='replace',
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return r.returncode, r.stdout.strip()

def cause(out):
    "The two ends of a chain of errors: what went wrong first, and in which cell."
    lines = out.splitlines()
    errors = [i for i, l in enumerate(lines) if re.match(r'[\w.]*(Error|Exception|Interrupt)\b.*', l)]
    return '\n'.join([lines[errors[0]], *lines[errors[-1]:]] if errors else lines[-20:])

def step():
    "nbdev's docs step on a copy; 0 if every notebook came out."
    t = time.time()
    with tempfile.TemporaryDirectory() as d:
        tree = Path(d)
        copied(tree)
        rc, out = python(STEP, cwd=tree)
        names = [p.relative_to(NBS) for p in notebooks()]
        left = [n for n in names if not (tree/'_proc'/n).exists()] # nbdev stops at the first error: what is wrong with each?
        alone = lambda n: python(ALONE, tree/'nbs'/n, tree/'_proc'/n, cwd=tree)
        with ThreadPoolExecutor(2) as ex: tried = list(zip(left, ex.map(alone, left)))
    bad = [f'{n}: {cause(why)}' for n, (failed, why) in tried if failed]
    if rc and not bad: bad = [f'the step fails, but each notebook alone does not: {cause(out)}']
    print(*bad, f'{len(names)} notebooks, {len(bad)} do not come out of the docs step, {time.time() - t:.0f} s', sep='\n\n')
    return len(bad)

def targets(html):
    "Links of a page to files, and the names that others may link to."
    hrefs = re.findall(r'<(?:a|img|script|link)\b[^>]*?\b(?:href|src)="([^"]+)"', html)
    local = [unquote(h) for h in hrefs if not re.match(r'[a-z]+:|//|#$', h)]
    return local, {*re.findall(r'\bid="([^"]+)"', html)}

def faults(docs):
    "Pages that are missing from the rendered site, and links that lead nowhere."
    pages = {p: targets(p.read_text(encoding='utf-8')) for p in sorted(docs.rglob('*.html'))}
    for p in notebooks():
        if docs/f'{page(p)}.html' not in pages: yield f'{p.relative_to(NBS)} has no page {page(p)}.html'
    for p, (hrefs, _) in pages.items():
        for h in dict.fromkeys(hrefs):
            file, _, anchor = h.partition('#')
            to = (p.parent/file.partition('?')[0]).resolve() if file else p
            if to.is_dir(): to = to/'index.html'
            if not to.exists(): yield f'{p.relative_to(docs)}: no file {h}'
            elif anchor and to in pages and anchor not in pages[to][1]: yield f'{p.relative_to(docs)}: no place {h}'

def run(*cmd):
    "Run a command, show what it prints, return it."
    env = {**os.environ, 'PATH': f'{BIN}{os.pathsep}{os.environ["PATH"]}'}
    said, p = [], subprocess.Popen([str(c) for c in cmd], cwd=ROOT, env=env, text=True, errors='replace', stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in p.stdout:
        print(line, end='', flush=True)
        said.append(line)
    if p.wait(): sys.exit(f'{Path(cmd[0]).name} failed with exit code {p.returncode}')
    return ''.join(said)

def site():
    "Export, README.md, every page by Quarto; 0 if no page and no link is broken."
    if not shutil.which('quarto'):
        sys.exit('Quarto is not on PATH: install Quarto >= 1.4 (https://quarto.org/docs/get-started) and run make docs again.')
    run(BIN/'nbdev_export')
    run(sys.executable, ROOT/'tools/make_readme.py')
    said = run(BIN/'nbdev_docs')
    bad = re.findall(r'^.*WARN.*(?:link|resolve).*$', said, flags=re.M | re.I) + [*faults((ROOT/'_docs').resolve())]
    print(*bad, f'{len(notebooks())} pages in _docs, {len(bad)} faults', sep='\n')
    return len(bad)

if __name__ == '__main__': sys.exit(bool(step() if '--check' in sys.argv else site()))
