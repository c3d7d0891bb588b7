#!/usr/bin/env python3
"""Everything `make test` runs; the last line, alone, is `N passed, N failed, N skipped`.

    python tools/test.py [--only PATTERN] [--flags 'slow gpu'] [--workers N] [--timeout SECONDS]
Each check and each notebook is one test. A line `skipped: why` printed by a notebook counts as one test skipped.
Notebooks that look for data run a second time as on a machine without data, weights and network.
`--only core` runs the notebooks whose file names hold `core`, and nothing else.
"""
import argparse, os, re, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import env
from nbs import NBS, ROOT, notebooks, read

PY, TOOLS = sys.executable, ROOT/'tools'
JUNK = shutil.ignore_patterns('.venv*', '.git', '.ipynb_checkpoints', '__pycache__', '*.egg-info', 'build', 'dist', 'demo', '_proc', '_docs', 'shared')
DATA = re.compile(r'\b(on_disk|catalog|uci_table|data_root|FLOWOOD_DATA|backbone|\w*MNIST|CIFAR10+|SVHN|CelebA|Omniglot|\w*ImageNet\w*|'
                  r'MINIBOONE|HEPMASS|ADBench)\b')
passed, failed, skipped = [], [], []

def sh(*cmd, cwd=ROOT, timeout=None, **env_vars):
    "Run a command; its exit code and everything it printed."
    try: r = subprocess.run([str(c) for c in cmd], cwd=cwd, timeout=timeout, text=True, errors='replace', stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **env_vars})
    except subprocess.TimeoutExpired: return 124, f'stopped after {timeout} s'
    return r.returncode, r.stdout.strip()

def test(name, rc, out, secs, bare=False):
    "Count one test and print what it said, in full if it failed. Nothing is missing from a bare machine: it skips."
    (failed if rc else passed).append(name)
    said = [l for l in out.splitlines() if l.startswith('skipped:')]
    if not bare: skipped.extend(said)
    elif not rc: out = f'{len(said)} times: skipped'
    if not rc: out = '\n'.join(l for l in out.splitlines() if l.strip())
    print(f"{'FAIL' if rc else 'ok  '} {secs:6.1f} s  {name}", *(f'         {l}' for l in out.splitlines()), sep='\n', flush=True)

def timed(name, f, *args, **kw):
    "Run the test `f(*args, **kw) -> (rc, out)`."
    t = time.time()
    try: rc, out = f(*args, **kw)
    except Exception as e: rc, out = 1, f'{type(e).__name__}: {e}'
    test(name, rc, out, time.time() - t)

def heading(s): print(f'\n== {s} ==', flush=True)

def exported():
    "Export the notebooks into a copy of the tree; the package there must be the package here."
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(NBS, f'{d}/nbs', ignore=JUNK)
        shutil.copy(ROOT/'settings.ini', d)
        (Path(d)/'flowood').mkdir()
        shutil.copy(ROOT/'flowood/__init__.py', f'{d}/flowood') # written by hand; nbdev keeps its version line
        rc, out = sh(Path(PY).parent/'nbdev_export', cwd=d)
        if rc: return rc, out
        new, old = ({p.relative_to(b): p.read_text(encoding='utf-8') for p in Path(b).rglob('*.py')} for b in (f'{d}/flowood', ROOT/'flowood'))
    bad = [f'flowood/{p} is not what the notebooks export; run make export' for p in sorted(old.keys() | new) if old.get(p) != new.get(p)]
    return bool(bad), '\n'.join(bad) or f'{len(new)} files'

def run_notebooks(paths, a, bare=False):
    "Each notebook in a fresh process, `a.workers` at a time; `bare`: as on a machine without data, weights and network."
    env_vars = dict(MPLBACKEND='agg', PYTHONPATH=str(ROOT), **({'OMP_NUM_THREADS': '1'} if a.workers > 1 else {}))
    more, note = (['--bare'], ' without data') if bare else (['--flags', a.flags], '')
    def one(p):
        t = time.time()
        rc, out = sh(PY, TOOLS/'run_nb.py', p, *more, timeout=a.timeout, **env_vars)
        return p, rc, out, time.time() - t
    with ThreadPoolExecutor(a.workers) as ex:
        for p, rc, out, secs in ex.map(one, paths): test(f'{p.relative_to(NBS)}{note}', rc, out, secs, bare)

def looks_for_data(path):
    "Does a notebook's code name anything that may be on disk, or may be downloaded?"
    return any(DATA.search(c.src) for c in read(path) if c.kind == 'code')

def wheel(tmp):
    "Build the source archive and from it the wheel, in a copy of the tree; it must hold the package alone."
    shutil.copytree(ROOT, tmp/'tree', ignore=JUNK)
    rc, out = sh(PY, '-m', 'build', '--outdir', tmp, tmp/'tree')
    if rc: return rc, out[-3000:]
    whl, = tmp.glob('*.whl')
    _, names = sh(PY, '-m', 'zipfile', '-l', whl)
    names = [l.split()[0] for l in names.splitlines()[1:]]
    mods = {str(p.relative_to(ROOT)) for p in (ROOT/'flowood').rglob('*.py')}
    odd = [n for n in names if not re.match(r'flowood(-[\w.]+\.dist-info)?/', n)] + [f'{m} is missing' for m in sorted(mods - {*names})]
    return bool(odd), f'{whl.name}: ' + (', '.join(odd) or f'{len(names)} files, {whl.stat().st_size//1000} KB')

def smoke(tmp):
    "Install the wheel with the newest fastai and fastcore into a new environment, and use it there."
    e = ROOT/'.venv-smoke'; whl, = tmp.glob('*.whl')
    rc, out = sh(PY, TOOLS/'env.py', e, '--clear', '--upgrade', whl, 'fastai', 'fastcore')
    return (rc, out[-3000:]) if rc else sh(env.python(e), '-W', 'ignore', TOOLS/'smoke.py', cwd=tmp, PYTHONPATH='')

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--only', help='part of a notebook name'); p.add_argument('--flags', default='', help='run the cells with these flags, too')
    p.add_argument('--workers', type=int, default=min(2, os.cpu_count() or 1)); p.add_argument('--timeout', type=float, help='seconds a notebook may take')
    a = p.parse_args(); t = time.time()
    a.timeout = a.timeout or (None if 'slow' in a.flags else 900)
    if not a.only:
        heading('the package is what the notebooks export'); timed('export', exported)
        heading('order and style')
        for c in ('check_order', 'check_style', 'check_site'):
            timed(f'{c} --selftest', sh, PY, TOOLS/f'{c}.py', '--selftest'); timed(c, sh, PY, TOOLS/f'{c}.py')
        if (NBS/'index.ipynb').exists(): timed('README.md', sh, PY, TOOLS/'make_readme.py', '--check')
        heading('every Python that is promised'); timed('check_python', sh, PY, TOOLS/'check_python.py')
        heading('the docs step'); timed('docs --check', sh, PY, TOOLS/'docs.py', '--check')
    paths = [p for p in notebooks() if not a.only or a.only in p.name]
    heading(f'{len(paths)} notebooks, {a.workers} at a time'); run_notebooks(paths, a)
    some = [p for p in paths if looks_for_data(p)]
    if some: heading(f'{len(some)} of them look for data: once more without any'); run_notebooks(some, a, bare=True)
    if not a.only:
        heading('the wheel, in a clean environment with the newest fastai and fastcore')
        with tempfile.TemporaryDirectory() as d: timed('wheel', wheel, Path(d)); timed('smoke', smoke, Path(d))
    if failed: print('\nfailed:', ', '.join(failed))
    if not paths: failed.append('no notebook')
    print(f'\n{time.time() - t:.0f} s in all\n\n{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped')
    return bool(failed)

if __name__ == '__main__': sys.exit(main())
