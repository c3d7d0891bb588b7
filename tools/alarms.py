#!/usr/bin/env python3
"""False alarms of the detector over many random draws, for few and many calibration examples.

    python tools/alarms.py [--splits 50] [--steps 30] [--only table|image]
Up to 100 examples train, fit and calibrate in folds; beyond, separate parts do. Each detector judges 300 fresh
examples. A rate is expected at floor(alpha (n+1))/(n+1); `inside` counts the draws whose rate lies in the 99 % range of
that, which the fold's own guarantee does not promise. A mean that is above its rate by more than three standard errors
is marked.
"""
import argparse, math, sys, time, warnings

import numpy as np
import torch

from flowood.data import glyphs, resize, two_moons
from flowood.detector import OODDetector
from flowood.metrics import alarm_range

FRESH, ALPHAS = 300, (.01, .05, .1)

def table(n, seed):
    "Moons, a count and a constant."
    g = np.random.default_rng(seed)
    return np.c_[two_moons(n, seed=seed), g.poisson(2., n), np.full(n, 7.)]

def image(n, seed):
    "Letters in random fonts and places, 8×8 pixels, no two from the same draw."
    if not hasattr(image, 'all'): image.all = resize(glyphs('train', 40_000)[0], 8)
    return image.all[np.random.default_rng(seed).permutation(len(image.all))[:n]]

def rates(make, n, seed, steps):
    "The share of fresh examples called OOD at each rate, by one detector with `n` calibration examples."
    few = n <= 100
    x = make((n if few else 500 + 3*n) + FRESH, seed)
    fit, held, fresh = x[:-FRESH][:n if few else 500], None if few else x[500:-FRESH], x[-FRESH:]
    det = OODDetector(steps=steps, seed=seed, progress=False).fit(fit, held_out=held)
    assert det.calibration_.n == n, det.calibration_.n
    p = det.p_values(fresh)
    return [(p <= a).mean() for a in ALPHAS]

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--splits', type=int, default=50); p.add_argument('--steps', type=int, default=30)
    p.add_argument('--only', choices=['table', 'image']); p.add_argument('--n', type=int, nargs='*', default=[20, 50, 100, 200, 1000])
    a = p.parse_args(); warnings.simplefilter('ignore'); bad = 0
    for make in [f for f in (table, image) if a.only in (None, f.__name__)]:
        for n in a.n:
            t = time.time(); r = np.array([rates(make, n, s, a.steps) for s in range(a.splits)])
            for alpha, v in zip(ALPHAS, r.T):
                k = math.floor(alpha*(n + 1) + 1e-9); se = v.std(ddof=1)/math.sqrt(len(v))
                lo, hi = alarm_range(alpha, FRESH, n, .99) if k else (0., 0.)
                over = v.mean() > k/(n + 1) + 3*max(se, 1e-9); bad += over
                print(f'{make.__name__:6} n={n:5} alpha={alpha:4}: mean {v.mean():.4f} ± {se:.4f}, expected {k/(n + 1):.4f}, '
                      f'inside {((lo <= v) & (v <= hi)).sum()} of {len(v)}{"  ABOVE" if over else ""}', flush=True)
            print(f'       {time.time() - t:.0f} s, {torch.get_num_threads()} threads', flush=True)
    return bool(bad)

if __name__ == '__main__': sys.exit(main())
