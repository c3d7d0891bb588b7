"""What tools/gpu.py does on a card: correctness, speed, training and dimension, each a function that
returns what its row says. `mini` is a rehearsal on a processor."""
import copy, math, time
from functools import lru_cache, partial
from pathlib import Path

MODES = 'float32', 'tf32', 'bf16', 'bf16 graph', 'bf16 compiled'
FAMILIES = 'realnvp', 'glow', 'nsf', 'tar', 'diffusion'
KINDS = ('checkerboard', 'quadrants', 'halves', 'squeeze, factor out', 'mixture', 'bottleneck',
         '1x1 convolutions', 'splines', 'sigmoid', 'lean, cells', 'tar', 'jet', 'tarflow', 'rows',
         'diffusion')

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

WIDE = dict(width=256, heads=8, hidden=512)
TRAIN = dict( # preset, its arguments, data, what is not of its kind, (optimiser, rate, precision), batch
    realnvp=('kirichenko/realnvp-fashion', {}, 'FashionMNIST', 'MNIST', ('AdamW', 1e-3, 'tf32'), 128),
    tar=('tar-fine', WIDE, 'FashionMNIST', 'MNIST', ('Muon', 5e-3, 'bf16'), 128),
    tarcifar=('tar-fine', WIDE, 'CIFAR10', 'SVHN', ('Muon', 5e-3, 'bf16'), 128))
PUBLISHED = dict(realnvp=dict(bits_per_dim=3.14, of='Glow on FashionMNIST', auroc=.137))
PIECE = 15 << 20 # bytes of a file that comes back

def keep(model, path, average=None):
    "Weights in float16, in pieces that come back, those of an average where there is one."
    from safetensors.torch import save
    model = copy.deepcopy(model)
    for p, a in zip(model.parameters(), average or ()): p.data.copy_(a)
    half = lambda v: v.half() if v.is_floating_point() else v
    blob = save({k: half(v.detach()).cpu().contiguous() for k, v in model.state_dict().items()})
    for i in range(0, len(blob), PIECE):
        Path(f'{path}.{i//PIECE}').write_bytes(blob[i:i+PIECE])

def kept(path):
    "The weights, or None."
    from safetensors.torch import load
    pieces = sorted(path.parent.glob(f'{path.name}.*'))
    return load(b''.join(p.read_bytes() for p in pieces)) if pieces else None

def train(name, a, seconds, used):
    "One training of so many seconds, `used` before this call; bits/dim of test images, an AUROC."
    import torch
    from flowood.core import bits_per_dim
    from flowood.data import load, to_nchw
    from flowood.flows.models import create
    from flowood.learner import Deadline, flow_dls, flow_learner, log_probs
    from flowood.metrics import compare
    from flowood.study import Save
    device, mini = a.device, a.rehearse
    preset, args, data, other, (opt, lr, amp), bs = TRAIN[name]
    if mini: args, bs = dict(nh=8, n_blocks=1) if name == 'realnvp' else dict(width=32), 8
    pixels = lambda d, part, n: to_nchw(load(d, part)[0][:n])
    x, n = pixels(data, 'train', 500 if mini else None), 64 if mini else 10_000
    torch.manual_seed(0)
    flow = create(preset, **args, shape=list(x.shape[1:])).to(device)
    weights, stop = a.out/f'{name}.weights', lambda: time.time() > a.until
    state, seconds = a.state/f'{name}.state', 6 if mini else seconds
    begun = None if state.exists() else kept(weights)
    if begun: flow.load_state_dict(begun)
    clock = Deadline(max(1., seconds - used) if begun else seconds)
    held = len(x)//50
    dls = flow_dls(x[held:], x[:held], bs, n_batches=4 if mini else 100, device=device)
    class Both(Save):
        def _tensors(self):
            keep(self.model, weights, self.learn.ema.avg)
            return super()._tensors()
    how = [Both(state, stop, 0 if mini else 60), clock]
    learn = flow_learner(dls, flow, opt=opt, amp=amp, cbs=how)
    try:
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1000, lr, pct_start=.1)
    except Exception as e:
        if type(e).__name__ != 'Stopped': raise
        return dict(state='paused', used=clock.used)
    state.unlink(missing_ok=True)
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

def lid(a):
    "The dimension of test images under a trained spline flow, and of a few on the processor."
    from flowood.data import load, to_nchw
    from flowood.flows.models import load_flow
    from flowood.scores.lid import spectrum
    device, mini = a.device, a.rehearse
    flow = load_flow(a.pack/'nsf-fashion.safetensors').float()
    x = to_nchw(load('FashionMNIST', 'test')[0][:4 if mini else 1024])
    here = spectrum(flow, x[:2 if mini else 8]).count(-3.)
    began = time.perf_counter()
    there = spectrum(flow.to(device), x.to(device), bs=4 if mini else 64).count(-3.)
    took = time.perf_counter() - began
    return dict(n=len(x), images_per_s=round(len(x)/took, 2), mean=float(there.mean()),
                largest_difference=float(abs(there[:len(here)] - here).max()))
