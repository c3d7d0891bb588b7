#!/usr/bin/env python3
"""A quarter of an hour on one GPU: what is checked, measured and trained there, in order of worth.

    python tools/gpu.py --pack ../gpu-pack        # here: wheels and data that the card's image lacks
    python tools/gpu.py --rehearse                # here: the queue in miniature, on the processor
    python3 tools/gpu.py --from .gpu --minutes 9  # there: the queue, or the rest of it

The card's machine has torch, torchvision and the usual scientific packages, no fastai and no
network. The pack brings the rest: copy it to a folder of the checkout that git ignores (`.gpu`,
in `.git/info/exclude`), and name that in `carry`. The whole checkout travels, too, so thin it
before (`git sparse-checkout set flowood tools`; `git sparse-checkout disable` afterwards).
Parts are begun in the order of the first line. What a group has no time for comes after the
others. Each part is a row of `rows.jsonl` in `--out` (else `$OUT`), with its seconds, or with its
error: a part that fails, or takes the process down, or hangs, costs itself only. Trainings write
their whole state to `--state` every minute, and float16 weights, in pieces, to `--out`. The next
call goes on from both; on a fresh machine from the latter: carry them and say `--resume FOLDER`.
"""
import argparse, copy, json, math, os, re, shutil, signal, subprocess, sys, sysconfig, tempfile
import time, zipfile
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHEELS = 'fastai fastcore fasttransform fastprogress fastdownload plum-dispatch beartype'.split()
IMAGE = '''torch torchvision torchgen functorch triton nvidia numpy pandas scipy sklearn scikit_learn
    matplotlib mpl_toolkits pylab pil pillow pyarrow safetensors yaml _yaml pyyaml six dateutil pytz
    python_dateutil tzdata packaging typing_extensions jinja2 markupsafe sympy isympy mpmath networkx
    fsspec filelock requests urllib3 certifi idna charset_normalizer tqdm joblib threadpoolctl
    narwhals psutil cycler kiwisolver pyparsing contourpy fonttools setuptools cloudpickle rich
    pygments markdown_it markdown_it_py mdurl'''.split()
SETS = (('FashionMNIST', 'train', None), ('FashionMNIST', 'test', None), ('MNIST', 'test', 5000),
        ('CIFAR10', 'test', 2000), ('SVHN', 'test', 1000), ('CIFAR10', 'train', 'rest'))
GROUPS = dict(correct=(1.5, 'every kind of flow against float64 on the processor'),
              speed=(4., 'steps and images per second, and shares of the peak'),
              realnvp=(3., 'RealNVP-Fashion trained'), tar=(2., 'tar of width 256 on FashionMNIST'),
              tarcifar=(1.5, 'the same on CIFAR-10'), lid=(1., 'dimension of 1,024 images'))
MODES = 'float32', 'tf32', 'bf16', 'bf16 compiled', 'bf16 graph'
FAMILIES = 'realnvp', 'glow', 'nsf', 'tar', 'diffusion'

def plan():
    "What a card does in which minute."
    at, words = 0., []
    for name, (minutes, what) in GROUPS.items():
        words.append(f'{at:g}-{at + minutes:g} {name}: {what}')
        at += minutes
    return 'minutes ' + '; '.join(words)

# --- what the card's machine lacks

def squeezed(path, images, labels):
    "Write an `.npz` that `flowood.data.load` reads; its bytes."
    import numpy as np
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, images=images, labels=labels)
    return size(path)

def pack(folder, mib):
    "Wheels, arrays and one trained flow, under `mib` MiB with the code that travels beside them."
    from flowood.data import load
    shutil.rmtree(folder, ignore_errors=True)
    (folder/'wheels').mkdir(parents=True)
    names = [f'{w}=={metadata.version(w)}' for w in WHEELS]
    pure = ['--only-binary=:all:', '--platform', 'any', '--python-version', '3.12']
    get = [sys.executable, '-m', 'pip', 'download', '--no-deps', *pure, '-d', folder/'wheels']
    said = subprocess.run([*get, *names], capture_output=True, text=True)
    if said.returncode: sys.exit(said.stderr)
    shutil.copy(ROOT/'models/nsf-fashion.safetensors', folder)
    code = sum(f.stat().st_size for d in ('flowood', 'tools') for f in (ROOT/d).rglob('*.py'))
    for name, split, n in SETS:
        (images, labels), file = load(name, split), folder/'data'/name/f'{split}.npz'
        if n == 'rest':
            left = mib*2**20 - size(folder) - code
            n = int(.97*left/squeezed(file, images[:500], labels[:500])*500)
        both = squeezed(file, images[:n], labels[:n])
        print(f'{name} {split}: {len(images[:n]):,} images, {both/2**20:.1f} MiB', flush=True)
    both = (size(folder) + code)/2**20
    print(f'{folder}: {size(folder)/2**20:.1f} MiB, of them {size(folder/"wheels")/2**20:.1f} in '
          f'{len(names)} wheels; with {code/2**20:.1f} MiB of code {both:.1f} of {mib:g} MiB')
    if both >= mib: sys.exit('that is too much to travel; pack fewer images')

def size(path):
    "Bytes of a file, or of all files below a folder."
    files = path.rglob('*') if path.is_dir() else [path]
    return sum(f.stat().st_size for f in files if f.is_file())

def image(folder):
    "Links to those packages of this environment that the card's image has, too."
    for p in Path(sysconfig.get_path('purelib')).iterdir():
        if re.split('[-.]', p.name)[0].lower() in IMAGE: (folder/p.name).symlink_to(p)

def imported(site):
    "The packages beyond Python's own that were loaded, by where they come from."
    where = {n: str(getattr(m, '__file__', '')) for n, m in list(sys.modules.items())}
    found = {k: {f[len(str(d)) + 1:].split('/')[0].removesuffix('.py') for f in where.values()
                 if f.startswith(f'{d}/')}
             for k, d in dict(packed=site, image=f'{site}-image').items()}
    return {k: sorted(v) for k, v in found.items()}

# --- correctness

def paths():
    "Densities by name, each of which takes other ways through the code; all see 16×16 pixels or rows."
    from flowood.flows.models import create
    S = dict(shape=[1,16,16])
    net = dict(nh=16, n_blocks=1)
    stack = partial(create, 'kirichenko/eight-fashion', **S, **net, n_couplings=3, norm='act')
    real = partial(create, 'kirichenko/realnvp-fashion', **S)
    nsf = partial(create, 'nsf', **S, n_couplings=[2,2,1], nh=[16,16,32])
    tar = dict(S, width=32, heads=2, depth=2)
    return {
        'checkerboard': stack, 'quadrants': partial(stack, mask='cycle'),
        'halves': partial(stack, mask='horizontal'),
        'squeeze, factor out': partial(real, **net), 'mixture': partial(real, **net, prior='mixture'),
        'bottleneck': partial(create, 'kirichenko/bottleneck-fashion', **S, nh=16, latent=10),
        '1x1 convolutions': partial(create, 'kirichenko/glow-fashion', **S, **net, n_steps=3),
        'splines': nsf, 'sigmoid': partial(nsf, coupling='affine'),
        'lean, cells': partial(create, 'lean', **S, cells=True),
        'tar': partial(create, 'tar', **tar, hidden=32), 'jet': partial(create, 'jet', **S, width=32),
        'tarflow': partial(create, 'tarflow', **tar, blocks=2),
        'rows': partial(create, 'tabular-spline', dim=6, nh=32, n_couplings=4),
        'diffusion': partial(create, 'diffusion', **S)}

TOLERANCE = {'float32': 1e-3, 'tf32': 3e-2, 'bf16': .2} # of ‖a - b‖/‖b‖, b from float64

def precision(mode, device):
    "Set TF32 as `mode` says; the context for what is computed."
    import torch
    torch.set_float32_matmul_precision('high' if mode == 'tf32' else 'highest')
    torch.backends.cudnn.allow_tf32 = mode == 'tf32'
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=mode[:4] == 'bf16')

def answers(f, x, z=None):
    "What a density says of `x`, what it makes of the latents `z`, and its gradient, in float64."
    import torch
    res = {}
    with torch.no_grad():
        res['log_prob'] = f.eval().log_prob(x)
        if hasattr(f, 'transform'):
            res['z'], res['ladj'] = f.encode(x)
            res['inverse'] = f.decode(res['z'] if z is None else z.to(x))
    f.train(hasattr(f, 'transform')) # a diffusion model draws noise in training
    own = [p for p in f.parameters() if p.requires_grad]
    grads = torch.autograd.grad(f.log_prob(x).mean(), own, allow_unused=True)
    res['gradient'] = torch.cat([g.flatten() for g in grads if g is not None])
    return {k: v.detach().double().cpu() for k, v in res.items()}

def correct(name, device, mini):
    "One kind of flow on the device against float64 on the processor, in three precisions."
    import torch
    torch.manual_seed(0)
    f = paths()[name]()
    shape = 16 if mini else 64, *f.shape
    x = (torch.randint(256, shape) + .1 + .8*torch.rand(shape))/256 # away from edges of levels
    f.initialize(x)
    with torch.no_grad():
        for p in f.parameters(): p.add_(.03*torch.randn_like(p)) # no layer is left at zero
    want, res = answers(copy.deepcopy(f).double(), x.double()), {}
    for mode, most in TOLERANCE.items():
        with precision(mode, device):
            got = answers(copy.deepcopy(f).to(device), x.to(device), want.get('z'))
        errors = {k: float((got[k] - b).norm()/b.norm()) for k, b in want.items()}
        nats = (got['log_prob'] - want['log_prob']).abs().mean()
        res[mode] = dict({k: float(f'{e:.2g}') for k, e in errors.items()}, most=most,
                         nats=round(float(nats), 4), ok=all(e <= most for e in errors.values()))
    return dict(res, ok=all(r['ok'] for r in res.values()))

# --- speed

def family(name, mini):
    "A model in the size of its paper, or in miniature."
    from flowood.flows.models import create
    small = dict(nh=8, n_blocks=1, shape=[1,16,16])
    make = dict(
        realnvp=('kirichenko/realnvp-fashion', {}, small),
        glow=('kirichenko/glow-fashion', {}, dict(small, n_steps=2)),
        nsf=('kamkari/nsf-gray', dict(dropout=0.),
             dict(n_couplings=[2,2,1], nh=[8,8,16], shape=[1,16,16], dropout=0.)),
        tar=('tar', dict(width=256, heads=8, hidden=512), dict(width=32, shape=[1,16,16])),
        diffusion=('diffusion', {}, dict(shape=[1,16,16])))
    preset, whole, tiny = make[name]
    return create(preset, **(tiny if mini else whole))

@lru_cache(None)
def peak(mode, device):
    "Operations per second of a large matrix product."
    from flowood.bench import matmul, rate
    f, work = matmul(device=device)
    with precision(mode, device): return work*max(rate(f, .1, device) for _ in range(4))

def speed(what, device, mini):
    "Training steps and scoring of one model in one precision, eager, compiled or as a CUDA graph."
    import torch
    from flowood.bench import rate, step_flops
    (name, _, mode), cuda = what.partition(' '), 'cuda' in str(device)
    if 'graph' in mode and not cuda: return dict(state='left out', why='CUDA graphs need a GPU')
    if mini and mode == 'bf16 compiled' and name != 'tar':
        return dict(state='left out', why='a rehearsal compiles one model')
    torch.manual_seed(0)
    f, bs, seconds = family(name, mini).to(device), 8 if mini else 256, .2 if mini else 2.
    x = torch.rand(bs, *f.shape, device=device)
    f.initialize(x).train()
    params = [p for p in f.parameters() if p.requires_grad]
    flops = step_flops((f, f.log_prob), x)
    opt = torch.optim.AdamW(params, 1e-6, fused=cuda, capturable=cuda)
    how = 'aot_eager' if mini else 'inductor' # the first traces only, and that takes seconds
    log_prob = torch.compile(f.log_prob, backend=how) if 'compiled' in mode else f.log_prob
    def step():
        with precision(mode, device): loss = -log_prob(x).mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    @torch.no_grad()
    def score():
        with precision(mode, device): return log_prob(x)
    began = time.perf_counter()
    for _ in range(3): step()
    if 'graph' in mode: step = graph(step)
    first = time.perf_counter() - began
    steps, mib = rate(step, seconds, device), cuda and torch.cuda.max_memory_allocated()/2**20
    f.eval()
    score()
    scores, most = rate(score, seconds, device), peak(mode.split()[0], device)
    return dict(model=name, mode=mode, parameters=f.n_params, bs=bs, train_images_per_s=bs*steps,
                score_images_per_s=bs*scores, flop_per_image=flops//bs, flop_per_s=flops*steps,
                peak=most, share=round(flops*steps/most, 4), first_s=round(first, 2), mib=mib,
                finite=bool(score().isfinite().all()))

def graph(step):
    "A step captured once; what is called replays it."
    import torch
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3): step()
    torch.cuda.current_stream().wait_stream(side)
    g = torch.cuda.CUDAGraph()
    with torch.cuda.graph(g): step()
    return g.replay

# --- training

TRAIN = dict( # preset, its arguments, data, what is not of its kind, optimiser and rate, batch
    realnvp=('kirichenko/realnvp-fashion', {}, 'FashionMNIST', 'MNIST', ('AdamW', 1e-3), 128),
    tar=('tar', dict(width=256, heads=8, hidden=512), 'FashionMNIST', 'MNIST', ('Muon', 5e-3), 128),
    tarcifar=('tar', dict(width=256, heads=8, hidden=512), 'CIFAR10', 'SVHN', ('Muon', 5e-3), 128))
PUBLISHED = dict(realnvp=dict(bits_per_dim=3.14, of='Glow on FashionMNIST', auroc=.137))
PIECE = 15 << 20 # bytes of a file that comes back

def keep(model, path):
    "Weights in float16, in pieces."
    import torch
    from safetensors.torch import save
    half = lambda v: v.half() if v.is_floating_point() else v
    blob = save({k: half(v.detach()).cpu().contiguous() for k, v in model.state_dict().items()})
    for i in range(0, len(blob), PIECE):
        Path(f'{path}.{i//PIECE}').write_bytes(blob[i:i+PIECE])

def kept(path):
    "The weights, or None."
    from safetensors.torch import load
    pieces = sorted(path.parent.glob(f'{path.name}.*'))
    return load(b''.join(p.read_bytes() for p in pieces)) if pieces else None

def minutely(path, stop):
    "A callback that keeps the averaged weights every minute and at the end of a call."
    from fastai.basics import Callback
    class Keep(Callback):
        order, last = 60, time.monotonic()
        def after_epoch(self):
            if time.monotonic() - self.last < 60 and not stop(): return
            self.last, average = time.monotonic(), copy.deepcopy(self.model)
            for p, a in zip(average.parameters(), self.learn.ema.avg): p.data.copy_(a)
            keep(average, path)
    return Keep()

def train(name, device, mini, a, used):
    "One training for so many seconds, over all calls; bits/dim of test images, and an AUROC."
    import torch
    from flowood.core import bits_per_dim
    from flowood.data import load, to_nchw
    from flowood.flows.models import create
    from flowood.learner import Deadline, flow_dls, flow_learner, log_probs
    from flowood.metrics import compare
    from flowood.study import Precision, Save
    preset, args, data, other, (opt, lr), bs = TRAIN[name]
    if mini: args, bs = dict(nh=8, n_blocks=1) if name == 'realnvp' else dict(width=32), 8
    pixels = lambda d, part, n: to_nchw(load(d, part)[0][:n])
    x, n = pixels(data, 'train', 500 if mini else None), 64 if mini else 10_000
    torch.manual_seed(0)
    flow = create(preset, **args, shape=list(x.shape[1:])).to(device)
    weights, stop = a.out/f'{name}.weights', lambda: time.time() > a.until
    state, seconds = a.state/f'{name}.state', 6 if mini else 60*GROUPS[name][0]
    begun = None if state.exists() else kept(weights)
    if begun: flow.load_state_dict(begun)
    clock = Deadline(max(1., seconds - used) if begun else seconds)
    held = len(x)//50
    dls = flow_dls(x[held:], x[:held], bs, n_batches=4 if mini else 100, device=device)
    how = [Precision('tf32'), Save(state, stop), minutely(weights, stop), clock]
    learn = flow_learner(dls, flow, opt=opt, cbs=how)
    try:
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1000, lr, pct_start=.1)
    except Exception as e:
        if type(e).__name__ != 'Stopped': raise
        return dict(state='paused', used=clock.used)
    keep(flow, weights)
    bits = lambda v: bits_per_dim(log_probs(flow, v), math.prod(flow.shape)).double()
    ins, out = bits(pixels(data, 'test', n)), bits(pixels(other, 'test', n//2))
    names = 'auroc', 'lo', 'hi'
    auroc = {k: round(v, 4) for k, v in compare(ins.numpy(), out.numpy()).items() if k in names}
    return dict(data=data, n_train=len(x), parameters=flow.n_params, steps=learn.ema.step, bs=bs,
                used=round(clock.used, 1), warm_start=bool(begun), rescued=learn.rescue.told,
                bits_per_dim=round(float(ins.mean()), 4), n_test=len(ins), ood=other,
                ood_bits_per_dim=round(float(out.mean()), 4), likelihood=auroc,
                published=PUBLISHED.get(name))

def lid(device, mini, a):
    "The dimension of test images under a trained spline flow, and of a few on the processor."
    from flowood.data import load, to_nchw
    from flowood.flows.models import load_flow
    from flowood.scores.lid import spectrum
    flow = load_flow(a.pack/'nsf-fashion.safetensors').float()
    x = to_nchw(load('FashionMNIST', 'test')[0][:4 if mini else 1024])
    here = spectrum(flow, x[:2 if mini else 8]).count(-3.)
    began = time.perf_counter()
    there = spectrum(flow.to(device), x.to(device), bs=4 if mini else 64).count(-3.)
    took = time.perf_counter() - began
    return dict(n=len(x), images_per_s=round(len(x)/took, 2), mean=float(there.mean()),
                largest_difference=float(abs(there[:len(here)] - here).max()))

# --- the queue

def parts():
    "The parts of every group, in order."
    kinds = [k for m in MODES for k in (f'{f} {m}' for f in FAMILIES)]
    own = dict(correct=['checkerboard', 'quadrants', 'halves', 'squeeze, factor out', 'mixture',
                        'bottleneck', '1x1 convolutions', 'splines', 'sigmoid', 'lean, cells',
                        'tar', 'jet', 'tarflow', 'rows', 'diffusion'], speed=kinds)
    return {g: [(g, p) for p in own.get(g, [''])] for g in GROUPS}

def rows(out):
    "What has happened so far: dicts, the last one of a part being its state."
    file = out/'rows.jsonl'
    return [json.loads(l) for l in file.read_text().splitlines()] if file.exists() else []

def note(out, group, part, **facts):
    with open(out/'rows.jsonl', 'a') as f:
        f.write(json.dumps(dict(group=group, part=part, **facts)) + '\n')

def settled(out):
    "The parts that need no more work."
    state = {(r['group'], r['part']): r['state'] for r in rows(out)}
    return {k for k, s in state.items() if s in ('done', 'failed', 'left out')}

def spent(out, group): return sum(r.get('seconds', 0) for r in rows(out) if r['group'] == group)

def do(a, group, part):
    "One part, its rows, and an alarm that ends this process where it hangs."
    limit = (60*GROUPS[group][0] + 60 if group in TRAIN else 90)*(5 if a.rehearse else 1)
    signal.setitimer(signal.ITIMER_REAL, min(limit, max(1, a.until + 30 - time.time())))
    note(a.out, group, part, state='begun')
    began, kind = time.perf_counter(), dict(correct=correct, speed=speed).get(group)
    try:
        if kind: res = kind(part, a.device, a.rehearse)
        elif group == 'lid': res = lid(a.device, a.rehearse, a)
        else:
            used = max([r['used'] for r in rows(a.out) if r['group'] == group and 'used' in r] or [0])
            res = train(group, a.device, a.rehearse, a, used)
    except Exception as e: res = dict(state='failed', error=f'{type(e).__name__}: {e}'[:500])
    signal.setitimer(signal.ITIMER_REAL, 0)
    took = round(time.perf_counter() - began, 2)
    note(a.out, group, part, **{'state': 'done', **res}, seconds=took)
    short = {k: v for k, v in res.items() if not isinstance(v, (dict, list))}
    print(f'{group} {part} {took:.1f} s {json.dumps(short)}'[:300], flush=True)

def child(a):
    "Everything that is left, in this process; first in each group's minutes, then what they left."
    for late in (False, True):
        for group, todo in parts().items():
            for key in todo:
                over = spent(a.out, group) > 60*GROUPS[group][0] and not a.rehearse
                if key in settled(a.out) or over and not late: continue
                if time.time() > a.until - 5: return
                do(a, *key)
    if a.rehearse: note(a.out, 'imports', '', state='done', **imported(a.site))

def queue(a):
    "Children, one after the other, until one has seen the end of the queue."
    a.out.mkdir(parents=True, exist_ok=True)
    for f in a.resume.iterdir() if a.resume else (): shutil.copy(f, a.out)
    with tempfile.TemporaryDirectory() as top:
        site, lib, python = Path(top, 'site'), Path(top, 'site-image'), [sys.executable]
        for d in (site, lib): d.mkdir()
        for w in (a.pack/'wheels').glob('*.whl'): zipfile.ZipFile(w).extractall(site)
        if a.rehearse: python.append('-S') # without this environment's packages, but for those
        if a.rehearse: image(lib)
        env = dict(os.environ, PYTHONPATH=f'{site}:{lib}:{ROOT}', FLOWOOD_DATA=str(a.pack/'data'))
        told = [f'--{k}={getattr(a, k)}' for k in ('out', 'state', 'until', 'device')]
        told += [f'--from={a.pack}', f'--child={site}'] + ['--rehearse']*a.rehearse
        for _ in range(sum(map(len, parts().values()))):
            code = subprocess.run([*python, __file__, *told], env=env).returncode
            last = (rows(a.out) or [dict(state='')])[-1]
            if code == 0 or last['state'] != 'begun': break
            why = 'it took too long' if code == -signal.SIGALRM else f'the process ended with {code}'
            note(a.out, last['group'], last['part'], state='failed', error=why)
    return summary(a.out, code)

def summary(out, code):
    "A short table, and whether all is well."
    last = {(r['group'], r['part']): r for r in rows(out)}
    for group, todo in parts().items():
        found = [last.get(k, dict(state='waiting')) for k in todo]
        states = [r['state'] if r.get('ok', True) else 'wrong' for r in found]
        count = ', '.join(f'{states.count(s)} {s}' for s in dict.fromkeys(states))
        print(f'{group:9} {spent(out, group):6.1f} s  {count}')
    for k, r in last.items():
        if r['state'] == 'failed': print('failed:', *k, r['error'])
        if not r.get('ok', True): print('wrong:', *k, {m: r[m] for m in TOLERANCE if not r[m]['ok']})
    if r := last.get(('imports', '')): print('packed modules:', *r['packed'], '| image:', *r['image'])
    return code or any(r['state'] == 'failed' or not r.get('ok', True) for r in last.values())

if __name__ == '__main__':
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('--pack', dest='make', type=Path, help='make a pack in this folder, and end')
    p.add_argument('--mib', type=float, default=63, help='size of the pack at most')
    p.add_argument('--rehearse', action='store_true', help='the queue in miniature, without a GPU')
    p.add_argument('--from', dest='pack', type=Path, default=ROOT/'.gpu', help='the pack')
    p.add_argument('--minutes', type=float, default=9, help='of this call')
    p.add_argument('--out', type=Path, default=os.environ.get('OUT'), help='rows and weights')
    p.add_argument('--state', type=Path, help='whole states of trainings; else beside the pack')
    p.add_argument('--resume', type=Path, help='what an earlier call left in its `--out`')
    p.add_argument('--device', default='cuda')
    p.add_argument('--child', dest='site', help=argparse.SUPPRESS)
    p.add_argument('--until', type=float, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.site: sys.exit(child(a))
    print(plan(), flush=True)
    if a.make: sys.exit(pack(a.make.resolve(), a.mib))
    a.pack, a.until = a.pack.resolve(), time.time() + 60*a.minutes
    if a.rehearse: a.device = 'cpu'
    if not (a.pack/'wheels').is_dir(): sys.exit(f'there is no pack in {a.pack}; make one with '
                                                f'`python tools/gpu.py --pack {a.pack}`')
    a.out = (a.out or ROOT/'gpu-out').resolve()
    a.state = (a.state or a.pack/'state').resolve()
    sys.exit(queue(a))
