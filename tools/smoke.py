"""Is the installed flowood whole? Run by tools/test.py in a clean environment, outside the tree.

    python smoke.py [MODELS]: with the repository's models/, one is also fetched by name from a hub of this machine
"""
import importlib, os, pkgutil, shutil, sys, tempfile, threading, time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

HEAVY = {'torch', 'torchvision', 'fastai', 'fastcore', 'numpy', 'pandas', 'sklearn', 'scipy',
         'matplotlib', 'PIL', 'pyarrow', 'ipywidgets', 'tqdm'}
OPTIONAL = {'nbdev', 'IPython', 'ipywidgets', 'ray', 'wandb'}

t = time.time()
import flowood
secs, heavy = time.time() - t, sorted(HEAVY & sys.modules.keys())
assert not heavy, f'import flowood alone imports {", ".join(heavy)}'
here = Path(flowood.__file__)
assert Path(sys.prefix) in here.parents, f'{here} is not the installed package'
print(f'import flowood: {1000*secs:.1f} ms, and no other package')

t = time.time()
names = ['flowood', *(m.name for m in pkgutil.walk_packages(flowood.__path__, 'flowood.'))]
for n in names: importlib.import_module(n)
optional = ', '.join(sorted(OPTIONAL & sys.modules.keys())) or 'none'
print(f'{len(names)} modules imported in {time.time() - t:.1f} s; '
      f'optional packages among them: {optional}')

import torch
if 'flowood.flows.models' in names:
    from flowood.flows.models import realnvp
    x = torch.rand(4, 1, 8, 8)
    lp = realnvp((1, 8, 8)).eval().log_prob(x)
    assert lp.shape == (4,) and lp.isfinite().all(), lp
    print(f'a small flow gives log_prob {lp.mean().item():.1f} nats')
else: print('skipped: flowood.flows.models is not there yet')

class Hub(SimpleHTTPRequestHandler):
    "A folder over HTTP, which notes what was asked for."
    asked = []
    def log_message(self, *args): self.asked.append(self.path)

def fetch(models, name='interpret-cycle'):
    "Load a model by its name, from a hub that this process serves; twice, which asks once."
    from flowood.flows.models import load_flow
    with tempfile.TemporaryDirectory() as d:
        there = Path(d)/f'flowood/flowood/resolve/v{flowood.__version__}'
        there.mkdir(parents=True)
        shutil.copy(f'{models}/{name}.safetensors', there)
        server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Hub, directory=d))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ.update(HF_ENDPOINT=f'http://127.0.0.1:{server.server_port}', no_proxy='127.0.0.1', TORCH_HOME=d)
        t, data = time.time(), [load_flow(name).meta['data'] for _ in range(2)]
        server.shutdown()
    assert len(Hub.asked) == 1, Hub.asked
    print(f'{name} ({data[0]}) fetched from a hub and loaded twice in {time.time() - t:.1f} s')

if sys.argv[1:]: fetch(sys.argv[1])
versions = (f'{p} {version(p)}' for p in ('torch', 'fastai', 'fastcore', 'numpy'))
print(f'Python {sys.version.split()[0]}', *versions, sep=', ')
