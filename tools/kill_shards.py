#!/usr/bin/env python3
"""Does `flowood score` in shards give the same bytes after it was killed? Judge whole, judge again killed at random moments, compare.

    python tools/kill_shards.py DETECTOR PATH [--kills 3] [--size 1024] [--workers 2] [--out DIR] [--seed 0]
In turns the command is killed (SIGKILL) and one of its worker processes.
"""
import argparse, os, random, signal, subprocess, sys, tempfile, time
from pathlib import Path

from flowood.jobs import journal

def command(a, out, *more): return subprocess.Popen([sys.executable, '-W', 'ignore', '-c', 'import sys; from flowood.cli import main; sys.exit(main(sys.argv[1:]))', 'score', a.detector, a.path, '--out', str(out), '--quiet', *map(str, more)], stdout=subprocess.DEVNULL)

def strike(folder, n, command, worker):
    "Once `n` shards have begun, kill the command, or the process that began the last one; whether there was anything to kill."
    while sum(e['event'] == 'start' for e in journal(folder)) < n:
        if command.poll() is not None: return False
        time.sleep(.01)
    pid = journal(folder)[-1]['pid'] if worker else command.pid
    if Path(f'/proc/{pid}').exists(): os.kill(pid, signal.SIGKILL)
    return True

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('detector'); p.add_argument('path'); p.add_argument('--kills', type=int, default=3); p.add_argument('--size', type=int, default=1024)
    p.add_argument('--workers', type=int, default=2); p.add_argument('--out'); p.add_argument('--seed', type=int, default=0)
    a = p.parse_args(); out, g = Path(a.out or tempfile.mkdtemp()), random.Random(a.seed)
    t = time.perf_counter(); assert command(a, out/'whole.csv').wait() == 0; print(f'whole: {time.perf_counter() - t:.0f} s', flush=True)
    n, shards = 0, ['--shards-of', a.size, '--workers', a.workers]
    for i in range(a.kills):
        n += g.randint(1, 6); c = command(a, out/'killed.csv', *shards); time.sleep(g.uniform(0, .5))
        hit = strike(out/'killed', n, c, i % 2); c.wait() if not hit or not i % 2 else c.kill(); c.wait()
        print(f'killed {"a worker, then the command" if i % 2 else "the command"} with {len(list((out/"killed/rows").glob("*.json")))} rows' if hit else 'ended before the kill', flush=True)
        n = sum(e['event'] == 'start' for e in journal(out/'killed'))
    assert command(a, out/'killed.csv', *shards).wait() == 0
    es, same = [e['event'] for e in journal(out/'killed')], (out/'whole.csv').read_bytes() == (out/'killed.csv').read_bytes()
    print(f'{es.count("done")} shards done, begun {es.count("start")} times; {"the same" if same else "OTHER"} {(out/"whole.csv").stat().st_size:,} bytes')
    return not same

if __name__ == '__main__': sys.exit(main())
