#!/usr/bin/env python3
"""README.md from nbs/index.ipynb, without Quarto: python tools/make_readme.py [--check]

Markdown cells as they are, code cells fenced, text outputs in a block below, pictures left out. `#| hide` drops a cell,
`#| echo: false` its code, `#| output: false` its output. Links to site pages become links to the notebooks.
`--check` writes nothing and fails if README.md is stale.
"""
import re, sys
from html import unescape

from nbs import NBS, ROOT, notebooks, read

PAGES = {re.sub(r'(^|/)\d+[a-z]?_', r'\1', p.relative_to(NBS).with_suffix('').as_posix()): p.relative_to(ROOT).as_posix() for p in notebooks()}

def link(m):
    "A link as seen from the top of the repository."
    bang, text, url = m.groups(); page, _, anchor = url.partition('#')
    if page.endswith('.html') and page[:-5] in PAGES: url = PAGES[page[:-5]]
    elif not re.match(r'[a-z]+:|#|/|\.\./', url) and (NBS/page).exists(): url = f'nbs/{url}'
    elif url.startswith('../'): url = url[3:]
    return f'{bang}[{text}]({url})'

def linked(text): return re.sub(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)', link, text)

def output(o):
    "The text of one output, as Markdown; '' for a picture."
    d = o.get('data', {})
    if 'text/markdown' in d: return linked(''.join(d['text/markdown']).strip())
    if 'image/png' in d or o.get('name') == 'stderr': return ''
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

if __name__ == '__main__':
    if not (NBS/'index.ipynb').exists(): sys.exit('nbs/index.ipynb is missing, so there is nothing to make README.md from.')
    path = ROOT/'README.md'; old = path.read_text(encoding='utf-8') if path.exists() else ''
    if '--check' not in sys.argv: path.write_text(readme(), encoding='utf-8'); print(f'wrote {path.name}')
    elif old != readme(): sys.exit('README.md is not what nbs/index.ipynb says; run make readme.')
    else: print('README.md is what nbs/index.ipynb says')
