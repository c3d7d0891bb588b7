#!/usr/bin/env python3
"""Images per second of the models on 1x28x28 images: scoring (log_prob) and training (forward, backward, Adam step).

    python tools/bench.py [--only PATTERN] [--bs 64] [--rounds 5] [--seconds 1] [--device cpu] [--threads N]
The models take turns, round after round, so that a slow minute of the machine hits all of them; the median round counts.
"""
import argparse, math, os, platform, re, sys, time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
SHAPE = 1, 28, 28

def hardware(device):
    "One line: processor, threads, versions."
    import torch
    info = Path('/proc/cpuinfo')
    m = re.search(r'model name\s*: (.*)', info.read_text()) if info.exists() else None
    cpu = m[1] if m else platform.processor() or platform.machine()
    gpu = f', {torch.cuda.get_device_name()}' if 'cuda' in device else ''
    return f'{cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads{gpu}; torch {torch.__version__}, Python {platform.python_version()}, {platform.system()}'

def candidates(only, device):
    "`{name: flow}` of the presets that accept `SHAPE`; one line for each that does not."
    import torch
    from flowood.flows.models import PRESETS, create
    res = {}
    for name in PRESETS:
        if only not in name if only else '/' in name: continue  # the papers' own sizes only by name
        try:
            flow = create(name).to(device)
            with torch.no_grad(): flow.eval().log_prob(torch.rand(2, *SHAPE, device=device))
            res[name] = flow
        except Exception as e: print(f'{name}: not for {"x".join(map(str, SHAPE))} ({type(e).__name__})')
    return res

def rate(step, n, seconds, device):
    "Images per second of `step`, run for about `seconds`."
    import torch
    wait = torch.cuda.synchronize if 'cuda' in device else lambda: None
    wait(); t, k = time.perf_counter(), 0
    while not k or time.perf_counter() - t < seconds: step(); wait(); k += 1
    return k*n/(time.perf_counter() - t)

def batch_size(flow, bs, seconds, device):
    "The largest power of two up to `bs` with which a training step should take at most `seconds`; the models are warm afterwards."
    for step in steps(flow, 4, device).values(): step()
    fits = seconds*rate(steps(flow, 4, device)['train'], 4, 0, device)
    return min(bs, 2**max(2, int(math.log2(max(fits, 1)))))

def steps(flow, bs, device):
    "The two things that are timed."
    import torch
    x, opt = torch.rand(bs, *SHAPE, device=device), torch.optim.Adam(flow.parameters(), lr=1e-6)
    def score():
        flow.eval()
        with torch.no_grad(): flow.log_prob(x)
    def train():
        flow.train(); opt.zero_grad(); (-flow.log_prob(x).mean()).backward(); opt.step()
    return dict(log_prob=score, train=train)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--only', help='part of a preset name'); p.add_argument('--bs', type=int, default=64); p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--seconds', type=float, default=1); p.add_argument('--device', default='cpu'); p.add_argument('--threads', type=int)
    a = p.parse_args()
    import torch
    if a.threads: torch.set_num_threads(a.threads)
    try: flows = candidates(a.only, a.device)
    except ImportError as e: print(f'There is no model to time yet: {e}.'); return
    print(hardware(a.device), f'batch size {a.bs}, less where a training step would take over {a.seconds:g} s; median of {a.rounds} rounds of {a.seconds:g} s', '', sep='\n')
    sizes = {n: batch_size(flow, a.bs, a.seconds, a.device) for n, flow in flows.items()}
    todo = {(n, k): f for n, flow in flows.items() for k, f in steps(flow, sizes[n], a.device).items()}
    rates = {key: [] for key in todo}
    for i in range(a.rounds):
        for key, f in todo.items(): rates[key].append(rate(f, sizes[key[0]], a.seconds, a.device))
    print(f'{"model":32} {"parameters":>12} {"batch":>6} {"log_prob img/s":>16} {"train img/s":>14}   (least-most)')
    for n, flow in flows.items():
        s, t = rates[n,'log_prob'], rates[n,'train']
        print(f'{n:32} {sum(p.numel() for p in flow.parameters()):12,} {sizes[n]:6} {median(s):16,.0f} {median(t):14,.0f}   ({min(s):,.0f}-{max(s):,.0f}, {min(t):,.0f}-{max(t):,.0f})')

if __name__ == '__main__': main()
