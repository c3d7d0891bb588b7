#!/usr/bin/env python3
"""Export and execute notebooks in place, then clean them: python tools/refresh.py [--slow] NOTEBOOK...

Cells marked slow or gpu are left out, and keep the outputs that they have; `--slow` runs the slow ones, too. A notebook
in which a cell fails is left as it was. Figures get twice the pixels of the size they are shown at, and a palette.
"""
import base64, io, os, re, subprocess, sys
from pathlib import Path

import nbformat
from PIL import Image
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbdev.export import nb_export

PNG, SHARP = 'image/png', '--InlineBackend.figure_formats=retina'

def with_palette(picture):
    "A PNG in base64 with 256 colours: a figure looks the same and weighs a third."
    im, f = Image.open(io.BytesIO(base64.b64decode(picture))).convert('RGB'), io.BytesIO()
    im.quantize(256, dither=Image.Dither.NONE).save(f, 'PNG', optimize=True)
    return base64.b64encode(f.getvalue()).decode()

def lighten(cell):
    "Give the cell's sharp figures a palette."
    for o in cell.outputs:
        if o.get('metadata', {}).get(PNG): o['data'][PNG] = with_palette(o['data'][PNG])

def refresh(path, slow=False):
    "Execute one notebook; the error message, or None."
    nb_export(path)
    nb, left = nbformat.read(path, 4), r'#\s*\|\s*gpu' if slow else r'#\s*\|\s*(slow|gpu)'
    here = {'metadata': {'path': str(Path(path).parent)}}
    client = NotebookClient(nb, timeout=None, resources=here, extra_arguments=[SHARP])
    with client.setup_kernel():
        for i, c in enumerate(nb.cells):
            if c.cell_type != 'code' or re.match(left, c.source): continue
            try: client.execute_cell(c, i)
            except CellExecutionError as e: return f'{path} cell {i}: {e}'
            lighten(c)
    nbformat.write(nb, path)
    subprocess.run([str(Path(sys.executable).with_name('nbdev_clean')), '--fname', str(path)], check=True)

if __name__ == '__main__':
    os.environ.setdefault('PYTHONWARNINGS', 'ignore::FutureWarning')  # one of torch.jit, with a path of this machine in it
    bad = [m for p in sys.argv[1:] if p != '--slow' and (m := refresh(p, '--slow' in sys.argv))]
    sys.exit('\n'.join(bad) or None)
