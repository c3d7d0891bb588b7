#!/usr/bin/env python3
"""Fit the detector in many worlds, and keep how well each candidate for the default score does there.

    python tools/worlds.py [--minutes 1] [--steps 600] [--out results/57_default.json] [WORD ...]
    python tools/worlds.py --model diffusion --minutes 2 --out results/57_models.json [WORD ...]
A world is what a detector is trained on: a set of images under the data root, one class of it, or the
normal rows of a table of ADBench. The detector sees no other data; each candidate's constants come from
its fit part, its p-values from its calibration part. Judged are its test part, every other set of the
same kind, the other classes, broken copies of the test images, or the anomalies. `--out` keeps what is
done, and goes on where it was stopped. `--model` judges a model by what does not depend on its columns:
likelihood, typicality, DoSE, complexity, and the panel that it comes with; minutes are then CPU-minutes.
"""
import argparse, json, re, sys, time, warnings
from functools import partial
from pathlib import Path

import numpy as np

from flowood import learner
from flowood.core import atomic
from flowood.data import data_root, load, on_disk, sanity_suite, set_mode, to_nchw
from flowood.detector import OODDetector
from flowood.metrics import auroc
from flowood.pipeline import calibrate
from flowood.scores.base import GMM, Combined, DoSE, Stat, density_columns, get_score, named
from tables import parts as table_parts

IMAGES = dict(L=('FashionMNIST', 'MNIST', 'notMNIST'), RGB=('CIFAR10', 'CelebA', 'SVHN'))
CLASSES = dict(FashionMNIST=(0, 3, 8), CIFAR10=(1, 3, 8))
N = 12_000, 1000 # ID images of a world, images of each other set

def images(name, mode):
    "Images of the largest split that is there, and their labels."
    for split in ('train', 'test'):
        try: x, y = load(name, split, size=28 if mode == 'L' else 32)
        except (FileNotFoundError, ValueError): continue
        if len(x): return set_mode(x, mode), np.asarray(y)
    raise FileNotFoundError(f'{name} is not under the data root')

def some(n, k, seed=0): return np.random.default_rng(seed).permutation(n)[:k]

def image_worlds():
    "Name, kind, a function that gives ID images, and one that gives the others."
    for mode, names in IMAGES.items():
        here = [n for n in names if on_disk(n)]
        for a in here:
            def ids(a=a, mode=mode):
                x = images(a, mode)[0]
                return x[some(len(x), N[0])]
            def others(a=a, mode=mode, here=here):
                sets = {b: images(b, mode)[0] for b in here if b != a}
                return {b: x[some(len(x), N[1])] for b, x in sets.items()}
            yield a, mode, ids, others
            for c in CLASSES.get(a, ()):
                def own(a=a, mode=mode, c=c):
                    x, y = images(a, mode)
                    return x[y == c]
                def rest(a=a, mode=mode, c=c):
                    x, y = images(a, mode)
                    x = x[y != c]
                    return dict(classes=x[some(len(x), N[1])])
                yield f'{a} {c}', mode, own, rest

def table_worlds():
    for f in sorted((data_root()/'ADBench').glob('*.npz')):
        kind = 'features' if f.stem.startswith('ViT') else 'rows'
        yield f.stem, kind, lambda f=f: table_parts(f)[0], \
            lambda f=f: dict(zip(('fresh', 'anomalies'), (x[:1500] for x in table_parts(f)[1:])))

def image_candidates(t):
    "Candidates by name, made for the columns of the statistics `t`."
    codes = [c for c in t if c.startswith('bits_')]
    own = density_columns(t)
    pixels, even = ([f'{k}@{of}' for k in ('lof', 'mixture', 'residual')] for of in ('pixels', 'gcn'))
    parts = dict(model=GMM([*own, *codes]), all=GMM([*own, *codes, *pixels]), places=GMM(pixels),
                 even=GMM(even), both=GMM([*pixels, *even]), dosed=DoSE([*pixels, *even]),
                 elof=Stat('lof@gcn'),
                 codes=DoSE([*own, *codes]), complexity=get_score('complexity'), lof=Stat('lof@pixels'),
                 consensus=get_score('consensus'))
    single = {n: get_score(n) for n in ('likelihood', 'typicality', 'dose')}
    plain = {k: Stat(f'{k}@pixels') for k in ('knn', 'gauss', 'mixture')}
    plain.update({f'{k}@gcn': Stat(f'{k}@gcn') for k in ('knn', 'gauss', 'mixture', 'residual')})
    if 'lof@features' in t: return {**single, **plain, **feature_candidates(parts)}
    return {**single, **plain, **parts, **combined(parts, [
        'complexity lof', 'model lof', 'model complexity', 'model complexity lof', 'all complexity lof',
        'model codes complexity lof', 'places codes complexity', 'model places codes complexity',
        'consensus lof', 'consensus model lof', 'both complexity', 'model both', 'codes both',
        'codes complexity both', 'model complexity both', 'model codes complexity both',
        'model codes complexity places even', 'model codes complexity lof elof',
        'codes complexity places even', 'codes complexity both lof elof',
        'codes complexity dosed', 'model codes complexity dosed'])}

def feature_candidates(parts):
    "The same where there are features of a network, too."
    four = {k: Stat(f'{k}@features') for k in ('knn', 'lof', 'gauss', 'mixture')}
    own = dict(parts, pixels=parts['lof'], **four, things=GMM([s.column for s in four.values()]))
    seen = 'knn lof gauss mixture'
    return {**own, **combined(own, [
        seen, 'gauss mixture', 'lof gauss', 'knn gauss', 'lof gauss mixture', 'things lof',
        *(f'{more} {seen}' for more in (
            'codes', 'complexity', 'model', 'pixels', 'places', 'consensus', 'codes complexity',
            'model complexity', 'model complexity pixels', 'codes complexity places')),
        'codes gauss mixture', 'codes complexity gauss mixture', 'codes complexity things lof',
        'codes lof gauss', 'model complexity things lof'])}

def model_candidates(t):
    "What any model has, and the panel that it comes with."
    names = 'likelihood', 'typicality', 'dose', 'panel'
    codes = ('complexity',) if any(c.startswith('bits_') for c in t) else ()
    return {n: get_score(n) for n in (*names, *codes)}

def row_candidates(t):
    "The same for rows."
    parts = {k: Stat(f'{k}@rows') for k in ('knn', 'lof', 'gauss', 'mixture')}
    parts.update(likelihood=get_score('likelihood'))
    return dict(dose=get_score('dose'), typicality=get_score('typicality'), **parts, **combined(parts, [
        'knn mixture', 'knn gauss', 'knn mixture gauss', 'knn lof gauss mixture', 'likelihood knn',
        'likelihood mixture', 'likelihood knn mixture', 'likelihood knn lof gauss mixture']))

def combined(parts, names, hows=('fisher', 'cauchy', 'max-quantile')):
    "Each list of parts, combined in each way."
    return {f'{how}: {n}': Combined([parts[k] for k in n.split()], how) for n in names for how in hows}

class Kept(OODDetector):
    "A detector that keeps its parts."
    def _calibrate(self, parts, test):
        self.parts_ = parts
        super()._calibrate(parts, test)

def judge(kind, ids, others, how):
    "Facts, and of each candidate false alarms at 0.05, and AUROC and power on each set."
    det = Kept(progress=False, **how).fit(ids())
    pipe, sets = det.pipeline_, others()
    tables = {k: pipe.tables(det.open(x).sample(1500, 0)[1]) for k, x in sets.items()}
    if 'fresh' not in tables: tables['fresh'] = pipe.tables(det.test_['x'])
    if kind in IMAGES:
        broken = sanity_suite(np.ascontiguousarray(det.test_['images'][:200]))
        tables['broken'] = pipe.tables(to_nchw(np.concatenate(list(broken.values()))))
    fit, cal = ([pipe.tables(p[i], only=k)[0] for k, p in enumerate(det.parts_)] for i in (1, 2))
    make = image_candidates if kind in IMAGES else row_candidates
    if 'model' in how: make = model_candidates
    cands = [named(s, n) for n, s in make(fit[0]).items()]
    c = calibrate(fit, cal, cands, every=False)
    few, t = det.test_['x'][:200], time.process_time()
    pipe.tables(few)
    speed = len(few)/(time.process_time() - t)
    res = dict({k: det.facts_[k] for k in ('examples', 'models', 'bits_per_dim', 'machine', 'torch')},
               parameters=sum(p.numel() for f in pipe.flows for p in f.parameters()),
               per_cpu_s=round(speed, 1), n={k: len(t[0]) for k, t in tables.items()},
               auroc={}, power={}, alarms={})
    fresh = tables.pop('fresh')
    usual = {n: c.judge(n, fresh) for n in c.names}
    res['alarms'] = {n: round(float((p <= .05).mean()), 4) for n, (_, p) in usual.items()}
    for k, t in tables.items():
        odd = {n: c.judge(n, t) for n in c.names}
        res['auroc'][k] = {n: round(_auroc(usual[n][0], s), 4) for n, (s, _) in odd.items()}
        res['power'][k] = {n: round(float((p <= .05).mean()), 4) for n, (_, p) in odd.items()}
    return res

def _auroc(usual, odd):
    return float(auroc(np.repeat([0, 1], [len(usual), len(odd)]), np.concatenate([usual, odd])))

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('words', nargs='*', help='regular expressions, of which one must be in the name of a world')
    p.add_argument('--minutes', type=float, default=1., help='of training on images')
    p.add_argument('--steps', type=int, default=600, help='of training on rows')
    p.add_argument('--features', help="of colour images, such as 'mobilenet_v2@128'")
    p.add_argument('--model', help='whose density is judged, at equal CPU time')
    p.add_argument('--out', default='results/57_default.json')
    a = p.parse_args()
    warnings.simplefilter('ignore')
    if a.model: # the plan of a training, and its end, by CPU time
        time.perf_counter = time.process_time
        learner.Deadline = partial(learner.Deadline, clock=time.process_time)
    out = Path(a.out)
    done = json.loads(out.read_text()) if out.exists() else []
    for name, kind, ids, others in (*image_worlds(), *table_worlds()):
        if a.words and not any(re.search(w, name) for w in a.words): continue
        how = dict(minutes=a.minutes) if kind in IMAGES else dict(steps=a.steps)
        if a.features:
            if kind != 'RGB': continue
            how, name = dict(how, features=a.features), f'{name} by features'
        if a.model: how = dict(how, model=a.model)
        this = dict(how, world=name, model=a.model)
        if any(all(d.get(k) == v for k, v in this.items()) for d in done): continue
        t = time.process_time()
        done.append(dict(world=name, kind=kind, **how, **judge(kind, ids, others, how)))
        done[-1]['cpu'] = round(time.process_time() - t, 1)
        print(name, kind, f"{done[-1]['cpu']:.0f} s of CPU", flush=True)
        with atomic(out) as tmp: Path(tmp).write_text(json.dumps(done))

if __name__ == '__main__': sys.exit(main())
