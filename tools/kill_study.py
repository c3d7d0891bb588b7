#!/usr/bin/env python3
"""Does a study give the same bytes after it was killed? Run it whole, run it again killed at random moments, compare.

    python tools/kill_study.py studies/quick.toml [--kills 3] [--out DIR] [--seed 0]
Rows are compared without `timing`, logs without seconds, weights byte for byte.
"""
import argparse, json, random, subprocess, sys, tempfile, time
from pathlib import Path

from flowood.jobs import journal

def run(study, out, seconds=None):
    "Run the command; SIGKILL after `seconds`. Whether it ended by itself, and how long it ran."
    t, p = time.perf_counter(), subprocess.Popen([sys.executable, '-W', 'ignore', '-c', 'import sys; from flowood.cli import main; sys.exit(main(sys.argv[1:]))', 'study', 'run', study, '--out', str(out), '--quiet', '--checkpoint', '0'])
    try: code = p.wait(seconds)
    except subprocess.TimeoutExpired: p.kill(); p.wait(); return False, seconds
    assert code == 0, f'the study ended with {code}'
    return True, time.perf_counter() - t

def made(out):
    "Everything a study made, without time: file name -> content."
    read = lambda p: json.loads(p.read_text())
    rows = {p.name: json.dumps({k: v for k, v in read(p).items() if k != 'timing'}) for p in Path(out).glob('rows/*.json')}
    logs = {f'{p.parent.name} log': [l.split(',')[:-2] for l in p.read_text().splitlines()] for p in Path(out).glob('runs/*/log.csv')}
    return {**rows, **logs, **{f'{p.parent.name} weights': p.read_bytes() for p in Path(out).glob('runs/*/model.safetensors')}}

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('study'); p.add_argument('--kills', type=int, default=3); p.add_argument('--out'); p.add_argument('--seed', type=int, default=0)
    a = p.parse_args(); out, g = Path(a.out or tempfile.mkdtemp()), random.Random(a.seed)
    whole = run(a.study, out/'whole')[1]; print(f'undisturbed: {whole:.0f} s, {len(list((out/"whole/rows").glob("*.json")))} rows', flush=True)
    for i in range(a.kills):
        ended, s = run(a.study, out/'killed', g.uniform(.1, 1.3/(a.kills + 1))*whole)
        print(f'killed after {s:.1f} s with {len(list((out/"killed/rows").glob("*.json")))} rows' if not ended else 'ended before the kill', flush=True)
    run(a.study, out/'killed')
    x, y = made(out/'whole'), made(out/'killed'); diff = sorted(k for k in {*x, *y} if x.get(k) != y.get(k))
    starts = [e['event'] for e in journal(out/'killed')].count('start')
    print(f'{sum(k.endswith(".json") for k in x)} rows, {len(x)} files compared, {len(diff)} differ {diff[:5]}; cells begun {starts} times')
    return len(diff) > 0

if __name__ == '__main__': sys.exit(main())
