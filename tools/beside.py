#!/usr/bin/env python3
"""The detector beside what a practitioner would otherwise use, on the same splits.

    python tools/beside.py [--minutes 1] [--steps 600] [--features mobilenet_v2@128] [--out FILE] [WORD ...]
Worlds are those of tools/worlds.py. The others are PyOD's and scikit-learn's detectors with their
default settings, fitted on the detector's own training part (5,000 examples at most): standardised
rows, 64 principal components of pixels, and the features. Their threshold is the rank of the same
calibration part, so that power is compared at the same rate of false alarms.
"""
import argparse, json, sys, time, warnings
from pathlib import Path

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from flowood.conformal import conformal_p
from flowood.core import atomic
from flowood.embeddings import embed
from flowood.metrics import compare
from worlds import IMAGES, Kept, image_worlds, table_worlds

def others():
    "Name -> a new detector with `fit`, and what it says of examples, higher = stranger."
    up = lambda m: m.decision_function
    down = lambda m: lambda x: -m.score_samples(x)
    res = dict(mahalanobis=(LedoitWolf(), lambda m: m.mahalanobis), ocsvm=(OneClassSVM(), down),
               mixture=(GaussianMixture(10, reg_covar=1e-3, random_state=0), down))
    try: from pyod.models import copod, ecod, hbos, iforest, knn, lof
    except ImportError: return res
    made = dict(ecod=ecod.ECOD(), copod=copod.COPOD(), iforest=iforest.IForest(random_state=0),
                lof=lof.LOF(), knn=knn.KNN(), hbos=hbos.HBOS())
    return {**res, **{k: (m, up) for k, m in made.items()}}

def views(det, kind):
    "Name -> a function from examples, as the detector reads them, to standardised rows."
    x, pipe = det.parts_[0][0][:5000], det.pipeline_
    flat = lambda x: pipe.seen(x).flatten(1).numpy()/255. if kind in IMAGES else x.numpy()
    first = PCA(64, random_state=0).fit(flat(x)) if kind in IMAGES else StandardScaler().fit(flat(x))
    res = {'pixels' if kind in IMAGES else 'rows': lambda x: first.transform(flat(x))}
    if pipe.features is not None:
        seen = lambda x: embed(pipe.features, x).numpy()
        scale = StandardScaler().fit(seen(x))
        res['features'] = lambda x: scale.transform(seen(x))
    return res, x

def beside(name, kind, ids, other, how):
    "A row for each detector and OOD set of a world."
    t = time.process_time()
    det = Kept(progress=False, **how).fit(ids())
    fit = time.process_time() - t
    sets = {k: det.open(x).sample(1500, 0)[1] for k, x in other().items()}
    fresh = sets.pop('fresh', None)
    fresh = det.test_['x'][:1500] if fresh is None else fresh
    about, rows = dict(world=name, kind=kind, n=det.facts_['examples']), []
    def keep(who, cal, s, judged, seconds):
        for k, (o, p) in judged.items():
            rows.append(dict(about, who=who, ood=k, **compare(s, o, 500), power=float((p <= .05).mean()),
                             alarms=float((conformal_p(cal, s) <= .05).mean()), cpu=round(seconds, 1)))
    usual, p = det._judged('fresh', range(len(fresh)), fresh), det.decides
    judged = {k: det._judged(k, range(len(x)), x) for k, x in sets.items()}
    cal = det.cal_[p]
    keep('flowood', cal, usual['scores'][p], {k: (j['scores'][p], j['p'][p]) for k, j in judged.items()}, fit)
    made, x = views(det, kind)
    for where, view in made.items():
        own, calib, new = view(x), view(det.parts_[0][2]), view(fresh)
        odd = {k: view(o) for k, o in sets.items()}
        for who, (m, say) in others().items():
            t = time.process_time()
            try: f = say(m.fit(own))
            except Exception as e:
                print(f'{name}: {who} on {where}: {type(e).__name__}: {str(e)[:90]}', flush=True)
                continue
            cal, seconds = np.asarray(f(calib)), time.process_time() - t
            judged = {k: ((s := np.asarray(f(o))), conformal_p(cal, s)) for k, o in odd.items()}
            keep(f'{who} ({where})', cal, np.asarray(f(new)), judged, seconds)
    return rows

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('words', nargs='*', help='parts of names of worlds')
    p.add_argument('--minutes', type=float, default=1.)
    p.add_argument('--steps', type=int, default=600)
    p.add_argument('--features', help="of images, such as 'mobilenet_v2@128'")
    p.add_argument('--out', help='a JSON file')
    a = p.parse_args()
    warnings.simplefilter('ignore')
    rows = []
    for name, kind, ids, other in (*image_worlds(), *table_worlds()):
        if a.words and not any(w in name for w in a.words): continue
        image = dict(minutes=a.minutes, features=a.features)
        new = beside(name, kind, ids, other, image if kind in IMAGES else dict(steps=a.steps))
        for o in dict.fromkeys(r['ood'] for r in new):
            own = sorted((r for r in new if r['ood'] == o), key=lambda r: -r['auroc'])
            said = [f"{r['who']} {r['auroc']:.3f} [{r['lo']:.3f}, {r['hi']:.3f}] finds {r['power']:.2f}"
                    for r in own if r['who'] == 'flowood' or r is own[0] or r is own[1]]
            print(f'{name} -> {o}:', '; '.join(said), flush=True)
        rows += new
        if a.out:
            with atomic(a.out) as tmp: Path(tmp).write_text(json.dumps(rows, indent=1))

if __name__ == '__main__': sys.exit(main())
