#!/usr/bin/env python3
"""Train image flows for the same CPU time and judge them: the numbers of the page on transformer flows.

    python tools/tar.py train NAME [--data FashionMNIST] [--seconds 384] [--seed 0] [--model tar] [--opt Muon] [--lr .01]
    python tools/tar.py judge NAME ... [--out results/17_transformer.json]
`train` takes a preset (`--model`, or NAME's first word) with its own optimiser for so many CPU-seconds of
this process, goes on where it was stopped, and keeps float16 weights in `models/NAME.safetensors`; seconds, steps,
seed and bits/dim of test images are in the file. `judge` scores test images and what is not of their kind
with constants from other test images, and adds rows to `--out`.
"""
import argparse, json, math, platform, time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from fastai.optimizer import OptimWrapper

from flowood.core import atomic, bits_per_dim, rng
from flowood.data import load, on_disk, set_mode, to_nchw
from flowood.flows.models import PRESETS, create, load_flow, save_flow
from flowood.learner import Checkpoint, Deadline, MuonAdamW, flow_dls, flow_learner, log_probs
from flowood.metrics import compare
from flowood.scores.base import Mahalanobis, fit_scores, named
from flowood.scores.complexity import code_lengths
from flowood.scores.distances import Distances
from flowood.scores.statistics import score_table

ROOT = Path(__file__).parents[1]
OTHERS = dict(FashionMNIST=('MNIST', 'notMNIST'), CIFAR10=('SVHN', 'CelebA'))
SCORES = ('likelihood', 'typicality', 'dose', 'gmm', 'complexity', 'sitn')

def training_images(data):
    "Images to train on, and 5,000 to validate on, `uint8` tensors."
    x = load(data, 'train')[0]
    cut = torch.randperm(len(x), generator=rng('fashion' if data == 'FashionMNIST' else data)).numpy()
    return to_nchw(x[cut[5000:]]), to_nchw(x[cut[:5000]])

def mean_bits(flow, x):
    "Mean bits/dim of images and half its 95 % interval, and images per CPU-second."
    c = time.process_time()
    b = bits_per_dim(log_probs(flow, x), math.prod(flow.shape)).double()
    c = time.process_time() - c
    return round(b.mean().item(), 4), round(1.96*b.std().item()/len(b)**.5, 4), round(len(x)/c)

def train(a):
    "One training; writes the weights."
    name, fit, valid = a.model or a.names[0].split('-')[0], *training_images(a.data)
    p = PRESETS[name]['train']
    opt, lr, bs = a.opt or p.get('opt', 'AdamW'), a.lr or p['lr'], a.bs or p['bs']
    torch.manual_seed(a.seed)
    flow = create(name, shape=list(fit.shape[1:]), **json.loads(a.args))
    dls = flow_dls(fit, valid[:250], bs=bs, seed=a.seed, n_batches=150)
    own = dict(opt_func=partial(OptimWrapper, opt=partial(MuonAdamW, ratio=a.ratio))) if a.ratio else {}
    clock, path = Deadline(a.seconds, time.process_time), ROOT/f'models/{a.names[0]}.checkpoint'
    learn = flow_learner(dls, flow, seed=a.seed, opt=opt, wd=p['wd'], **own,
                         cbs=[Checkpoint(path, vars(a)), clock])
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1000, lr, pct_start=.1)
    path.unlink()
    keep(flow, a.names[0], data=a.data, seed=a.seed, opt=opt, lr=lr, bs=bs, seconds=round(clock.used),
         steps=learn.ema.step, rescued=len(learn.rescue.told))

def keep(flow, name, data, **facts):
    "Write float16 weights, and what the flow that they make is worth."
    flow.load_state_dict({k: v.half().to(v.dtype) if v.is_floating_point() else v
                          for k, v in flow.eval().state_dict().items()})
    test = to_nchw(load(data, 'test')[0])
    bits, half, rate = mean_bits(flow, test)
    threads = torch.get_num_threads()
    where = f'{platform.machine()}, {threads} thread{"s"*(threads > 1)}, torch {torch.__version__}'
    facts = dict(data=data, **facts, bits_per_dim=bits, half_interval=half, n_test=len(test),
                 images_per_cpu_second=rate, hardware=where)
    save_flow(flow.half(), ROOT/f'models/{name}.safetensors', **facts)
    print(json.dumps(dict(name=name, parameters=flow.n_params, **facts)), flush=True)

def tables(flow, data, n, near):
    "Statistics of held-out and test images of `data`, and of other sets."
    test, size = load(data, 'test')[0], flow.shape[1]
    sets = dict(held=test[6000:6000+n], test=test[:n])
    mode = 'L' if flow.shape[0] == 1 else 'RGB'
    for k in OTHERS[data]:
        if on_disk(k): sets[k] = set_mode(load(k, 'test', size=size)[0][:n], mode)
    return {k: score_table([flow, code_lengths, near], to_nchw(x), k) for k, x in sets.items()}

def judge(a):
    "Rows for every flow, every other set, every score."
    out = ROOT/a.out
    rows = json.loads(out.read_text()) if out.exists() else dict(models={}, aurocs=[])
    for name in a.names:
        flow = load_flow(ROOT/f'models/{name}.safetensors').float()
        facts = {k: v for k, v in flow.meta.items() if k not in ('kind', 'config')}
        data = facts['data']
        near = Distances(flow.shape).fit(training_images(data)[0])
        stats = tables(flow, data, a.n, near)
        scores = list(SCORES) + ['panel']
        for kind in ('p', 'q'):
            codes = [c for c in stats['held'].statistics if c.startswith(f'code_{kind}')]
            if codes: scores.append(named(Mahalanobis(codes), f'codes {kind}'))
        rows['aurocs'] = [r for r in rows['aurocs'] if r['name'] != name]
        bits = {k: float(bits_per_dim(t['log_prob'].mean(), math.prod(flow.shape)))
                for k, t in stats.items()}
        rows['models'][name] = dict(facts, parameters=flow.n_params, bits=bits)
        for n, s in fit_scores(stats['held'], scores).items():
            ins = s(stats['test'].data)
            for k in stats:
                if k in ('held', 'test'): continue
                r = compare(ins, s(stats[k].data))
                rows['aurocs'].append(dict(name=name, ood=k, score=n, **r))
                print(f'{name:16} {k:10} {n:12} {r["auroc"]:.3f} [{r["lo"]:.3f}, {r["hi"]:.3f}]', flush=True)
        print(name, bits, flush=True)
        with atomic(out) as tmp: tmp.write_text(json.dumps(rows, indent=1))

if __name__ == '__main__':
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('what', choices=('train', 'judge'))
    p.add_argument('names', nargs='+')
    for k, kind, usual in (('data', str, 'FashionMNIST'), ('seconds', float, 384.), ('seed', int, 0), ('model', str, None),
                           ('opt', str, None), ('lr', float, None), ('bs', int, None), ('ratio', float, None),
                           ('args', str, '{}'), ('out', str, 'results/17_transformer.json'), ('n', int, 2000)):
        p.add_argument(f'--{k}', type=kind, default=usual)
    a = p.parse_args()
    dict(train=train, judge=judge)[a.what](a)
