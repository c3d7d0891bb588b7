#!/usr/bin/env python3
"""nbdev's docs step, which `make docs` runs before Quarto, on a copy of the tree and without Quarto: python tools/docs_step.py

The step executes every exported cell and every cell that holds an import, so such a cell may need nothing of the
cells between them. nbdev prints the first error that it meets and carries on as if it were none: what counts is
whether every notebook came out. Those that did not are tried again alone, each with its own error.
"""
import os, shutil, subprocess, sys, tempfile, time
from pathlib import Path

from nbs import NBS, ROOT, notebooks

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
    script = cwd/'step.py'
    script.write_text(code, encoding='utf-8')
    env = {**os.environ, 'PYTHONPATH': str(cwd), 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1'}
    r = subprocess.run([sys.executable, str(script), *map(str, args)], cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL,
                       errors='replace', stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return r.returncode, r.stdout.strip()

def failed(tree, name):
    "Why the notebook `name` does not come out of the step: its last line of error."
    rc, out = python(ALONE, tree/'nbs'/name, tree/'_proc'/name, cwd=tree)
    return f'{name}: ' + (out[-3000:] if rc else 'failed among the others, not alone; a cell leans on what another notebook did')

def main():
    t = time.time()
    with tempfile.TemporaryDirectory() as d:
        tree = Path(d)
        copied(tree)
        rc, out = python(STEP, cwd=tree)
        names = [p.relative_to(NBS) for p in notebooks()]
        bad = [failed(tree, n) for n in names if not (tree/'_proc'/n).exists()]
    if rc: bad.append(out[-3000:])
    if bad: print(*bad, sep='\n\n')
    print(f'{len(names) - len(bad)} of {len(names)} notebooks come out of the docs step, in {time.time() - t:.0f} s')
    mixed = out.count('Found cells containing imports and other code')
    if mixed: print(f'{mixed} cells mix imports with other code, so the step executes them; imports go in cells of their own')
    return bool(bad)

if __name__ == '__main__': sys.exit(main())
