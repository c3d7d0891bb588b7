#!/usr/bin/env python3
"""The package and the tools compile under every Python that setup.py promises: python tools/check_python.py

Each version is asked itself where it is at hand, on PATH or under pyenv; where that interpreter has torch and fastai,
every module is imported, too. A version that is not at hand is imitated by `ast.parse(feature_version=...)`, which
knows fewer of its rules.
"""
import ast, os, re, shutil, subprocess, sys
from pathlib import Path

from nbs import ROOT

COMPILE = '''
import sys
bad = 0
for f in sys.argv[1:]:
    try: compile(open(f, encoding='utf-8').read(), f, 'exec')
    except SyntaxError as e:
        print(f'{f}:{e.lineno}: {e.msg}')
        bad = 1
sys.exit(bad)
'''
HAVE = 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("torch", "torchvision", "fastai", "safetensors"))))'
IMPORT = 'import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]'

def promised():
    "The versions of setup.py, as `3.10`, from settings.ini's `min_python` on."
    listed = re.search(r"pythons = '([\d. ]+)'", (ROOT/'setup.py').read_text())[1].split()
    least = re.search(r'^min_python *= *([\d.]+)', (ROOT/'settings.ini').read_text(), flags=re.M)[1]
    return listed[listed.index(least):]

def interpreters(version):
    "Every interpreter of `version` at hand: the one that runs this, on PATH, under pyenv."
    homes = {Path(os.environ.get('PYENV_ROOT', '~/.pyenv')).expanduser(), Path('/root/.pyenv')}
    found = [sys.executable, shutil.which(f'python{version}')]
    for h in homes:
        if os.access(h, os.R_OK): found += sorted(h.glob(f'versions/{version}.*/bin/python'), reverse=True)
    for p in dict.fromkeys(map(str, filter(None, found))):
        ask = [p, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])']
        try: r = subprocess.run(ask, capture_output=True, text=True)
        except OSError: continue
        if r.stdout.strip() == version: yield p

def run(python, code, *args):
    "Exit code and output of Python code in another interpreter, with the package of this tree."
    r = subprocess.run([python, '-W', 'ignore', '-c', code, *map(str, args)], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    return r.returncode, r.stdout.strip()

def imitated(version, files):
    "Errors that this interpreter finds when it reads as `version` would."
    for f in files:
        try: ast.parse(f.read_text(encoding='utf-8'), str(f), feature_version=tuple(map(int, version.split('.'))))
        except SyntaxError as e: yield f'{f}:{e.lineno}: {e.msg}'

def check(version, files, modules):
    "What is wrong under `version`, and a line that says how it was found out."
    there = list(interpreters(version))
    if not there:
        bad = list(imitated(version, files))
        return bad, f'Python {version}: not at hand; {len(files)} files parsed as it would'
    rc, out = run(there[0], COMPILE, *files)
    if rc: return [f'Python {version}: {l}' for l in out.splitlines()], f'Python {version}: {there[0]}'
    if there[0] == sys.executable: return [], f'Python {version}: {len(files)} files compile, and it runs all other tests'
    full = next((p for p in there if not run(p, HAVE)[0]), None)
    if not full: return [], f'Python {version}: {len(files)} files compile (it has no torch or fastai, so nothing is imported)'
    rc, out = run(full, IMPORT, *modules)
    return [f'Python {version}: {out[-2000:]}'] if rc else [], f'Python {version}: {len(files)} files compile, {len(modules)} modules imported'

if __name__ == '__main__':
    package = sorted((ROOT/'flowood').rglob('*.py'))
    files = [p.relative_to(ROOT) for p in [*package, *sorted((ROOT/'tools').glob('*.py')), ROOT/'setup.py']]
    modules = [re.sub(r'\.__init__$', '', '.'.join(p.relative_to(ROOT).with_suffix('').parts)) for p in package]
    os.chdir(ROOT)
    res = [check(v, files, modules) for v in promised()]
    bad = [b for errors, _ in res for b in errors]
    print(*bad, *(line for _, line in res), sep='\n')
    sys.exit(bool(bad))
