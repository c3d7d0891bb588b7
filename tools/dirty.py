#!/usr/bin/env python3
"""What a few strangers among the training examples do to the detector, and what each remedy gives back.

    python tools/dirty.py [--n 3600] [--steps 60] [--seed 0] [--shares 0 0.05] [--out results/50_dirty.json] [WORD ...]
A share of the examples that the detector is given, all of its parts included, is of the very set that it has to find
later, on examples of it that it was not given. Three ways, on the same flow: `default` (scores fitted on the whole fit
part), `trimmed` (the deciding score on its least suspect four fifths), and `dirty` (`dirty=0.05`: distances from
unsuspected training images, too, and the largest 5 % of the calibration scores left out). Prints AUROC with its 95 %
interval, power and false alarms at 0.05. `--out` keeps what is done, and goes on where it was stopped.
"""
import argparse, copy, json, sys, time, warnings
from pathlib import Path

import numpy as np
import pandas as pd

from flowood.core import atomic
from flowood.data import data_root
from flowood.detector import OODDetector, _distances, _unsuspected
from flowood.metrics import compare
from flowood.pipeline import calibrate
from tables import parts as table_parts
from worlds import images, some

PAIRS = [('FashionMNIST', 'MNIST', 'L'), ('CIFAR10', 'SVHN', 'RGB'), ('FashionMNIST', 'notMNIST', 'L'),
         ('CelebA', 'CIFAR10', 'RGB')]
TABLES = ['27_PageBlocks', '23_mammography', '7_Cardiotocography', '41_Waveform', '19_landsat', '45_wine', '31_satimage-2',
          '35_SpamBase']
N_FRESH, N_ODD, SHARE = 700, 500, .05

class Kept(OODDetector):
    "A detector that keeps its statistics, and judges no test part."
    def _calibrate(self, parts, test):
        pipe, self.parts_ = self.pipeline_, parts
        self.fit_, self.held_ = ([pipe.tables(p[i], only=k)[0] for k, p in enumerate(parts)] for i in (1, 2))
        self.calibration_ = calibrate(self.fit_, self.held_, [self._by()], every=False)
        self.test_ = dict(stats=self.fit_[0])

def pair(a, b, mode, n, seed):
    "ID examples, fresh ones, OOD examples to be mixed in, OOD examples to find."
    x, o = images(a, mode)[0], images(b, mode)[0]
    i, j = some(len(x), n + N_FRESH, seed + 7), some(len(o), 500 + N_ODD, seed + 7)
    return x[i[:n]], x[i[n:]], o[j[:500]], o[j[500:]]

def table(name, n, seed):
    "The same of a table: half of its anomalies may be mixed in."
    x, fresh, odd = table_parts(data_root()/'ADBench'/f'{name}.npz', seed)
    half = len(odd)//2
    return x[:n], fresh[:N_FRESH], odd[:half], odd[half:][:N_ODD]

def again(det, own, tables, xs):
    "Tables with the columns of other distances."
    res = []
    for fs, t, x in zip(own, tables, xs):
        new = t.copy()
        for f in fs:
            cols = [f(b) for b in x.split(512)]
            for k in cols[0]: new[k] = np.concatenate([c[k] for c in cols])
        res.append(new)
    return res

def ways(det, sets):
    "Way -> statistics to fit on, to calibrate on and to judge, and what `calibrate` is told."
    fit, cal, pipe = det.fit_, det.held_, det.pipeline_
    judged = {k: pipe.tables(x) for k, x in sets.items()}
    yield 'default', fit, cal, judged, {}
    yield 'trimmed', fit, cal, judged, dict(doubt=.2)
    other = copy.copy(det)
    other.dirty, own = SHARE, []
    for flow, (raw, *_), first in zip(pipe.flows, det.parts_, pipe.own):
        sure = _unsuspected(other, flow, raw, pipe.spec)
        own.append(first if isinstance(sure, slice) else _distances(other, raw[sure], pipe.seen(raw[sure])))
    fit, cal = (again(det, own, t, [p[i] for p in det.parts_]) for t, i in ((fit, 1), (cal, 2)))
    judged = {k: again(det, own, t, [sets[k]]*len(own)) for k, t in judged.items()}
    yield f'dirty={SHARE}', fit, cal, judged, dict(doubt=other.doubt, dirty=SHARE)

def judge(data, share, how, seed):
    "A row for each way and score."
    x, fresh, bad, odd = data
    m = min(len(bad), round(share*len(x)/(1 - share)))
    mixed = np.concatenate([x, bad[:m]])[np.random.default_rng(seed).permutation(len(x) + m)]
    det = Kept(progress=False, seed=seed, **how).fit(mixed)
    sets = {k: det.open(o).sample(10_000, 0)[1] for k, o in dict(fresh=fresh, odd=odd).items()}
    rows = []
    for way, fit, cal, judged, told in ways(det, sets):
        near = [c for c in fit[0] if c[:3] in ('lof', 'knn')]
        codes = ['complexity', 'gmm'] if 'bits_png' in fit[0] else []
        c = calibrate(fit, cal, ['panel', 'likelihood', 'dose', *codes, *near], every=False, **told)
        for score in c.names:
            (s, p), (so, po) = (c.judge(score, judged[k]) for k in ('fresh', 'odd'))
            rows.append(dict(share=round(m/(m + len(x)), 3), way=way, score=score, n=len(mixed), n_cal=c.n, seed=seed,
                             **compare(s, so, 300), power=float((po <= .05).mean()),
                             alarms=float((p <= .05).mean()), promised=c.promised(.05)))
    return rows

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('words', nargs='*', help='parts of names of worlds')
    p.add_argument('--n', type=int, default=3600, help='clean examples given')
    p.add_argument('--steps', type=int, default=60, help='of training on images')
    p.add_argument('--row-steps', type=int, default=300, help='of training on rows')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--shares', type=float, nargs='*', default=[0., .05])
    p.add_argument('--out', default='results/50_dirty.json')
    a = p.parse_args()
    warnings.simplefilter('ignore')
    out = Path(a.out)
    done = json.loads(out.read_text()) if out.exists() else []
    worlds = [(f'{i} + {o}', lambda i=i, o=o, m=m: pair(i, o, m, a.n, a.seed), dict(steps=a.steps)) for i, o, m in PAIRS]
    worlds += [(t, lambda t=t: table(t, a.n, a.seed), dict(steps=a.row_steps)) for t in TABLES]
    for name, data, how in worlds:
        if a.words and not any(w in name for w in a.words): continue
        for share in a.shares:
            about = dict(world=name, asked=share, seed=a.seed, **how)
            if any(about.items() <= d.items() for d in done): continue
            t = time.process_time()
            rows = [dict(about, **r) for r in judge(data(), share, how, a.seed)]
            cpu = round(time.process_time() - t, 1)
            done += [dict(r, cpu=cpu) for r in rows]
            with atomic(out) as tmp: Path(tmp).write_text(json.dumps(done))
            for r in rows:
                if r['score'] != 'panel': continue
                print(f"{name}, {r['share']:.0%} dirty, n = {r['n']}, seed {a.seed}, {r['way']}: AUROC {r['auroc']:.3f} "
                      f"[{r['lo']:.3f}, {r['hi']:.3f}] finds {r['power']:.3f}, false alarms {r['alarms']:.3f} of promised "
                      f"{r['promised']:.3f} ({cpu:.0f} s of CPU)", flush=True)

if __name__ == '__main__': sys.exit(main())
