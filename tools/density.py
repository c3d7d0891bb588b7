#!/usr/bin/env python3
"""Train image models for the same CPU time and judge them: the numbers of the pages on transformer flows and densities.

    python tools/density.py train NAME [--data FashionMNIST] [--seconds 384] [--seed 0] [--model tar] [--opt Muon] [--lr .01] [--amp bf16]
    python tools/density.py judge NAME ... [--out results/17_transformer.json]
    python tools/density.py grid FAMILY ... [--data FashionMNIST] [--budgets 20 60 180] [--seed 0] [--out results/18_density.json]
    python tools/density.py kept NAME ... [--out results/18_density.json]
`train` takes a preset (`--model`, or what NAME begins with) with its own optimiser for so many CPU-seconds of
this process, goes on where it was stopped, and keeps float16 weights in `models/NAME.safetensors`; seconds, steps,
seed and bits/dim of test images are in the file. `judge` scores test images and what is not of their kind
with constants from other test images, and adds rows to `--out`. `grid` trains each family once for each of
the CPU times, from scratch, and keeps what its likelihood and scores are worth in `--out`; `kept` adds models
that are in `models/`. What is there is not done again.
"""
import argparse, json, math, platform, time
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from fastai.optimizer import OptimWrapper

from flowood.core import atomic, bits_per_dim, rng
from flowood.data import load, on_disk, set_mode, to_nchw
from flowood.flows.models import PRESETS, create, load_flow, save_flow
from flowood.learner import Checkpoint, Deadline, MuonAdamW, flow_dls, flow_learner, log_probs
from flowood.metrics import compare
from flowood.scores.base import Mahalanobis, MissingColumn, fit_scores, named
from flowood.scores.complexity import code_lengths
from flowood.scores.distances import Distances
from flowood.scores.statistics import join_tables, score_table

ROOT = Path(__file__).parents[1]
OTHERS = dict(FashionMNIST=('MNIST', 'notMNIST'), CIFAR10=('SVHN', 'CelebA'))
SCORES = ('likelihood', 'typicality', 'dose', 'gmm', 'complexity', 'sitn')

# preset, arguments of the model, how it is trained where the preset says nothing for a short training
FAMILIES = {k: (k, {}, {}) for k in ('realnvp', 'nsf', 'lean', 'tar', 'tar-fine', 'tarflow', 'jet', 'diffusion')}
FAMILIES['glow'] = ('kirichenko/glow-fashion', dict(n_scales=2, n_steps=4, nh=64, n_blocks=1),
                    dict(opt='AdamW', lr=1e-3, bs=64))

def family_of(name):
    "The family that a model's name begins with."
    return max((f for f in FAMILIES if name.startswith(f'{f}-')), key=len)

@cache
def training_images(data):
    "Images to train on, and 5,000 to validate on, `uint8` tensors."
    x = load(data, 'train')[0]
    cut = torch.randperm(len(x), generator=rng('fashion' if data == 'FashionMNIST' else data)).numpy()
    return to_nchw(x[cut[5000:]]), to_nchw(x[cut[:5000]])

def mean_bits(flow, log_prob):
    "Mean bits/dim of images and half its 95 % interval."
    b = bits_per_dim(torch.as_tensor(log_prob), math.prod(flow.shape)).double()
    return round(b.mean().item(), 4), round(1.96*b.std().item()/len(b)**.5, 4)

def fit(name, data, seconds, seed=0, opt=None, lr=None, bs=None, ratio=None, args={}, path=None, amp='float32'):
    "Train a preset for so many CPU-seconds; the model, and the facts of its training."
    images, valid = training_images(data)
    p = PRESETS[name]['train']
    opt, lr, bs = opt or p.get('opt', 'AdamW'), lr or p['lr'], bs or p['bs']
    torch.manual_seed(seed)
    flow = create(name, **dict(args, shape=list(images.shape[1:])))
    dls = flow_dls(images, valid[:250], bs=bs, seed=seed, n_batches=150)
    own = dict(opt_func=partial(OptimWrapper, opt=partial(MuonAdamW, ratio=ratio))) if ratio else {}
    clock = Deadline(seconds, time.process_time)
    about = dict(name=name, data=data, seconds=seconds, seed=seed, opt=opt, lr=lr, bs=bs, ratio=ratio, args=args, amp=amp)
    cbs = [*([Checkpoint(path, about)] if path else []), clock]
    learn = flow_learner(dls, flow, seed=seed, opt=opt, amp=amp, wd=p['wd'], **own, cbs=cbs)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1000, lr, pct_start=.1)
    return flow.eval(), dict(data=data, seed=seed, opt=opt, lr=lr, bs=bs, amp=amp, seconds=round(clock.used),
                             steps=learn.ema.step, rescued=len(learn.rescue.told))

def train(a):
    "One training; writes the weights."
    name, path = a.model or family_of(a.names[0]), ROOT/f'models/{a.names[0]}.checkpoint'
    flow, facts = fit(name, a.data, a.seconds, a.seed, a.opt, a.lr, a.bs, a.ratio, json.loads(a.args), path, a.amp)
    path.unlink()
    keep(flow, a.names[0], **facts)

def keep(flow, name, data, **facts):
    "Write float16 weights, and what the flow that they make is worth."
    flow.load_state_dict({k: v.half().to(v.dtype) if v.is_floating_point() else v
                          for k, v in flow.eval().state_dict().items()})
    test = to_nchw(load(data, 'test')[0])
    c = time.process_time()
    log_prob = log_probs(flow, test)
    rate = round(len(test)/(time.process_time() - c))
    bits, half = mean_bits(flow, log_prob)
    facts = dict(data=data, **facts, bits_per_dim=bits, half_interval=half, n_test=len(test),
                 images_per_cpu_second=rate, hardware=hardware())
    save_flow(flow.half(), ROOT/f'models/{name}.safetensors', **facts)
    print(json.dumps(dict(name=name, parameters=flow.n_params, **facts)), flush=True)

@cache
def others(data, n):
    "Statistics that need no model, of the same images: tables by set."
    images = training_images(data)[0]
    near = Distances(images.shape[1:]).fit(images)
    return {k: score_table([code_lengths, near], x, k) for k, x in sets(data, n).items()}

@cache
def sets(data, n):
    "Held-out and test images of `data`, and of other sets."
    test = load(data, 'test')[0]
    res, mode = dict(held=test[6000:6000+n], test=test[:n]), 'L' if data == 'FashionMNIST' else 'RGB'
    for k in OTHERS[data]:
        if on_disk(k): res[k] = set_mode(load(k, 'test', size=test.shape[1])[0][:n], mode)
    return {k: to_nchw(x) for k, x in res.items()}

def judged(flow, data, n):
    "Bits/dim of each set, and rows of each score's AUROC, with constants from held-out images."
    stats = {k: join_tables(score_table(flow, x, k), others(data, n)[k]) for k, x in sets(data, n).items()}
    scores, rows = [*SCORES, 'panel'], []
    for kind in ('p', 'q'):
        codes = [c for c in stats['held'].statistics if c.startswith(f'code_{kind}')]
        if codes: scores.append(named(Mahalanobis(codes), f'codes {kind}'))
    for score in scores:
        try: (name, s), = fit_scores(stats['held'], [score]).items()
        except MissingColumn: continue # a score of flows alone
        ins = s(stats['test'].data)
        rows += [dict(ood=k, score=name, **compare(ins, s(t.data)))
                 for k, t in stats.items() if k not in ('held', 'test')]
    bits = {k: mean_bits(flow, t['log_prob']) for k, t in stats.items()}
    return dict(bits={k: mean for k, (mean, _) in bits.items()}, half_interval=bits['test'][1],
                parameters=flow.n_params, n=n, aurocs=rows)

GRID = ROOT/'results/18_density.json'

def rows_of(out): return json.loads(out.read_text()) if out.exists() else []

def add(row, out):
    "One more row of the grid, and what it says."
    with atomic(out) as tmp: tmp.write_text(json.dumps([*rows_of(out), row]))
    own = {f"{r['score']} {r['ood']}": round(r['auroc'], 3) for r in row['aurocs']}
    print(json.dumps({k: v for k, v in row.items() if k != 'aurocs'} | own), flush=True)

def has(out, **about): return any(about.items() <= r.items() for r in rows_of(out))

def hardware():
    n = torch.get_num_threads()
    return f'{platform.machine()}, {n} thread{"s"*(n > 1)}, torch {torch.__version__}'

def grid(a):
    "Each family for each CPU time."
    out = ROOT/(a.out or GRID)
    for seconds in a.budgets:
        for family in a.names:
            about = dict(family=family, data=a.data, budget=seconds, seed=a.seed)
            if has(out, **about): continue
            preset, args, how = FAMILIES[family]
            flow, facts = fit(preset, a.data, seconds, a.seed, args=args, **how)
            add(dict(facts, **about, hardware=hardware(), **judged(flow, a.data, a.n)), out)

def kept(a):
    "Models that are in `models/`, by the same measure."
    out = ROOT/(a.out or GRID)
    for name in a.names:
        if has(out, name=name): continue
        flow = load_flow(name).float()
        facts = {k: flow.meta[k] for k in ('data', 'seconds', 'seed', 'steps', 'hardware') if k in flow.meta}
        add(dict(facts, family=family_of(name), name=name, **judged(flow, facts['data'], a.n)), out)

def judge(a):
    "Rows for every flow, every other set, every score."
    out = ROOT/(a.out or 'results/17_transformer.json')
    rows = json.loads(out.read_text()) if out.exists() else dict(models={}, aurocs=[])
    for name in a.names:
        flow = load_flow(ROOT/f'models/{name}.safetensors').float()
        facts = {k: v for k, v in flow.meta.items() if k not in ('kind', 'config')}
        j = judged(flow, facts['data'], a.n)
        rows['aurocs'] = [r for r in rows['aurocs'] if r['name'] != name]
        rows['aurocs'] += [dict(name=name, **r) for r in j['aurocs']]
        rows['models'][name] = dict(facts, parameters=j['parameters'], bits=j['bits'])
        for r in j['aurocs']:
            print(f'{name:16} {r["ood"]:10} {r["score"]:12} {r["auroc"]:.3f} [{r["lo"]:.3f}, {r["hi"]:.3f}]', flush=True)
        with atomic(out) as tmp: tmp.write_text(json.dumps(rows, indent=1))

if __name__ == '__main__':
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('what', choices=('train', 'judge', 'grid', 'kept'))
    p.add_argument('names', nargs='+')
    for k, kind, usual in (('data', str, 'FashionMNIST'), ('seconds', float, 384.), ('seed', int, 0), ('model', str, None),
                           ('opt', str, None), ('amp', str, 'float32'), ('lr', float, None), ('bs', int, None), ('ratio', float, None),
                           ('args', str, '{}'), ('out', str, None), ('n', int, 2000)):
        p.add_argument(f'--{k}', type=kind, default=usual)
    p.add_argument('--budgets', type=float, nargs='*', default=[20, 60, 180], help='CPU-seconds of a grid')
    a = p.parse_args()
    dict(train=train, judge=judge, grid=grid, kept=kept)[a.what](a)
