#!/usr/bin/env python3
"""Does a study survive a lost machine? Two Ray nodes with their own object stores on this machine, one killed midway.

    python tools/ray_study.py studies/quick.toml [--out DIR] [--like DIR]
Says which cells were begun more than once (they must be those that ran on the lost node) and whether all rows are there;
with `--like`, whether they equal those of another run, without `timing` and `where`.
"""
import argparse, json, os, sys, tempfile, threading, time
from pathlib import Path

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('study'); p.add_argument('--out'); p.add_argument('--like')
    a = p.parse_args(); out = Path(a.out or tempfile.mkdtemp())
    from ray.cluster_utils import Cluster
    from flowood.jobs import journal
    from flowood.study import read_study, run_study
    cells = read_study(a.study)
    cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=1, object_store_memory=10**8))
    other = cluster.add_node(num_cpus=1, object_store_memory=10**8); cluster.wait_for_nodes(); lost = {}
    def strike():
        "When a third is done, kill the second node while a cell is running on it."
        def mine(e): # does the process belong to the second node?
            try: ppid = int(open(f'/proc/{e["pid"]}/stat').read().rsplit(')', 1)[1].split()[1])
            except OSError: return False
            return ppid in {x.process.pid for x in other.all_processes['raylet']}
        while True:
            time.sleep(.05); es = journal(out); ended = [e['key'] for e in es if e['event'] == 'done']
            open_ = [e for e in es if e['event'] == 'start' and e['key'] not in ended]
            hit = [e for e in open_ if mine(e)]
            if len(ended) >= len(cells)//3 and hit: break
        lost.update(names=[e['name'] for e in hit], keys=[e['key'] for e in hit], at=len(ended)); cluster.remove_node(other, allow_graceful=False)
    threading.Thread(target=strike, daemon=True).start()
    states = run_study(cells, out, on='ray', address=cluster.address, checkpoint=0, say=None)
    starts = [e['key'] for e in journal(out) if e['event'] == 'start']; twice = {k for k in starts if starts.count(k) > 1}
    rows = {p.name for p in (out/'rows').glob('*.json')}
    print(f'{len(cells)} cells, {sum(s == "done" for s in states.values())} done, {len(rows)} rows; node killed after {lost.get("at")} cells, while it did {lost.get("names")}')
    print(f'begun more than once: {len(twice)}, all of them on the lost node: {twice <= set(lost.get("keys", []))}; {len(starts)} starts')
    if a.like:
        timeless = lambda d: {p.name: json.dumps({k: v for k, v in json.loads(p.read_text()).items() if k not in ('timing', 'where')}) for p in Path(d).glob('rows/*.json')}
        x, y = timeless(out), timeless(a.like); print(f'{sum(x[k] == y.get(k) for k in x)} of {len(y)} rows are those of {a.like}')
    cluster.shutdown(); print('out:', out)

if __name__ == '__main__': main()
