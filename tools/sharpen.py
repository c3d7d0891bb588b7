#!/usr/bin/env python3
"""Pictures with twice the pixels: python tools/sharpen.py NOTEBOOK...

Executes notebooks as refresh.py does, with figures of double resolution, and stores nothing but
pictures: those of cells whose other outputs came out as they are stored. A picture keeps its size
on the page. Cells marked slow or gpu are left out, and keep the pictures that they have.
"""
import json, re, sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PNG, RETINA = 'image/png', '--InlineBackend.figure_formats=retina'

def drawn(outputs):
    "The pictures among the outputs of a cell."
    return [o for o in outputs if PNG in o.get('data', {})]

def said(outputs):
    "What a cell says in words."
    stream = ''.join(''.join(o['text']) for o in outputs if o.get('name') == 'stdout')
    texts = [''.join(o['data'].get('text/plain', '')) for o in outputs if 'data' in o]
    return stream, [t for t in texts if not t.startswith('<Figure')]

def execute(path):
    "The notebook, executed with figures of double resolution."
    nb = nbformat.read(path, 4)
    how = dict(timeout=None, allow_errors=True, extra_arguments=[RETINA])
    client = NotebookClient(nb, resources={'metadata': {'path': str(Path(path).parent)}}, **how)
    with client.setup_kernel():
        for i, c in enumerate(nb.cells):
            if c.cell_type != 'code' or re.match(r'#\s*\|\s*(slow|gpu)', c.source): continue
            client.execute_cell(c, i)
    return nb

def sharpen(path):
    "Store the pictures; how many were, and how many were left."
    new, old, done, left = execute(path), json.loads(Path(path).read_text('utf-8')), 0, 0
    for a, b in zip(old['cells'], new.cells):
        before, after = drawn(a.get('outputs', [])), drawn(b.get('outputs', []))
        if not before: continue
        same = len(before) == len(after) and said(a['outputs']) == said(b.outputs)
        for o, n in zip(before, after) if same else ():
            if not n.metadata.get(PNG): continue
            o['data'][PNG] = n.data[PNG].rstrip()
            o['metadata'] = dict(o.get('metadata', {}), **{PNG: dict(n.metadata[PNG])})
            done += 1
        left += 0 if same else len(before)
    text = json.dumps(old, indent=1, ensure_ascii=False) + '\n'
    Path(path).write_text(text, encoding='utf-8')
    return f'{path}: {done} pictures sharpened, {left} left, {len(text)//1000} KB'

if __name__ == '__main__':
    for p in sys.argv[1:]: print(sharpen(p), flush=True)
