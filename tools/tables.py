#!/usr/bin/env python3
"""Fit the detector on every table of ADBench under the data root, and print how it fares beside two baselines.

    python tools/tables.py [--steps 300] [--models auto diffusion] [--bs 256]
                           [--out results/tables.json] [NAME ...]
Protocol: half of the normal rows (at most 5,000) train, the other half (at most 3,000) and all
anomalies (at most 3,000) are judged; the detector sees no anomaly and no label. Exit code 1 if a
table gives an error. `--out` keeps what is done, and goes on where it was stopped. `--bs` trains
the models by batches of so many rows instead of their presets', and says so in their names.
"""
import argparse, json, sys, time, warnings
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from flowood.core import atomic
from flowood.data import data_root
from flowood.detector import OODDetector
from flowood.diffusion import models as _  # enters its presets
from flowood.flows.models import PRESETS
from flowood.metrics import auroc

def parts(path, seed=0):
    "Rows to train on, normal rows to judge, anomalies to judge."
    with np.load(path) as z: x, y = z['X'].astype(float), z['y']
    g = np.random.default_rng(seed)
    normal = g.permutation(np.flatnonzero(y == 0))
    odd = g.permutation(np.flatnonzero(y == 1))[:3000]
    half = len(normal)//2
    return x[normal[:min(5000, half)]], x[normal[half:][:3000]], x[odd]

def baselines(train, fresh, odd):
    "Scores of two baselines on standardised rows: the 5th nearest neighbour, a Gaussian mixture."
    scale = StandardScaler().fit(train)
    train, fresh, odd = map(scale.transform, (train, fresh, odd))
    near = NearestNeighbors(n_neighbors=5).fit(train)
    k = max(1, min(10, len(train)//50))
    mix = GaussianMixture(k, reg_covar=1e-3, random_state=0).fit(train)
    return dict(knn=[near.kneighbors(x)[0][:,-1] for x in (fresh, odd)],
                mixture=[-mix.score_samples(x) for x in (fresh, odd)])

def judge(path, model, steps):
    "AUROC of every score, false alarms and power at 0.05."
    train, fresh, odd = parts(path)
    res = dict(n=len(train), d=train.shape[1])
    if model == 'baselines':
        y = np.repeat([0, 1], [len(fresh), len(odd)])
        scores = baselines(train, fresh, odd)
        return dict(res, auroc={n: float(auroc(y, np.concatenate(s))) for n, s in scores.items()})
    det = OODDetector(model=model, steps=steps, progress=False).fit(train)
    judged = det.results(dict(odd=odd), id=fresh, most=3000, n_boot=0)
    flagged = lambda s: float((s['p'][det.decides] <= det.alpha).mean())
    return dict(res, auroc={r['score']: r['auroc'] for r in judged['rows']},
                models=len(det.pipeline_.flows), by=det.decides,
                alarms=flagged(judged['id']), power=flagged(judged['ood']['odd']))

def named(model, bs):
    "What a model is called in the results: its name, and the batch that is not its preset's."
    return f'{model}-{bs}' if bs and model in PRESETS else model

def run(paths, models, steps, out=None, bs=None):
    "Judge each table by each model; rows in the order of the tables."
    rows = json.loads(Path(out).read_text()) if out and Path(out).exists() else []
    done = {(r['table'], r['model']) for r in rows}
    for f in paths:
        for m in models:
            if (f.stem, named(m, bs)) in done: continue
            t = time.process_time()
            try: r = judge(f, m, steps)
            except Exception as e: r = dict(error=f'{type(e).__name__}: {e}')
            r = dict(table=f.stem, model=named(m, bs), steps=steps, **r,
                     cpu=round(time.process_time() - t, 1))
            rows.append(r)
            said = {k: v for k, v in r.get('auroc', {}).items() if m == 'baselines' or k in SHOWN}
            print(f'{f.stem:26} {m:10}', *(f'{k} {v:.3f}' for k, v in said.items()),
                  r.get('error', ''), f"{r['cpu']:.0f} s of CPU", flush=True)
            if not out: continue
            with atomic(out) as tmp: Path(tmp).write_text(json.dumps(rows, indent=1))
    return rows

SHOWN = 'likelihood', 'dose', 'curve'

def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('names', nargs='*', help='parts of file names')
    p.add_argument('--steps', type=int, default=300)
    p.add_argument('--models', nargs='+', default=['auto', 'baselines'])
    p.add_argument('--bs', type=int, help='rows a batch')
    p.add_argument('--out', help='a JSON file')
    a = p.parse_args()
    warnings.simplefilter('ignore')
    paths = [f for f in sorted((data_root()/'ADBench').glob('*.npz'))
             if not a.names or any(n in f.name for n in a.names)]
    for m in a.models:
        if a.bs and m in PRESETS: PRESETS[m]['train'].update(bs=a.bs, rows=a.bs)
    rows = run(paths, a.models, a.steps, a.out, a.bs)
    for m in (named(m, a.bs) for m in a.models):
        own = [r for r in rows if r['model'] == m and 'auroc' in r]
        if not own: continue
        names = set.intersection(*[set(r['auroc']) for r in own])
        means = {n: np.mean([r['auroc'][n] for r in own]) for n in own[0]['auroc'] if n in names}
        print(f'{m}, {len(own)} tables, mean AUROC:',
              ', '.join(f'{n} {v:.3f}' for n, v in means.items()))
        if m != 'baselines': print(f'    mean false alarms {np.mean([r["alarms"] for r in own]):.3f}, '
                                   f'mean power {np.mean([r["power"] for r in own]):.3f}')
    return any('error' in r for r in rows)

if __name__ == '__main__': sys.exit(main())
