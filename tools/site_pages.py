"""Pages of the site that are made by code: names, bibliography, changelog, contributing, 404."""
import re
from collections import Counter
from itertools import groupby

from check_site import page
from nbs import NBS, ROOT, notebooks, read
from pages import Symbol, front, opening, symbols

PAGES = [('All names', 'api.qmd'), ('Glossary', 'glossary.qmd'),
         ('Bibliography', 'bibliography.qmd'), ('Changelog', 'changelog.qmd'),
         ('Contributing', 'contributing.qmd')]
HOST = 'https://flowood.github.io/flowood'

def head(title, description): return front(title, description)['source'] + '\n\n'

def safe(text):
    "A docstring as Markdown: nothing in it is markup but code in backticks."
    parts = re.split(r'(`[^`]+`)', text)
    markup = re.compile(r'([\\*_<>|\[\]$@^~#])')
    return ''.join(p if p.startswith('`') else markup.sub(r'\\\1', p) for p in parts)

def entry(s):
    "A name, what it is, and its methods, as an item of a definition list."
    lines = [f'`.{m}`: {safe(d)}' for m, d in s.methods if d]
    bare = ', '.join(f'`.{m}`' for m, d in s.methods if not d)
    methods = ''.join(f'\n    - {l}' for l in [*lines, bare] if l)
    return f'[`{s.name}`]({s.page}.html#{s.anchor})\n\n:   {safe(s.doc)}\n{methods}\n'

def api():
    "Every public name of the library, one line each, by module."
    found = [*symbols()]
    kinds = Counter(s.kind for s in found)
    said = (f"{kinds['class']} classes and {kinds['function']} functions, in reading order. A name "
            'leads to the page that derives, tests and shows it. Search (the lens above, or the '
            'key `/`) finds them too.\n')
    about = 'Every public function and class, one line each, with the methods of the classes.'
    res = [head('All names', about), said]
    titles = {page(p): opening(read(p))[1] for p in notebooks()}
    for (module, where), group in groupby(found, key=lambda s: (s.module, s.page)):
        there = f'[{titles[where]}]({where}.html)'
        res.append(f'\n## flowood.{module}\n\n{there}\n\n::: {{.api-index}}\n')
        res += map(entry, group)
        res.append(':::\n')
    return '\n'.join(res)

def cited(first, year, texts):
    "Pages that mention a paper by the name of its first author and its year."
    name = re.compile(rf'\b{re.escape(first)}\b[^.;()\n]{{0,30}}(?:et al\.)?,? ?\(?{year}')
    return [(where, title) for where, title, text in texts if name.search(text)]

def bibliography(source):
    "The list of papers, each with the pages that cite it."
    texts = []
    for p in notebooks():
        cells = read(p)
        text = '\n'.join(c.src for c in cells if c.kind == 'markdown')
        texts.append((page(p), (opening(cells)[1] or 'Start').split(' (')[0], text))
    def add(m):
        on = cited(m[1], m[2], texts)
        said = ', '.join(f'[{title}]({where}.html)' for where, title in on)
        return m[0] + (f' *On: {said}.*' if on else '')
    return re.sub(r'^- ([^\W\d_][\w\'-]+)\b.*?\((\d{4})\).*$', add, source, flags=re.M)

def changelog():
    text = (ROOT/'CHANGELOG.md').read_text(encoding='utf-8')
    body = re.sub(r'\A# .*\n', '', text)
    return head('Changelog', 'All changes that a user can notice.') + body

def at_repository(m):
    "A link of a file at the top of the repository, as the site has it."
    text, url = m.groups()
    if re.match(r'[a-z]+:|#', url): return m[0]
    path = ROOT/url.partition('#')[0]
    if path.suffix == '.ipynb' and NBS in path.parents: return f'[{text}]({page(path)}.html)'
    return f'[{text}](https://github.com/flowood/flowood/blob/main/{url})'

def contributing():
    text = (ROOT/'CONTRIBUTING.md').read_text(encoding='utf-8')
    text = re.sub(r'\[([^\]]*)\]\(([^)\s]+)\)', at_repository, re.sub(r'\A# .*\n', '', text))
    return head('Contributing', 'How a page, a flow or a score joins the book.') + text

def not_found():
    said = ('The page that you asked for has moved, or never was. This is not a matter of '
            'likelihood.\n\n'
            '- [Start](/index.html)\n- [All names](/api.html)\n- [Glossary](/glossary.html)\n')
    return head('Out of distribution', 'There is no page at this address.') + said

def write_all(to):
    "Write the pages into the folder that Quarto reads."
    made = {'api.qmd': api(), 'changelog.qmd': changelog(),
            'contributing.qmd': contributing(), '404.qmd': not_found()}
    for name, text in made.items(): (to/name).write_text(text, encoding='utf-8')
    p = to/'bibliography.qmd'
    if p.exists(): p.write_text(bibliography(p.read_text(encoding='utf-8')), encoding='utf-8')

def selftest():
    "Methods that say something have a line each, bare ones share the last."
    methods = [('a', 'Does *a*.'), ('b', ''), ('c', '')]
    got = entry(Symbol('A', 'class', 'Doc.', 'page', 'module', 'a', methods))
    assert got.endswith('\n    - `.a`: Does \\*a\\*.\n    - `.b`, `.c`\n'), got
    assert '- ' not in entry(Symbol('f', 'function', 'Doc.', 'page', 'module', 'f'))
