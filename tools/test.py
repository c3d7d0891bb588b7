#!/usr/bin/env python3
"""Everything `make test` runs; the last line, alone, is `N passed, N failed, N skipped`.

    python tools/test.py [--only PATTERN] [--flags 'slow gpu'] [--workers N] [--timeout SECONDS]
Each check and each notebook is one test. A line `skipped: why` that a notebook prints counts as one
test skipped. A notebook that looked for data, weights or the network (it, or a Python that it
started) runs a second time, as on a machine without them.
`--only core` runs the notebooks whose file names hold `core`, and nothing else.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, tempfile, threading, time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

import env
from nbs import NBS, ROOT, notebooks

PY, TOOLS, BARE = sys.executable, ROOT/'tools', ' without data'
# what takes a minute and more begins first, so that no worker is idle at the end; a name too many
# or too few costs seconds and nothing else
LONG = ('15_', '35_', '50_', '52_', '55_', '59_', '00_')
JUNK = shutil.ignore_patterns('.venv*', '.git', '.ipynb_checkpoints', '__pycache__', '*.egg-info',
    'build', 'dist', 'demo', '_proc', '_docs', 'shared')
passed, failed, skipped = [], [], []

def sh(*cmd, cwd=ROOT, timeout=None, **env_vars):
    "Run a command; its exit code and everything it printed."
    how = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors='replace', env={**os.environ, **env_vars})
    try: r = subprocess.run([str(c) for c in cmd], cwd=cwd, timeout=timeout, **how)
    except subprocess.TimeoutExpired: return 124, f'stopped after {timeout:g} s'
    return r.returncode, r.stdout.strip()

def test(name, rc, out, secs):
    "Count one test and print what it said, in full if it failed. A bare machine has to skip."
    (failed if rc else passed).append(name)
    said = [l for l in out.splitlines() if l.startswith('skipped:')]
    if not name.endswith(BARE): skipped.extend(said)
    elif not rc: out = f'{len(said)} times: skipped'
    lines = [f'         {l}' for l in out.splitlines() if rc or l.strip()]
    print(f"{'FAIL' if rc else 'ok  '} {secs:6.1f} s  {name}", *lines, sep='\n', flush=True)

def timed(name, f):
    "Run the test `f() -> rc, out, *more`, more tests to run."
    t = time.time()
    try: rc, out, *more = f()
    except Exception as e: rc, out, more = 1, f'{type(e).__name__}: {e}', []
    return more, (name, rc, out, time.time() - t)

def run_all(todo, workers):
    "Run tests `(name, f)`, `workers` at a time; those that a test hands back come next."
    todo, running = deque(todo), set()
    with ThreadPoolExecutor(workers) as ex:
        while todo or running:
            while todo and len(running) < workers: running.add(ex.submit(timed, *todo.popleft()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for f in done:
                more, said = f.result()
                todo.extendleft(more)
                test(*said)

def exported():
    "Export the notebooks into a copy of the tree; the package there must be the package here."
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(NBS, f'{d}/nbs', ignore=JUNK)
        shutil.copy(ROOT/'settings.ini', d)
        (Path(d)/'flowood').mkdir()
        # __init__.py is written by hand; nbdev keeps its version line
        shutil.copy(ROOT/'flowood/__init__.py', f'{d}/flowood')
        rc, out = sh(Path(PY).parent/'nbdev_export', cwd=d)
        if rc: return rc, out
        new, old = ({p.relative_to(b): p.read_text(encoding='utf-8') for p in b.rglob('*.py')}
                    for b in (Path(d)/'flowood', ROOT/'flowood'))
    bad = [f'flowood/{p} is not what the notebooks export; run make export'
           for p in sorted(old.keys() | new) if old.get(p) != new.get(p)]
    return bool(bad), '\n'.join(bad) or f'{len(new)} files'

class Forks:
    "Runs `run_nb.py ARGS` in forks of a process that has imported what notebooks import."
    def __init__(self, **env_vars):
        self.env, self.p = env_vars, None
        if not sys.platform.startswith('linux'): return
        self.p = subprocess.Popen([PY, TOOLS/'run_nb.py', '--serve'], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **env_vars})
        if self.p.stdout.readline() != 'ready\n': self.p = None # fresh processes will tell why
    def __call__(self, args, timeout=None):
        "The exit code and everything that was printed."
        if not self.p: return sh(PY, TOOLS/'run_nb.py', *args, timeout=timeout, **self.env)
        with tempfile.NamedTemporaryFile() as f:
            print(json.dumps([args, f.name, timeout]), file=self.p.stdin, flush=True)
            answer = self.p.stdout.readline()
            out = f.read().decode(errors='replace').strip()
        if not answer: # it was ended from outside
            self.p = None
            return self(args, timeout)
        rc = int(answer)
        if rc == -signal.SIGALRM: return 124, f'stopped after {timeout:g} s'
        return rc, f'{out}\nended by signal {-rc}' if rc < 0 else out

this_worker = threading.local()

def notebook(path, a, bare=False):
    "One notebook, on this machine or on a bare one; on that too if it looked for what may be here."
    if not hasattr(this_worker, 'run'):
        threads = {'OMP_NUM_THREADS': '1'} if a.workers > 1 else {}
        this_worker.run = Forks(MPLBACKEND='agg', PYTHONPATH=str(ROOT), **threads)
    with tempfile.TemporaryDirectory() as d:
        looked = Path(d)/'looked'
        more = ['--bare'] if bare else ['--flags', a.flags, '--looked', str(looked)]
        rc, out = this_worker.run([str(path), *more], a.timeout)
        if not looked.exists(): return rc, out
        why = looked.read_text(encoding='utf-8').splitlines()[0]
    again = (f'{path.relative_to(NBS)}{BARE}', partial(notebook, path, a, bare=True))
    return rc, f'{out}\nlooked for {why}', again

def wheel(tmp):
    "Build the source archive and from it the wheel, in a copy of the tree: the package, alone."
    shutil.copytree(ROOT, tmp/'tree', ignore=JUNK)
    rc, out = sh(PY, '-m', 'build', '--outdir', tmp, tmp/'tree')
    if rc: return rc, out[-3000:]
    whl, = tmp.glob('*.whl')
    _, names = sh(PY, '-m', 'zipfile', '-l', whl)
    names = [l.split()[0] for l in names.splitlines()[1:]]
    mods = {str(p.relative_to(ROOT)) for p in (ROOT/'flowood').rglob('*.py')}
    odd = [n for n in names if not re.match(r'flowood(-[\w.]+\.dist-info)?/', n)]
    odd += [f'{m} is missing' for m in sorted(mods - {*names})]
    said = ', '.join(odd) or f'{len(names)} files, {whl.stat().st_size//1000} KB'
    return bool(odd), f'{whl.name}: {said}', ('smoke', partial(smoke, tmp))

def smoke(tmp):
    "Install the wheel with the newest fastai and fastcore into a new environment; use it there."
    e = ROOT/'.venv-smoke'
    whl, = tmp.glob('*.whl')
    rc, out = sh(PY, TOOLS/'env.py', e, '--clear', '--upgrade', whl, 'fastai', 'fastcore')
    if rc: return rc, out[-3000:]
    return sh(env.python(e), '-W', 'ignore', TOOLS/'smoke.py', ROOT/'models', cwd=tmp, PYTHONPATH='')

def checks(tmp):
    "All tests but the notebooks, the longest first."
    tool = lambda name, *args: (' '.join([name, *args]), partial(sh, PY, TOOLS/f'{name}.py', *args))
    yield tool('docs', '--check')
    yield 'wheel', partial(wheel, tmp)
    yield 'export', exported
    for name in ('check_order', 'check_style', 'check_site'):
        yield tool(name, '--selftest')
        yield tool(name)
    if (NBS/'index.ipynb').exists(): yield tool('make_readme', '--check')
    yield tool('check_python')

def arguments():
    "What the command line asks for."
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('--only', help='part of a notebook name')
    p.add_argument('--flags', default='', help='run the cells with these flags, too')
    p.add_argument('--workers', type=int, default=min(2, os.cpu_count() or 1))
    p.add_argument('--timeout', type=float, help='seconds a notebook may take')
    a = p.parse_args()
    a.timeout = a.timeout or (None if 'slow' in a.flags else 900)
    return a

def main():
    a, t = arguments(), time.time()
    paths = [p for p in notebooks() if not a.only or a.only in p.name]
    paths.sort(key=lambda p: not p.name.startswith(LONG)) # else in reading order
    print(f'\n== {len(paths)} notebooks, {a.workers} at a time ==', flush=True)
    with tempfile.TemporaryDirectory() as d:
        if os.environ.pop('PYTHONDONTWRITEBYTECODE', ''): # each process would compile torch: 10 s
            os.environ['PYTHONPYCACHEPREFIX'] = f'{d}/pycache'
        tests = [] if a.only else [*checks(Path(d))]
        tests += [(str(p.relative_to(NBS)), partial(notebook, p, a)) for p in paths]
        run_all(tests, a.workers)
    if failed: print('\nfailed:', ', '.join(failed))
    if not paths: failed.append('no notebook')
    n = f'{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped'
    print(f'\n{time.time() - t:.0f} s in all\n\n{n}')
    return bool(failed)

if __name__ == '__main__': sys.exit(main())
