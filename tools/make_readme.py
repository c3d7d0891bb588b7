#!/usr/bin/env python3
"""README.md from nbs/index.ipynb, without Quarto, the cards of the models in models/README.md, and the sums by which
an installed package knows them in flowood/weights.json: python tools/make_readme.py [--check]

Markdown cells as they are, code cells fenced, text outputs in a block below, pictures left out. `#| hide` drops a cell,
`#| echo: false` its code, `#| output: false` its output. Links to site pages become links to the notebooks; boxes of the site (`:::`) go.
`--check` writes nothing and fails if one of them is stale.
"""
import hashlib, json, math, re, sys
from html import unescape

from nbs import NBS, ROOT, notebooks, read

PAGES = {re.sub(r'(^|/)\d+[a-z]?_', r'\1', p.relative_to(NBS).with_suffix('').as_posix()): p.relative_to(ROOT).as_posix() for p in notebooks()}

EXTRA = {'api': 'https://flowood.github.io/flowood/api.html', 'changelog': 'CHANGELOG.md', 'contributing': 'CONTRIBUTING.md',
         'glossary': 'nbs/glossary.qmd', 'bibliography': 'nbs/bibliography.qmd'} # pages that are no notebooks

def link(m):
    "A link as seen from the top of the repository."
    bang, text, url = m.groups(); page, _, anchor = url.partition('#')
    if page.endswith('.html') and page[:-5] in PAGES | EXTRA: url = (PAGES | EXTRA)[page[:-5]]
    elif not re.match(r'[a-z]+:|#|/|\.\./', url) and (NBS/page).exists(): url = f'nbs/{url}'
    elif url.startswith('../'): url = url[3:]
    return f'{bang}[{text}]({url})'

def linked(text):
    "Markdown as seen from the top of the repository, without the boxes of the site (`:::`)."
    text = re.sub(r'^:::.*\n?', '', text, flags=re.M)
    return re.sub(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)', link, re.sub(r'\n{3,}', '\n\n', text))

def output(o):
    "The text of one output, as Markdown; '' for a picture."
    d = o.get('data', {})
    if 'text/markdown' in d: return linked(''.join(d['text/markdown']).strip())
    moving = 'class="flowood-explorer"' in ''.join(d.get('text/html', '')) # on the site only
    if 'image/png' in d or moving or o.get('name') == 'stderr': return ''
    text = ''.join(o.get('text') or d.get('text/plain', '')).rstrip()
    return '\n'.join(f'    {l}'.rstrip() for l in unescape(text).splitlines())

def markdown(c):
    "One cell as Markdown."
    if c.kind == 'markdown': return linked(c.src.strip())
    if c.kind != 'code' or not {'hide', 'default_exp'}.isdisjoint(c.flags) or c.flags.get('include') == 'false': return ''
    src = '\n'.join(l for l in c.src.splitlines() if not re.match(r'\s*#\s*\|', l)).strip()
    parts = [f'```python\n{src}\n```'] if src and c.flags.get('echo') != 'false' else []
    if c.flags.get('output') != 'false': parts += map(output, c.outputs)
    return '\n\n'.join(filter(None, parts))

def readme():
    "The whole file."
    body = '\n\n'.join(filter(None, map(markdown, read(NBS/'index.ipynb'))))
    return '<!-- written by tools/make_readme.py from nbs/index.ipynb: edit that, then run `make readme` -->\n\n' + body + '\n'

def card(path):
    "One line about a stored flow, from the header of its file."
    with path.open('rb') as f: head = json.loads(f.read(int.from_bytes(f.read(8), 'little')))
    meta = json.loads(head.pop('__metadata__')['flowood'])
    spent = f"{meta['minutes']:.0f} min" if 'minutes' in meta else f"{meta['seconds']/60:.0f} min" if 'seconds' in meta else ''
    bits = f"{meta['bits_per_dim']:.2f}" if 'bits_per_dim' in meta else ''
    args = ', '.join(f'{k}={v}' for k, v in meta['config']['args'].items())
    cells = [f"`{name_of(path)}`", meta['config']['model'], args, f"{sum(math.prod(t['shape']) for t in head.values()):,}", meta.get('data', ''), bits, meta.get('steps', ''), meta.get('seed', ''), spent, meta.get('hardware', '')]
    return '| ' + ' | '.join(map(str, cells)) + ' |'

def cards():
    "All of them."
    names = ['name', 'model', 'arguments', 'numbers', 'trained on', 'bits/dim', 'steps', 'seed', 'time', 'hardware']
    head = '<!-- written by tools/make_readme.py: run `make readme` -->\n\n# Models\n\nSmall flows in float16, each trained by a cell of the notebooks or of a study and named by what they serve. `load_flow(name)` loads one; bits/dim are those that its notebook measured, on examples it was not trained on.\n\n'
    return head + '\n'.join(['| ' + ' | '.join(l) + ' |' for l in (names, ['---']*len(names))] + [card(p) for p in models()]) + '\n'

def models():
    "The files of all stored flows."
    return sorted((ROOT/'models').rglob('*.safetensors'))

def name_of(path):
    "What `load_flow` calls a stored flow."
    return path.relative_to(ROOT/'models').with_suffix('').as_posix()

def sums():
    "Name and SHA-256 of each, as JSON."
    return json.dumps({name_of(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in models()}, indent=1) + '\n'

if __name__ == '__main__':
    if not (NBS/'index.ipynb').exists(): sys.exit('nbs/index.ipynb is missing, so there is nothing to make README.md from.')
    for path, new in ((ROOT/'README.md', readme()), (ROOT/'models/README.md', cards()), (ROOT/'flowood/weights.json', sums())):
        old, name = path.read_text(encoding='utf-8') if path.exists() else '', path.relative_to(ROOT)
        if '--check' not in sys.argv: path.write_text(new, encoding='utf-8'); print(f'wrote {name}')
        elif old != new: sys.exit(f'{name} is not what it is made from; run make readme.')
        else: print(f'{name} is what it is made from')
