"Is the installed flowood whole? Run by tools/test.py in a clean environment, outside the tree."
import importlib, pkgutil, sys, time
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
versions = (f'{p} {version(p)}' for p in ('torch', 'fastai', 'fastcore', 'numpy'))
print(f'Python {sys.version.split()[0]}', *versions, sep=', ')
