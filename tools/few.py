#!/usr/bin/env python3
"""How the detector fares when it is given few examples.

    python tools/few.py [--n 50 200 1000] [--steps 30] [--row-steps 100] [--seeds 1] [--judge 300] [--folds]
                        [--out results/50_few.json] [WORD ...]
Each detector is fitted on `n` ID examples, and judges `--judge` fresh ones and as many OOD ones that it was not given.
Prints the AUROC of the deciding score with its 95 % interval, power and false alarms at 0.05, and of several seeds
(which draw other examples, too) the mean rate of false alarms with its standard error beside the rate that is
promised, floor(0.05 (m+1))/(m+1) for m calibration examples. `--folds` uses five models at every `n`. `--out` keeps
what is done, and goes on where it was stopped.
"""
import argparse, json, math, sys, time, warnings
from pathlib import Path

import numpy as np
import pandas as pd

from flowood.core import atomic
from flowood.detector import OODDetector
from flowood.metrics import compare
from flowood.pipeline import folds
from dirty import pair, table

PAIRS = [('FashionMNIST', 'MNIST', 'L'), ('CIFAR10', 'SVHN', 'RGB'), ('FashionMNIST', 'notMNIST', 'L'),
         ('CIFAR10', 'CelebA', 'RGB'), ('CelebA', 'CIFAR10', 'RGB'), ('CelebA', 'SVHN', 'RGB')]
TABLES = ['27_PageBlocks', '7_Cardiotocography']

class Folded(OODDetector):
    "A detector that uses five models whatever the number of examples."
    def _cut(self, n): return folds(n, self.seed), None

def judge(make, fresh, odd, x, how):
    "AUROC, power and false alarms of one detector."
    det = make(progress=False, **how).fit(x)
    (s, p), (so, po) = ((r.score.to_numpy(), r.p_value.to_numpy()) for r in (pd.concat(det.detect(o)) for o in (fresh, odd)))
    m = det.calibration_.n
    return dict(models=len(det.pipeline_.flows), n_cal=m, **compare(s, so, 300), power=float((po <= .05).mean()),
                alarms=float((p <= .05).mean()), expected=math.floor(.05*(m + 1) + 1e-9)/(m + 1))

def say(rows):
    "One line for a world and `n`."
    r, k = rows[0], len(rows)
    mean = {c: np.mean([o[c] for o in rows]) for c in ('auroc', 'lo', 'hi', 'power', 'alarms')}
    sd = f" ± {np.std([o['alarms'] for o in rows], ddof=1)/k**.5:.3f}" if k > 1 else ''
    return (f"{r['world']}, n = {r['n_given']}, {r['models']} models, {k} seeds: AUROC {mean['auroc']:.3f} "
            f"[{mean['lo']:.3f}, {mean['hi']:.3f}], finds {mean['power']:.3f}, false alarms {mean['alarms']:.3f}{sd} "
            f"of expected {r['expected']:.3f} ({sum(o['cpu'] for o in rows):.0f} s of CPU)")

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('words', nargs='*', help='parts of names of worlds')
    p.add_argument('--n', type=int, nargs='*', default=[50, 200, 1000])
    p.add_argument('--steps', type=int, default=30, help='of training on images, all models together')
    p.add_argument('--row-steps', type=int, default=100, help='of training each model on rows')
    p.add_argument('--seeds', type=int, default=1)
    p.add_argument('--judge', type=int, default=300)
    p.add_argument('--folds', action='store_true', help='five models at every n')
    p.add_argument('--out', default='results/50_few.json')
    a = p.parse_args()
    warnings.simplefilter('ignore')
    out = Path(a.out)
    done = json.loads(out.read_text()) if out.exists() else []
    worlds = [(f'{i} -> {o}', lambda n, s, i=i, o=o, m=m: pair(i, o, m, n, s), a.steps) for i, o, m in PAIRS]
    worlds += [(t, lambda n, s, t=t: table(t, n, s), a.row_steps) for t in TABLES]
    make = Folded if a.folds else OODDetector
    for name, data, steps in worlds:
        if a.words and not any(w in name for w in a.words): continue
        for n in a.n:
            rows = []
            for seed in range(a.seeds):
                about = dict(world=name, n_given=n, seed=seed, steps=steps, made=make.__name__)
                old = [d for d in done if about.items() <= d.items()]
                if not old:
                    t = time.process_time()
                    x, fresh, _, odd = data(n, seed)
                    if len(fresh) < a.judge:
                        print(f'{name}: {n:,} examples would leave {len(fresh)} to judge; not done', flush=True)
                        break
                    res = judge(make, fresh[:a.judge], odd[:a.judge], x, dict(steps=steps, seed=seed))
                    old = [dict(about, **res, cpu=round(time.process_time() - t, 1))]
                    done += old
                    with atomic(out) as tmp: Path(tmp).write_text(json.dumps(done))
                rows += old
            if rows: print(say(rows), flush=True)

if __name__ == '__main__': sys.exit(main())
