#!/usr/bin/env python3
"""What a user's machine does to the command line: kills, large folders, real pictures. Prints the evidence; exit code 1 on failure.

    python tools/stress.py kill [N]      # kill -9 `flowood fit` N times (10) at random moments; final weights equal an undisturbed run's, bit for bit
    python tools/stress.py memory        # score 10,000 and 100,000 images from .npy and PNG; peak memory must not grow with their number
    python tools/stress.py folder        # FashionMNIST and MNIST as PNG folders through fit and score: AUROC (needs the data root)
"""
import os, random, subprocess, sys, tempfile, time
from pathlib import Path
import numpy as np

FLOWOOD = [sys.executable, '-W', 'ignore', '-c', 'import sys; from flowood.cli import main; sys.exit(main())']

def flowood(*args, **kw): return subprocess.run([*FLOWOOD, *map(str, args)], check=True, capture_output=True, text=True, **kw).stdout

def peak_mb(*args):
    "Peak resident memory of one `flowood` command, MB."
    p = subprocess.Popen([*FLOWOOD, *map(str, args)], stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(p.pid, 0)
    assert status == 0, f'flowood {args} failed'
    return use.ru_maxrss/1024

def pngs(folder, images):
    from PIL import Image
    folder.mkdir(parents=True)
    for i, im in enumerate(images): Image.fromarray(im.squeeze()).save(folder/f'{i:06d}.png')
    return folder

def toy(n):
    from flowood.testing import toy_images
    return toy_images(n).numpy().transpose(0, 2, 3, 1)

def weights(det):
    from flowood.core import load_tensors
    return {k: v.numpy().tobytes() for k, v in load_tensors(det/'detector.safetensors')[0].items()}

def kill(d, n=10):
    from flowood.core import load_tensors
    np.save(d/'x.npy', toy(3000)); args = ('fit', d/'x.npy', '--model', 'lean', '--steps', 3000, '--quiet')
    t = time.time(); flowood(*args, '--out', d/'whole'); whole = time.time() - t
    print(f'undisturbed: {whole:.1f} s'); kills, r, ckpt = 0, random.Random(0), d/'killed/training/training.safetensors'
    while True:
        p = subprocess.Popen([*FLOWOOD, *map(str, (*args, '--out', d/'killed'))], stdout=subprocess.DEVNULL)
        try: p.wait(r.uniform(.05, .3)*whole if kills < n else None); break
        except subprocess.TimeoutExpired: p.kill(); p.wait(); kills += 1
        print(f'kill {kills}: {load_tensors(ckpt)[1]["epoch"] if ckpt.exists() else 0} of 20 epochs done')
    a, b = weights(d/'whole'), weights(d/'killed')
    same = p.returncode == 0 and a.keys() == b.keys() and all(a[k] == b[k] for k in a)
    print(f'{kills} kills, then finished; weights and calibration {"equal, bit for bit" if same else "DIFFER"} ({len(a)} tensors)')
    return same and kills == n

def memory(d):
    np.save(d/'x.npy', toy(2000)); flowood('fit', d/'x.npy', '--steps', 40, '--out', d/'det', '--quiet'); ok = True
    for kind in ('npy', 'png'):
        peaks = {}
        for n in (10_000, 100_000):
            if kind == 'npy': src = d/f'{n}.npy'; np.save(src, np.tile(toy(10_000), (n//10_000, 1, 1, 1)))
            else: src = pngs(d/f'{n}', np.tile(toy(10_000), (n//10_000, 1, 1, 1)))
            t = time.time(); peaks[n] = peak_mb('score', d/'det', src, '--out', d/'s.csv'); secs = time.time() - t
            print(f'{kind} {n:7,}: peak {peaks[n]:.0f} MB, {secs:.1f} s, {n/secs:,.0f} images/s with start-up')
        grown = peaks[100_000] - peaks[10_000]; ok &= grown < 60
        print(f'{kind}: ten times the images, {grown:+.0f} MB')
    return ok

def folder(d, minutes=3):
    import pandas as pd
    from flowood.data import load
    from flowood.metrics import compare
    sets = dict(train=load('FashionMNIST', 'train')[0][:20_000], fashion=load('FashionMNIST', 'test')[0][:2000], mnist=load('MNIST', 'test')[0][:2000])
    for k, v in sets.items(): pngs(d/k, v)
    print(flowood('fit', d/'train', '--out', d/'det', '--minutes', minutes, '--ood', d/'mnist', '--quiet'))
    csv = {}
    for k in ('fashion', 'mnist'): print(flowood('score', d/'det', d/k, '--out', d/f'{k}.csv').strip()); csv[k] = pd.read_csv(d/f'{k}.csv')
    for name, f in (('likelihood', lambda t: -t.log_prob), ('score (dose)', lambda t: t.score)):
        r = compare(f(csv['fashion']), f(csv['mnist'])); print(f"{name}: AUROC {r['auroc']:.3f} [{r['lo']:.3f}, {r['hi']:.3f}], n = {r['n_id']} + {r['n_ood']}")
    for k, t in csv.items(): print(f'{k}: {(t.decision == "OOD").mean():.3f} called OOD')
    return True

if __name__ == '__main__':
    what, *rest = sys.argv[1:] or ['']
    if what not in ('kill', 'memory', 'folder'): sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as d: sys.exit(not globals()[what](Path(d), *map(int, rest)))
