#!/usr/bin/env python3
"""Make a virtual environment and install into it, with uv where it can be had and with pip otherwise.

    python tools/env.py .venv -e '.[dev]'               # the arguments after the folder are pip's
    python tools/env.py .venv-smoke --clear fastai
"""
import os, shutil, subprocess, sys
from pathlib import Path

BIN, EXE = ('Scripts', '.exe') if os.name == 'nt' else ('bin', '')

def ok(*cmd):
    "Does this command run and succeed? Its output is dropped."
    try: return subprocess.run([str(c) for c in cmd], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError: return False

def python(env):
    "The interpreter of environment `env`."
    return Path(env).absolute()/BIN/f'python{EXE}'

def find_uv(env):
    "A `uv` that runs: on PATH, beside this interpreter, or installed into `env`; None if there is none to be had."
    there = Path(env).absolute()/BIN/f'uv{EXE}'
    known = [shutil.which('uv'), Path(sys.executable).parent/f'uv{EXE}', there]
    for uv in filter(None, known):
        if ok(uv, '--version'): return uv
    if ok(python(env), '-m', 'pip', 'install', '-q', '--disable-pip-version-check', 'uv') and ok(there, '--version'): return there

def make(env, clear=False):
    "Create `env` unless it is there and works."
    if clear: shutil.rmtree(env, ignore_errors=True)
    if ok(python(env), '-m', 'pip', '--version'): return
    if subprocess.run([sys.executable, '-m', 'venv', '--clear', str(env)]).returncode:
        sys.exit(f'Python could not make a virtual environment in {env}; on Debian and Ubuntu: apt install python3-venv.')

def install(env, *args):
    "`pip install ARGS` into `env`, by uv or pip; the exit code."
    uv = find_uv(env)
    if uv:
        print(f'installing into {env} with uv', flush=True)
        certs = {'UV_SYSTEM_CERTS': '1', **os.environ} # trust what this machine trusts, as pip does
        if not subprocess.run([str(uv), 'pip', 'install', '--python', str(python(env)), *args], env=certs).returncode: return 0
        print('uv failed; trying pip', flush=True)
    else: print(f'installing into {env} with pip (uv could not be installed)', flush=True)
    return subprocess.run([str(python(env)), '-m', 'pip', 'install', '--disable-pip-version-check', *args]).returncode

if __name__ == '__main__':
    if sys.version_info < (3, 10): sys.exit(f'flowood needs Python 3.10 or newer; {sys.executable} is {sys.version.split()[0]}. Try: make setup PY=/path/to/python3.11')
    env, *args = sys.argv[1:]
    make(env, clear='--clear' in args)
    sys.exit(install(env, *[a for a in args if a != '--clear']))
