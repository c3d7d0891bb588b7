"Is the installed flowood whole? Run by tools/test.py with the interpreter of a clean environment, outside the tree."
import importlib, pkgutil, sys, time
from importlib.metadata import version
from pathlib import Path

t = time.time(); import flowood; secs = time.time() - t
heavy = sorted({'torch','torchvision','fastai','fastcore','numpy','pandas','sklearn','scipy','matplotlib','PIL','pyarrow','ipywidgets','tqdm'} & sys.modules.keys())
assert not heavy, f'import flowood alone imports {", ".join(heavy)}'
assert Path(sys.prefix) in Path(flowood.__file__).parents, f'{flowood.__file__} is not the installed package'
print(f'import flowood: {1000*secs:.1f} ms, and no other package')

t, names = time.time(), ['flowood', *(m.name for m in pkgutil.walk_packages(flowood.__path__, 'flowood.'))]
for n in names: importlib.import_module(n)
print(f'{len(names)} modules imported in {time.time() - t:.1f} s; optional packages among them: {", ".join(sorted({"nbdev","IPython","ipywidgets","ray","wandb"} & sys.modules.keys())) or "none"}')

import torch
if 'flowood.flows.models' in names:
    from flowood.flows.models import realnvp
    x = torch.rand(4, 1, 8, 8)
    lp = realnvp((1, 8, 8)).eval().log_prob(x)
    assert lp.shape == (4,) and lp.isfinite().all(), lp
    print(f'a small flow gives log_prob {lp.mean().item():.1f} nats')
else: print('skipped: flowood.flows.models is not there yet')
print(f'Python {sys.version.split()[0]}', *(f'{p} {version(p)}' for p in ('torch', 'fastai', 'fastcore', 'numpy')), sep=', ')
