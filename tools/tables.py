#!/usr/bin/env python3
"""Fit the detector on every table of ADBench under the data root, and print how it fares.

    python tools/tables.py [--steps 300] [NAME ...]
Protocol: half of the normal rows (at most 5,000) train, the other half (at most 3,000) and all anomalies (at most
3,000) are judged; the detector sees no anomaly and no label. Exit code 1 if a table gives an error.
"""
import argparse, sys, time, warnings

import numpy as np

from flowood.data import data_root
from flowood.detector import OODDetector
from flowood.metrics import auroc

def parts(path, seed=0):
    "Rows to train on, normal rows to judge, anomalies to judge."
    with np.load(path) as z: x, y = z['X'].astype(float), z['y']
    g = np.random.default_rng(seed)
    normal, odd = g.permutation(np.flatnonzero(y == 0)), g.permutation(np.flatnonzero(y == 1))[:3000]
    half = len(normal)//2
    return x[normal[:min(5000, half)]], x[normal[half:][:3000]], x[odd]

def judge(path, steps):
    "AUROC of two scores, false alarms and power at 0.05."
    train, fresh, odd = parts(path)
    det = OODDetector(steps=steps, progress=False).fit(train)
    y, res = np.repeat([0, 1], [len(fresh), len(odd)]), {}
    for name in ('likelihood', 'dose'):
        det.ood_score = name
        res[name] = auroc(y, np.r_[det.outlier_scores(fresh), det.outlier_scores(odd)])
    alarms, power = (det.predict(fresh) < 0).mean(), (det.predict(odd) < 0).mean()
    return dict(n=len(train), d=train.shape[1], models=len(det.pipeline_.flows), **res, alarms=alarms, power=power)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('names', nargs='*', help='parts of file names'); p.add_argument('--steps', type=int, default=300)
    a = p.parse_args(); warnings.simplefilter('ignore'); rows, bad = [], 0
    for f in sorted((data_root()/'ADBench').glob('*.npz')):
        if a.names and not any(n in f.name for n in a.names): continue
        t = time.process_time()
        try: r = judge(f, a.steps)
        except Exception as e: bad += 1; print(f'{f.stem:26} {type(e).__name__}: {e}', flush=True); continue
        rows.append(r)
        print(f'{f.stem:26}', *(f'{k} {v:.3f}' if isinstance(v, float) else f'{k} {v:4}' for k, v in r.items()),
              f'{time.process_time() - t:.0f} s of CPU', flush=True)
    mean = lambda k: np.mean([r[k] for r in rows])
    if rows: print(f'{len(rows)} tables, {bad} errors; mean AUROC: likelihood {mean("likelihood"):.3f}, dose {mean("dose"):.3f}; '
                   f'mean false alarms {mean("alarms"):.3f}, mean power {mean("power"):.3f}; {a.steps} steps, seed 0')
    return bool(bad)

if __name__ == '__main__': sys.exit(main())
