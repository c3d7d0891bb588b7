#!/usr/bin/env python3
"""How fast are photographs on disk judged, what share of that is decoding, and does memory stay flat?

    python tools/photos.py [--n 2000] [--side 512] [--features mobilenet_v2@128] [--steps 60]
                           [--distinct N] [--out DIR]
Makes N distinct JPEG files of SIDE×SIDE pixels (faces of CelebA, else photographs of CIFAR10, under the
data root, enlarged, shifted, and with noise of their own), fits a detector on the first 1,000 of them
without and one with features, and judges parts of the folder, each in a process of its own. A line per
run: images per second by the clock and per CPU-second, the CPU time of decoding by itself and its share,
peak memory, false alarms on photographs that were not fitted on, and what each kind of statistic takes.
Of many, only the first --distinct ones are made, and the others are further names of these files: they are
read and decoded again all the same. The files are deleted, unless --out names their folder; one that is
there is used again.
"""
import argparse, multiprocessing, os, resource, shutil, sys, tempfile, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

FIT = 1000 # photographs to fit on

def pictures():
    "Images to enlarge, uint8 `(n, h, w, 3)`."
    from flowood.data import load
    for name in ('CelebA', 'CIFAR10'):
        try: return load(name, 'train', size=32)[0]
        except (FileNotFoundError, ValueError): pass
    sys.exit('tools/photos.py needs CelebA or CIFAR10 under the data root; see `flowood data list`')

def write(folder, images, i, side):
    "Photograph number `i`."
    g, how = np.random.default_rng(i), Image.Resampling.BICUBIC
    im = Image.fromarray(images[i % len(images)]).resize((side, side), how)
    dx, dy = g.integers(-side//16, side//16 + 1, 2).tolist()
    im = im.transform(im.size, Image.Transform.AFFINE, (1, 0, dx, 0, 1, dy))
    grain = Image.fromarray(g.integers(0, 256, (side//2, side//2, 3), dtype=np.uint8)).resize(im.size)
    Image.blend(im, grain, .06).save(folder/f'{i:06}.jpg', quality=80)

def fit(out, files, steps, features):
    "Fit a detector on files, and save it; CPU-seconds."
    from flowood.detector import OODDetector
    t = time.process_time()
    OODDetector(size=32, steps=steps, features=features or None, progress=False).fit(files).save(out)
    return time.process_time() - t

def judged(out, folder, n, known):
    "Judge the first `n` photographs of a folder; only of those below `known` none is like another."
    from flowood.pipeline import load_judge
    det = load_judge(out)
    det.pipeline_.clock = {}
    names = sorted(p.name for p in Path(folder).iterdir())[:n]
    few, t = names[:400], time.process_time()
    for _ in det.open(folder, few).blocks(): pass
    decode = (time.process_time() - t)/len(few)
    began, t, i, alarms = time.perf_counter(), time.process_time(), 0, []
    for frame in det.detect(det.open(folder, names)):
        alarms += (frame.decision == 'OOD').tolist()
    cpu, seconds = time.process_time() - t, time.perf_counter() - began
    fresh = alarms[FIT:known]
    return dict(n=len(alarms), per_second=len(alarms)/seconds, per_cpu_second=len(alarms)/cpu,
                decode_ms=1000*decode, share=decode*len(alarms)/cpu,
                peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024,
                alarms=float(np.mean(fresh)) if fresh else float('nan'), fresh=len(fresh),
                ms=', '.join(f'{k} {v:.2f}' for k, v in det.pipeline_.ms.items()))

def apart(f, *args):
    "Call a function in a process of its own."
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        return pool.submit(f, *args).result()

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--n', type=int, default=2000, help='photographs')
    p.add_argument('--side', type=int, default=512, help='height and width, pixels')
    p.add_argument('--features', default='mobilenet_v2@128', help="a backbone; '' for none")
    p.add_argument('--steps', type=int, default=60, help='of training')
    p.add_argument('--distinct', type=int, help='different files, at most')
    p.add_argument('--out', help='folder for the photographs, which is kept')
    a = p.parse_args()
    images, work = pictures(), Path(tempfile.mkdtemp())
    folder, t = Path(a.out or work/'photos'), time.process_time()
    folder.mkdir(parents=True, exist_ok=True)
    have = len(list(folder.iterdir()))
    for i in range(have, a.n):
        if i < (a.distinct or a.n): write(folder, images, i, a.side)
        else: os.link(folder/f'{i % a.distinct:06}.jpg', folder/f'{i:06}.jpg')
    files = sorted(folder.iterdir())[:a.n]
    size = np.mean([f.stat().st_size for f in files[:1000]])/1000
    print(f'{len(files):,} photographs of {a.side}×{a.side} and {size:.0f} kB, '
          f'{len(files) - have:,} of them new, in {time.process_time() - t:.0f} CPU-seconds', flush=True)
    for features in dict.fromkeys(['', a.features]):
        out = work/f'det{bool(features)}'
        s = apart(fit, out, [str(f) for f in files[:FIT]], a.steps, features)
        print(f'{features or "no features"}: fitted in {s:.0f} CPU-seconds', flush=True)
        for n in sorted({min(2000, a.n), a.n}):
            r = apart(judged, out, folder, n, len(images))
            print(f'{r["n"]:7,} judged: {r["per_second"]:6.1f}/s, {r["per_cpu_second"]:6.1f} per CPU-second; '
                  f'decoding {r["decode_ms"]:.2f} ms, {r["share"]:.0%} of the CPU time; '
                  f'peak {r["peak_mb"]:.0f} MB; alarms {r["alarms"]:.3f} of {r["fresh"]:,}; '
                  f'ms by the clock: {r["ms"]}', flush=True)
    shutil.rmtree(work)

if __name__ == '__main__': main()
