#!/usr/bin/env python3
"""A quarter of an hour on one GPU: what is checked, measured and trained there, in order of worth.

    python tools/gpu.py --pack                    # here: what the card's image lacks, in ../gpu-pack
    python tools/gpu.py --rehearse                # here: the queue in miniature, on the processor
    python3 tools/gpu.py --from .gpu --minutes 9  # there: the queue, or the rest of it

The card's machine has torch, torchvision and the usual scientific packages, no fastai and no network.
The pack brings the rest: copy it to a folder of the checkout that git ignores (`.gpu`, named in
`.git/info/exclude`) and name that in `carry`. The checkout travels, too, so thin it before
(`git sparse-checkout set flowood tools`; `git sparse-checkout disable` afterwards).
Parts begin in the order of the first line; what a group has no time for comes after the others. Each
is a line of `rows.jsonl` in `--out` (else `$OUT`), with its seconds or its error: a part that fails,
ends the process or hangs costs itself only. Trainings write their state to `--state` every minute, and
float16 weights, in pieces, to `--out`. The next call goes on from there; on a fresh machine carry what
came back and say `--resume FOLDER`: trainings then begin with those weights and the minutes left.
A rehearsal sees of this environment only what is in the card's image, and the packed wheels.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, sysconfig, tempfile, time, zipfile
from importlib import metadata
from pathlib import Path

import gpu_parts

ROOT = Path(__file__).resolve().parents[1]
WHEELS = 'fastai fastcore fasttransform fastprogress fastdownload plum-dispatch beartype'.split()
IMAGE = '''torch torchvision torchgen functorch triton nvidia numpy pandas scipy sklearn scikit_learn
    matplotlib mpl_toolkits pylab pil pillow pyarrow safetensors yaml _yaml pyyaml six dateutil pytz
    python_dateutil tzdata packaging typing_extensions jinja2 markupsafe sympy isympy mpmath networkx
    fsspec filelock requests urllib3 certifi idna charset_normalizer tqdm joblib threadpoolctl
    narwhals psutil cycler kiwisolver pyparsing contourpy fonttools setuptools cloudpickle rich
    pygments markdown_it markdown_it_py mdurl'''.split()
SETS = (('FashionMNIST', 'train', None), ('FashionMNIST', 'test', None), ('MNIST', 'test', 5000),
        ('CIFAR10', 'test', 2000), ('SVHN', 'test', 1000), ('CIFAR10', 'train', 'rest'))
GROUPS = dict(correct=(1.5, 'every kind of flow against float64 on the processor'),
              speed=(4., 'steps and images per second, and shares of the peak'),
              realnvp=(3., 'RealNVP-Fashion trained'), tar=(2., 'tar-fine of width 256 on FashionMNIST'),
              tarcifar=(1.5, 'the same on CIFAR-10'), lid=(1., 'dimension of 1,024 images'))

def plan():
    "What a card does in which minute."
    at, words = 0., []
    for name, (minutes, what) in GROUPS.items():
        words.append(f'{at:g}-{at + minutes:g} {name}: {what}')
        at += minutes
    return 'minutes ' + '; '.join(words)

# --- what the card's machine lacks

def arrays(path, images, labels):
    "Write an `.npz` that `flowood.data.load` reads; its MiB."
    import numpy as np
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, images=images, labels=labels)
    return mib(path)

def pack(folder, most):
    "Wheels, arrays and one trained flow, under `most` MiB with the code that travels beside them."
    from flowood.data import load
    if folder.exists(): sys.exit(f'{folder} is there already; delete it, or name another folder')
    (folder/'wheels').mkdir(parents=True)
    names = [f'{w}=={metadata.version(w)}' for w in WHEELS]
    pure = ['--only-binary=:all:', '--platform', 'any', '--python-version', '3.12']
    get = [sys.executable, '-m', 'pip', 'download', '--no-deps', *pure, '-d', folder/'wheels']
    said = subprocess.run([*get, *names], capture_output=True, text=True)
    if said.returncode: sys.exit(said.stderr)
    shutil.copy(ROOT/'models/nsf-fashion.safetensors', folder)
    code = sum(mib(f) for d in ('flowood', 'tools') for f in (ROOT/d).rglob('*.py'))
    for name, split, n in SETS:
        (images, labels), file = load(name, split), folder/'data'/name/f'{split}.npz'
        if n == 'rest':
            left = most - mib(folder) - code
            n = int(.97*left/arrays(file, images[:500], labels[:500])*500)
        took = arrays(file, images[:n], labels[:n])
        print(f'{name} {split}: {len(images[:n]):,} images, {took:.1f} MiB', flush=True)
    print(f'{folder}: {mib(folder):.1f} MiB, of them {mib(folder/"wheels"):.1f} in {len(names)} '
          f'wheels; with {code:.1f} MiB of code {mib(folder) + code:.1f} of {most:g} MiB')

def mib(path):
    "Size of a file, or of all files below a folder."
    files = path.rglob('*') if path.is_dir() else [path]
    return sum(f.stat().st_size for f in files if f.is_file())/2**20

def image(folder):
    "Links to those packages of this environment that the card's image has, too."
    for p in Path(sysconfig.get_path('purelib')).iterdir():
        if re.split('[-.]', p.name)[0].lower() in IMAGE: (folder/p.name).symlink_to(p)

def imported(site):
    "The packages beyond Python's own that were loaded, by where they come from."
    files = {str(getattr(m, '__file__', '')) for m in list(sys.modules.values())}
    ours = lambda d: {f[len(d) + 1:].split('/')[0] for f in files if f.startswith(f'{d}/')}
    return dict(packed=sorted(ours(site)), image=sorted(ours(f'{site}-image')))

# --- the queue

def parts():
    "The parts of every group, in order."
    speeds = [f'{f} {m}' for m in gpu_parts.MODES for f in gpu_parts.FAMILIES]
    own = dict(correct=gpu_parts.KINDS, speed=speeds)
    return {g: [(g, p) for p in own.get(g, [''])] for g in GROUPS}

def rows(out):
    "What has happened so far; the last row of a part has its state."
    file = out/'rows.jsonl'
    return [json.loads(l) for l in file.read_text().splitlines()] if file.exists() else []

def note(out, group, part, **facts):
    with open(out/'rows.jsonl', 'a') as f:
        f.write(json.dumps(dict(group=group, part=part, **facts)) + '\n')

def settled(out):
    "The parts that need no more work."
    state = {(r['group'], r['part']): r['state'] for r in rows(out)}
    return {k for k, s in state.items() if s in ('done', 'failed', 'left out')}

def spent(out, group): return sum(r.get('seconds', 0) for r in rows(out) if r['group'] == group)

def do(a, group, part):
    "One part, its rows, and an alarm that ends this process where it hangs."
    minutes = GROUPS[group][0] + 1 if group in gpu_parts.TRAIN else 1.5
    limit = 60*minutes*(5 if a.rehearse else 1)
    signal.setitimer(signal.ITIMER_REAL, min(limit, max(1, a.until + 30 - time.time())))
    note(a.out, group, part, state='begun')
    began, used = time.perf_counter(), [r.get('used', 0) for r in rows(a.out) if r['group'] == group]
    try:
        if group == 'correct': res = gpu_parts.correct(part, a.device, a.rehearse)
        elif group == 'speed': res = gpu_parts.speed(part, a.device, a.rehearse)
        elif group == 'lid': res = gpu_parts.lid(a)
        else: res = gpu_parts.train(group, a, 60*GROUPS[group][0], max(used))
    except Exception as e: res = dict(state='failed', error=f'{type(e).__name__}: {e}'[:500])
    signal.setitimer(signal.ITIMER_REAL, 0)
    took = round(time.perf_counter() - began, 2)
    note(a.out, group, part, **{'state': 'done', **res}, seconds=took)
    short = {k: v for k, v in res.items() if not isinstance(v, (dict, list))}
    print(f'{group} {part} {took:.1f} s {json.dumps(short)}'[:300], flush=True)

def child(a):
    "Everything that is left, in this process; first in each group's minutes, then what they left."
    for late in (False, True):
        for group, todo in parts().items():
            for key in todo:
                over = spent(a.out, group) > 60*GROUPS[group][0] and not a.rehearse
                if key in settled(a.out) or over and not late: continue
                if time.time() > a.until - 5: return
                do(a, *key)
    if a.rehearse: note(a.out, 'imports', '', state='done', **imported(str(a.site)))

def queue(a):
    "Children, one after the other, until one has seen the end of the queue."
    a.out.mkdir(parents=True, exist_ok=True)
    for f in a.resume.iterdir() if a.resume else (): shutil.copy(f, a.out)
    with tempfile.TemporaryDirectory() as top:
        site, lib, python = Path(top, 'site'), Path(top, 'site-image'), [sys.executable]
        for d in (site, lib): d.mkdir()
        for w in (a.pack/'wheels').glob('*.whl'): zipfile.ZipFile(w).extractall(site)
        if a.rehearse: python.append('-S') # without this environment's packages, but for those
        if a.rehearse: image(lib)
        env = dict(os.environ, PYTHONPATH=f'{site}:{lib}:{ROOT}', FLOWOOD_DATA=str(a.pack/'data'))
        told = [f'--{k}={getattr(a, k)}' for k in ('out', 'state', 'until', 'device')]
        told += [f'--from={a.pack}', f'--child={site}'] + ['--rehearse']*a.rehearse
        for _ in range(sum(map(len, parts().values()))):
            code = subprocess.run([*python, __file__, *told], env=env).returncode
            last = (rows(a.out) or [dict(state='')])[-1]
            if code == 0 or last['state'] != 'begun': break
            why = 'it took too long' if code == -signal.SIGALRM else f'the process ended with {code}'
            note(a.out, last['group'], last['part'], state='failed', error=why)
    return summary(a.out, code)

def summary(out, code):
    "A short table, and whether all is well."
    last = {(r['group'], r['part']): r for r in rows(out)}
    for group, todo in parts().items():
        found = [last.get(k, dict(state='waiting')) for k in todo]
        states = [r['state'] if r.get('ok', True) else 'wrong' for r in found]
        count = ', '.join(f'{states.count(s)} {s}' for s in dict.fromkeys(states))
        print(f'{group:9} {spent(out, group):6.1f} s  {count}')
    bad = [r for r in last.values() if r['state'] == 'failed' or not r.get('ok', True)]
    for r in bad: print(json.dumps(r))
    if r := last.get(('imports', '')): print('packed:', *r['packed'], '| image:', *r['image'])
    return code or len(bad)

if __name__ == '__main__':
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    near = ROOT.parent/'gpu-pack'
    p.add_argument('--pack', dest='make', type=Path, nargs='?', const=near, help='make a pack, and end')
    p.add_argument('--mib', type=float, default=63, help='size of the pack at most')
    p.add_argument('--rehearse', action='store_true', help='the queue in miniature, without a GPU')
    p.add_argument('--from', dest='pack', type=Path, default=near, help='the pack')
    p.add_argument('--minutes', type=float, default=9, help='of this call')
    p.add_argument('--out', type=Path, default=os.environ.get('OUT'), help='rows and weights')
    p.add_argument('--state', type=Path, help='whole states of trainings; else in /tmp')
    p.add_argument('--resume', type=Path, help='what an earlier call left in its `--out`')
    p.add_argument('--device', default='cuda')
    p.add_argument('--child', dest='site', help=argparse.SUPPRESS)
    p.add_argument('--until', type=float, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.site: sys.exit(child(a))
    print(plan(), flush=True)
    if a.make: sys.exit(pack(a.make.resolve(), a.mib))
    a.pack, a.until = a.pack.resolve(), time.time() + 60*a.minutes
    if a.rehearse: a.device = 'cpu'
    if not a.pack.is_dir(): sys.exit(f'there is no pack in {a.pack}; make one with --pack')
    a.out = (a.out or ROOT/'gpu-out').resolve()
    a.state = (a.state or Path(tempfile.gettempdir(), 'gpu-state')).resolve()
    sys.exit(queue(a))
