#!/usr/bin/env python3
"""Execute one notebook against the exported package.

    python tools/run_nb.py NOTEBOOK [--flags 'slow gpu'] [--bare] [--looked FILE]
Cells with a flag of settings.ini's `tst_flags` (and `#| eval: false`) are left out unless the flag
is asked for. Prints the lines `skipped: ...` that the notebook prints; exit code 1 and the
traceback if a cell fails.
`--bare` makes this a machine with nothing on it: no data sets, no weights, an empty home, no
network but its own.
`--looked FILE` writes to FILE what a bare machine may lack; see watch/sitecustomize.py.
`--serve` imports what notebooks import, then does what each line of stdin asks for, in a fork.
"""
import argparse, atexit, json, os, shutil, signal, sys, tempfile, threading
from importlib import import_module
from pathlib import Path

COMMON = '''torch torch._dynamo torchvision pandas scipy.stats sklearn.mixture matplotlib.pyplot
    fastai.basics'''

def unplug():
    "Leave the network, but for this machine's own, as far as the system allows; True if it did."
    import ctypes, fcntl, socket, struct
    user, net, uid = 0x10000000, 0x40000000, os.getuid()
    libc = ctypes.CDLL(None)
    if libc.unshare(net):
        if libc.unshare(user | net): return False
        for name, text in (('setgroups', 'deny'), ('uid_map', f'{uid} {uid} 1')):
            Path(f'/proc/self/{name}').write_text(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: # the loopback device is down
        try: fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))
        except PermissionError: pass
    return True

def bare():
    "Empty folders in place of everything that a machine may have, and no way out."
    home = tempfile.mkdtemp(prefix='bare-')
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for k in ('TORCH_HOME', 'XDG_CACHE_HOME', 'HF_HOME', 'NO_PROXY', 'no_proxy'):
        os.environ.pop(k, None)
    proxies = ('http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy')
    os.environ.update(dict.fromkeys(proxies, 'http://127.0.0.1:9'))
    os.environ.update(HOME=home, FLOWOOD_DATA=f'{home}/data')
    if not sys.platform.startswith('linux') or not unplug():
        print('the network could not be cut off; proxies lead nowhere instead')

def watch(file):
    "Note in `file` what this process, and every Python that it starts, looks for."
    tools = str(Path(__file__).resolve().parent/'watch')
    known = os.environ.get('PYTHONPATH')
    os.environ.update(FLOWOOD_LOOKED=file, PYTHONPATH=os.pathsep.join(filter(None, [tools, known])))
    sys.path.insert(0, tools)
    sys.modules.pop('sitecustomize', None) # this machine's own, which has done its work
    import_module('sitecustomize')
    sys.path.remove(tools)

def serve():
    "Do what lines of stdin ask for, JSON `[arguments, output file, seconds]`; say the exit codes."
    for m in COMMON.split(): import_module(m)
    if sys.modules['torch'].cuda.is_initialized(): sys.exit('what holds a GPU cannot fork')
    print('ready', flush=True)
    for line in sys.stdin:
        args, said, secs = json.loads(line)
        pid = os.fork()
        if not pid: return begin(args, said, secs)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    sys.exit()

def begin(args, said, secs):
    "Become, in a fork, what `run_nb.py ARGS` is in a process of its own; end it after `secs`."
    if secs: signal.setitimer(signal.ITIMER_REAL, secs)
    with open(os.devnull) as i, open(said, 'ab') as o:
        for f, fd in ((i, 0), (o, 1), (o, 2)): os.dup2(f.fileno(), fd)
    sys.argv[1:] = args
    if '--bare' in args: bare()

os.environ['IN_TEST'] = '1' # nbdev_export in a notebook then does nothing
if __name__ == '__main__' and '--bare' in sys.argv: bare() # before a thread starts

from execnb.shell import CaptureShell
from nbdev.config import get_config
from nbdev.frontmatter import FrontmatterProc
from nbdev.process import NBProcessor

def run(path, flags=()):
    "True if every cell ran."
    path, skip = Path(path).resolve(), set(get_config().tst_flags.split()) - set(flags)
    nb = NBProcessor(path, procs=FrontmatterProc, process=True).nb
    if str(getattr(nb, 'frontmatter_', {}).get('skip_exec', '')).lower() == 'true':
        print('skipped: front matter says skip_exec')
        return True
    left = []
    def leave_out(cell):
        if cell.cell_type != 'code': return True
        d = getattr(cell, 'directives_', None) or {}
        why = skip & d.keys()
        if not why and d.get('eval:', [''])[0].lower() == 'false': why = {'eval: false'}
        left.extend(why)
        cell.source = cell.source.rstrip().rstrip(';') # with one, execnb drops what a cell prints
        return bool(why)
    def report(cell):
        for o in cell.get('outputs', []):
            said = ''.join(o['text']).splitlines() if o.get('name') == 'stdout' else []
            for l in said:
                if l.startswith('skipped:'): print(l.strip())
    os.chdir(path.parent)
    shell = CaptureShell(path, mpl_format='png')
    try: shell.run_all(nb, exc_stop=True, preproc=leave_out, postproc=report)
    except BaseException:
        print(shell.prettytb(fname=path.name)); return False
    for f in sorted(set(left)): print(f'left out: {left.count(f)} cells marked {f}')
    return True

def leave(code):
    "End as Python does, but leave the modules whole: to take them apart costs two seconds."
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)

if __name__ == '__main__':
    if sys.argv[1:] == ['--serve']: serve() # only its forks come back, with arguments
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('notebook')
    p.add_argument('--flags', default='', help='run the cells with these flags, too')
    p.add_argument('--bare', action='store_true', help='without data sets, network and home')
    p.add_argument('--looked', help='file for what the notebook looked for')
    a = p.parse_args()
    if a.looked: watch(a.looked)
    leave(not run(a.notebook, a.flags.split()))
