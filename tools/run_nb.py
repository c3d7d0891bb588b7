#!/usr/bin/env python3
"""Execute one notebook against the exported package: python tools/run_nb.py NOTEBOOK [--flags 'slow gpu'] [--bare]

Cells with a flag of settings.ini's `tst_flags` (and `#| eval: false`) are left out unless the flag is asked for.
Prints the lines `skipped: ...` that the notebook prints; exit code 1 and the traceback if a cell fails.
`--bare` makes this a machine with nothing on it: no data sets, no weights, an empty home, no network but its own.
"""
import argparse, atexit, os, shutil, sys, tempfile
from pathlib import Path

def unplug():
    "Leave the network, but for this machine's own, as far as the system allows; True if it did."
    import ctypes, fcntl, socket, struct
    user, net, uid = 0x10000000, 0x40000000, os.getuid()
    libc = ctypes.CDLL(None)
    if libc.unshare(net):
        if libc.unshare(user | net): return False
        for name, text in (('setgroups', 'deny'), ('uid_map', f'{uid} {uid} 1')): Path(f'/proc/self/{name}').write_text(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: # the loopback device is there, but down
        try: fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))
        except PermissionError: pass
    return True

def bare():
    "Empty folders in place of everything that a machine may have, and no way out."
    home = tempfile.mkdtemp(prefix='bare-')
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for k in ('TORCH_HOME', 'XDG_CACHE_HOME', 'HF_HOME', 'NO_PROXY', 'no_proxy'): os.environ.pop(k, None)
    os.environ.update(HOME=home, FLOWOOD_DATA=f'{home}/data', **{k: 'http://127.0.0.1:9' for k in ('http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy')})
    if not sys.platform.startswith('linux') or not unplug(): print('the network could not be cut off; proxies lead nowhere instead')

os.environ['IN_TEST'] = '1' # nbdev_export in a notebook then does nothing
if __name__ == '__main__' and '--bare' in sys.argv: bare() # before anything reads the environment or starts a thread

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
    p.add_argument('--bare', action='store_true', help='without data sets, network and home')
    a = p.parse_args()
    sys.exit(not run(a.notebook, a.flags.split()))
