#!/usr/bin/env python3
"""Execute one notebook against the exported package: python tools/run_nb.py NOTEBOOK [--flags 'slow gpu']

Cells with a flag of settings.ini's `tst_flags` (and `#| eval: false`) are left out unless the flag is asked for.
Prints the lines `skipped: ...` that the notebook prints; exit code 1 and the traceback if a cell fails.
"""
import argparse, os, sys
from pathlib import Path

os.environ['IN_TEST'] = '1' # nbdev_export in a notebook then does nothing

from execnb.shell import CaptureShell
from nbdev.config import get_config
from nbdev.frontmatter import FrontmatterProc
from nbdev.process import NBProcessor

def run(path, flags=()):
    "True if every cell ran."
    path = Path(path).resolve()
    nb, skip = NBProcessor(path, procs=FrontmatterProc, process=True).nb, set(get_config().tst_flags.split()) - set(flags)
    if str(getattr(nb, 'frontmatter_', {}).get('skip_exec', '')).lower() == 'true': print('skipped: front matter says skip_exec'); return True
    left = []
    def leave_out(cell):
        if cell.cell_type != 'code': return True
        d = getattr(cell, 'directives_', None) or {}
        why = skip & d.keys() or {'eval: false'} & ({'eval: false'} if d.get('eval:', [''])[0].lower() == 'false' else set())
        if why: left.extend(why)
        cell.source = cell.source.rstrip().rstrip(';') # execnb drops what a cell prints if it ends with a semicolon
        return bool(why)
    def report(cell):
        for o in cell.get('outputs', []):
            if o.get('name') == 'stdout': print(*(l.strip() for l in ''.join(o['text']).splitlines() if l.startswith('skipped:')), sep='\n')
    os.chdir(path.parent)
    shell = CaptureShell(path, mpl_format='png')
    try: shell.run_all(nb, exc_stop=True, preproc=leave_out, postproc=report)
    except BaseException:
        print(shell.prettytb(fname=path.name)); return False
    for f in sorted(set(left)): print(f'left out: {left.count(f)} cells marked {f}')
    return True

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__); p.add_argument('notebook'); p.add_argument('--flags', default='')
    a = p.parse_args()
    sys.exit(not run(a.notebook, a.flags.split()))
