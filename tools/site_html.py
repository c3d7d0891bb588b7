"""Finishing touches on the rendered pages, and llms.txt. Standard library only."""
import re, tempfile, textwrap
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from check_site import page
from nbs import NBS, notebooks, read

CDN = re.compile(r'<script\b[^>]*src="https://cdnjs\.cloudflare\.com/ajax/libs/'
                 r'(?:jquery|require\.js)/[^>]*></script>'
                 r'|<script[^>]*>define\(\'jquery\'.*?</script>', re.S)
TAG = re.compile(r'(<[^>]+>)')

def text_of(html):
    "The words of a piece of HTML."
    html = re.sub(r'<annotation.*?</annotation>', '', html, flags=re.S)
    return ' '.join(unescape(re.sub(r'<[^>]+>', '', html)).split())

def without_cdn(html):
    "Quarto asks a CDN for the libraries of widgets, which pages without widgets do not need."
    return html if 'application/vnd.jupyter.widget' in html else CDN.sub('', html)

def contents_for_phones(html):
    "The contents of a page once more, folded beneath its title, for screens without a margin."
    nav = r'<nav id="TOC"[^>]*>.*?(<ul.*</ul>)\s*(?:<div class="toc-actions|</nav>)'
    toc = re.search(nav, html, flags=re.S)
    at = html.find('</header>', html.find('id="title-block-header"'))
    if not toc or at < 0 or 'class="toc-phone"' in html: return html
    inner = re.sub(r' (?:id|data-scroll-target|class)="[^"]*"', '', toc[1])
    nav = f'<nav aria-label="Contents of this page">{inner}</nav>'
    box = ('\n<details class="toc-phone"><summary>On this page</summary>\n'
           f'{nav}</details>\n')
    at += len('</header>')
    return html[:at] + box + html[at:]

COLUMNS = re.compile(r'<colgroup>(?:\s*<col style="width: (\d+)%">)+\s*</colgroup>\s*')

def boxed(main):
    "Tables and display equations in boxes of their own, which scroll; columns as wide as their words."
    main = COLUMNS.sub(lambda m: '' if len({*re.findall(r'\d+%', m[0])}) == 1 else m[0], main)
    main = re.sub(r'(<table\b.*?</table>)', r'<div class="wide">\1</div>', main, flags=re.S)
    equation = r'(<math display="block".*?</math>)'
    return re.sub(equation, r'<span class="equation">\1</span>', main, flags=re.S)

NUMBER = re.compile(r'[-+<>≤≥±~=$€]*(?:\d[\d.,:\s±]*(?:e[-+]?\d+)?|nan|inf|none|true|false|-)'
                    r'\s*(?:%|[a-zµ]{1,2}|\[.*\]|\(.*\)|to .*)?', re.I)
CELL = re.compile(r'<(td|th)\b([^>]*)>(.*?)</\1>', re.S)
NAME = 'data-quarto-table-cell-role'

def wordy(texts):
    "A column of words rather than of numbers?"
    said = [t for t in texts if t]
    return bool(said) and sum(not NUMBER.fullmatch(t) for t in said) > .5*len(said)

def marked(cell, kind):
    "A cell with a class."
    return cell if not kind else re.sub(r'<(td|th)\b', rf'<\1 class="{kind}"', cell, count=1)

def lined_up(table):
    "A data frame: names of rows and columns of words to the left, short cells in one line."
    rows = [CELL.findall(r) for r in re.findall(r'<tr\b.*?</tr>', table, flags=re.S)]
    body = [[text_of(c[2]) for c in r if c[0] == 'td' and NAME not in c[1]] for r in rows]
    body = [r for r in body if r]
    n = max(map(len, body), default=0)
    words = [wordy([r[i] for r in body if len(r) == n]) for i in range(n)]
    def row(m):
        cells = [*CELL.finditer(m[0])]
        head = all(c[1] == 'th' for c in cells)
        last = len(cells) - n # what comes before the columns are names of rows
        if 'colspan' in m[0]: return m[0]
        def cell(c):
            i = cells_at[c.start()] - last
            names = i < 0 if head else NAME in c[2]
            return marked(c[0], 'name' if names else 'words' if 0 <= i < n and words[i] else '')
        cells_at = {c.start(): i for i, c in enumerate(cells)}
        return CELL.sub(cell, m[0])
    table = re.sub(r'<tr\b.*?</tr>', row, table, flags=re.S)
    longest = max((len(text_of(c[2])) for r in rows for c in r), default=0)
    return table.replace('class="dataframe', 'class="dataframe brief', 1) if longest <= 36 else table

def data_frames(main):
    frame = r'<table class="dataframe\b.*?</table>'
    return re.sub(frame, lambda m: lined_up(m[0]), main, flags=re.S)

def kinds(main):
    "Tables that a phone sets in its own way: verdicts, and the pages of the book."
    def sub(m):
        t = m[0]
        name = 'verdicts' if re.search(r'<strong class="(?:holds|fails|testable)"', t) else ''
        if 'what it is about</th>' in t: name = 'contents'
        return re.sub(r'<table(?: class="([^"]*)")?', rf'<table class="{name} \1"', t, count=1) if name else t
    return re.sub(r'<table\b.*?</table>', sub, main, flags=re.S)

def coloured(main):
    "The words of verdicts in colours."
    words = r'<strong>(\W?\s*(holds|fails|not testable))</strong>'
    return re.sub(words, lambda m: f'<strong class="{m[2].split()[-1]}">{m[1]}</strong>', main)

AUROC = re.compile(r'<td([^>]*)>((?:&gt;|&lt;)?([01]\.\d{2,3}) \[[^\]<]*\])</td>')

def painted(main):
    "AUROCs with intervals in the colours of the report: purple above a half, orange below."
    def cell(m):
        v = float(m[3])
        rgb, depth = ('110,64,170', .45*(2*v - 1)) if v > .5 else ('230,97,1', .45*(1 - 2*v))
        number, _, interval = m[2].partition(' [')
        return (f'<td class="auroc" style="--paint:rgba({rgb},{depth:.2f})"><b>{number}</b> '
                f'<span>[{interval}</span></td>')
    def table(m):
        around = main[max(0, m.start()-1500):m.start()], m[0][:600], main[m.end():m.end()+700]
        near = text_of(''.join(around))
        return AUROC.sub(cell, m[0]) if 'auroc' in near.lower() else m[0]
    return re.sub(r'<table\b.*?</table>', table, main, flags=re.S)

def unnumbered(main):
    "Captions without `Figure 1:`, which Quarto gives to pictures that have a label, and to no other."
    return re.sub(r'(<figcaption[^>]*>\s*)Figure(?:&nbsp;|\s)\d+: ', r'\1', main)

LONG, HEAD = 24, 12 # lines of an output that is folded, and lines that stay in view

FITS, WIDEST = 106, 150 # characters of an output that fit, and that still fit if they are smaller

def shortened(main):
    "Long outputs show their first lines, the others unfold; wide tables of text are set smaller."
    def sub(m):
        lines = unescape(m[1].rstrip('\n')).split('\n')
        wrapped = [textwrap.wrap(l, FITS) or [''] if len(l) > 4*FITS else [l] for l in lines]
        lines = [escape(l, quote=False) for w in wrapped for l in w]
        if len(lines) <= LONG: return smaller(m[0], lines)
        first, rest = '\n'.join(lines[:HEAD]), '\n'.join(lines[HEAD:])
        more = f'<summary>{len(lines) - HEAD} more lines</summary><pre><code>{rest}</code></pre>'
        return f'<pre><code>{first}</code></pre><details class="more">{more}</details>'
    return re.sub(r'<pre><code>(.*?)</code></pre>', sub, main, flags=re.S)

def smaller(pre, lines):
    "An output whose lines are columns of a table, in letters that let them fit on a desk."
    plain = [unescape(l) for l in lines]
    n = max(map(len, plain))
    tabular = sum(len(re.findall(r'\S {2,}(?=\S)', l)) > 2 for l in plain)
    if not FITS < n <= WIDEST or tabular < 3: return pre
    return pre.replace('<pre>', f'<pre class="fit" style="--fit:{13.5*FITS/n:.1f}px">', 1)

def png_width(path):
    "How many pixels wide a PNG is; 0 if there is no such file."
    head = path.read_bytes()[:24] if path.exists() else b''
    return int.from_bytes(head[16:20], 'big') if head[1:4] == b'PNG' else 0

TINY = 80 # pixels across

def enlarged(main, folder, by=1.3):
    "Pictures that have the pixels for it are shown larger than they were made."
    def sub(m):
        src, width = (re.search(rf'\b{k}="([^"]+)"', m[0]) for k in ('src', 'width'))
        if not src: return m[0]
        if not width and 0 < (w := png_width(folder/unquote(src[1]))) <= TINY: # pixels to look at
            return m[0].replace('<img', f'<img width="{4*w}" style="image-rendering:pixelated"', 1)
        if not width or not width[1].isdigit(): return m[0]
        w = int(width[1])
        if png_width(folder/unquote(src[1])) < 1.9*w: return m[0]
        bare = re.sub(r'\s*\b(?:width|height)="[^"]*"', '', m[0])
        return bare.replace('<img', f'<img width="{round(by*w)}"', 1)
    return re.sub(r'<img\b[^>]*>', sub, main)

def first_sentence(text, most=180):
    "The beginning of a paragraph, up to a full stop or `most` characters."
    text = re.split(r'(?<=[.?!:]) ', text)[0]
    return text if len(text) <= most else text[:most].rsplit(' ', 1)[0] + ' ...'

def words_for_pictures(main):
    """Pictures without a description get their caption, or words of the prose before them.

    The latter are marked with `data-words="prose"`, so that they can be counted."""
    def sub(m):
        if re.search(r'\balt="[^"]+"', m[0]): return m[0]
        before = main[:m.start()]
        heads = re.findall(r'<h[1-4][^>]*>(.*?)</h[1-4]>', before, flags=re.S)
        paras = re.findall(r'<p>(.*?)</p>', before, flags=re.S)
        head = text_of(heads[-1]) if heads else ''
        para = next((t for p in reversed(paras) if len(t := text_of(p)) > 20), '')
        alt = escape(': '.join(filter(None, [head, first_sentence(para)])))
        bare = re.sub(r'\s*alt=""', '', m[0])
        below = re.match(r'\s*</p>\s*<figcaption>(.*?)</figcaption>', main[m.end():], flags=re.S)
        if below: return bare.replace('<img', f'<img alt="{escape(text_of(below[1]))}"', 1)
        return bare.replace('<img', f'<img alt="Figure. {alt}" data-words="prose"', 1)
    return re.sub(r'<img\b[^>]*>', sub, main)

def glossary(docs):
    "Terms and their anchors, the longest first, from the rendered glossary."
    p = docs/'glossary.html'
    if not p.exists(): return []
    found = []
    entry = re.compile(r'<dt><span id="([^"]+)">(.*?)</span>(.*?)</dt>', re.S)
    for m in entry.finditer(p.read_text(encoding='utf-8')):
        also = re.sub(r'<em>.*?</em>', '', m[3])
        names = [text_of(m[2]), *re.findall(r'[^(),]+', text_of(also))]
        found += [(n.strip(), m[1]) for n in names if n.strip()]
    return sorted(found, key=lambda t: -len(t[0]))

def first_uses(main, terms, up):
    "Each term of the glossary linked where a paragraph of the page uses it first."
    if not terms: return main
    by_name = {n.lower(): a for n, a in terms}
    by_case = {n.lower(): n for n, _ in terms}
    names = '|'.join(re.escape(n) for n, _ in terms)
    word = re.compile(rf'(?<![\w-])({names})(?:s|es)?(?![\w-])', re.I)
    done = set()
    def link(m):
        anchor = by_name[m[1].lower()]
        loud = by_case[m[1].lower()].isupper()
        if anchor in done or loud and not m[1].isupper(): return m[0]
        done.add(anchor)
        return f'<a class="term" href="{up}glossary.html#{anchor}">{m[0]}</a>'
    def paragraph(m):
        depth, parts = 0, TAG.split(m[0])
        for i, s in enumerate(parts):
            if s.startswith('<'):
                if re.match(r'<(a|code|math|em|strong)\b', s): depth += 1
                elif re.match(r'</(a|code|math|em|strong)>', s): depth -= 1
            elif not depth: parts[i] = word.sub(link, s)
        return ''.join(parts)
    return re.sub(r'<p>.*?</p>', paragraph, main, flags=re.S)

def plain_labels(html):
    "Labels of links read as the sidebar does, without the markup of their numbers."
    return re.sub(r'\[(\d+)\]\{\.num\} ', r'\1 ', html)

def page_html(html, terms, up, path, name):
    "One page."
    html = plain_labels(without_cdn(html))
    start, end = html.find('<main'), html.find('</main>')
    if start < 0: return html
    main = kinds(coloured(data_frames(painted(html[start:end]))))
    main = unnumbered(shortened(boxed(main)))
    main = words_for_pictures(enlarged(main, path.parent))
    if name not in ('glossary.html', 'api.html', '404.html', 'changelog.html'):
        main = first_uses(main, terms, up)
    return contents_for_phones(html[:start] + main + html[end:])

def llms(docs):
    "llms.txt: what the site holds, for readers that are programs."
    from docs import config, flat, settings
    s = settings()
    host = s['doc_host'] + s['doc_baseurl']
    res = [f"# {s['title']}", '', f"> {s['description']}", '',
           f"Every page is a notebook ({s['git_url']}/tree/main/nbs); most export a module.", '']
    for o in config()['website']['sidebar']['contents']:
        if isinstance(o, dict): res += ['', f"## {o['section']}", '']
        for name in flat([o]):
            head = next(c.src for c in read(NBS/name)[:2] if c.src.startswith('# '))
            title, about = re.match(r'# (.+?)\s*\n+> (.+)', head).groups()
            res.append(f'- [{title}]({host}/{page(NBS/name)}.html): {about}')
    more = [('All names', 'api', 'every public function and class, one line each'),
            ('Glossary', 'glossary', 'the words of the field'),
            ('Bibliography', 'bibliography', 'papers, and where each is used'),
            ('Changelog', 'changelog', 'what changed')]
    res += ['', '## Reference', '', *(f'- [{t}]({host}/{p}.html): {a}' for t, p, a in more)]
    (docs/'llms.txt').write_text('\n'.join(res) + '\n', encoding='utf-8')

def finish(docs):
    "Every page of the rendered site."
    docs = Path(docs)
    terms = glossary(docs)
    for p in docs.rglob('*.html'):
        if 'site_libs' in p.parts: continue
        name = p.relative_to(docs).as_posix()
        html = p.read_text(encoding='utf-8')
        new = page_html(html, terms, '../'*name.count('/'), p, name)
        p.write_text(new, encoding='utf-8')
    llms(docs)
    (docs/'.nojekyll').touch()

def selftest():
    "Long outputs fold, pictures with the pixels for it grow, and nothing else changes."
    long = '\n'.join(map(str, range(LONG + 1)))
    got = shortened(f'<pre><code>{long}</code></pre><pre><code>1\n2</code></pre>')
    assert f'<summary>{LONG + 1 - HEAD} more lines' in got and '<pre><code>1\n2</code></pre>' in got
    assert unnumbered('<figcaption>\nFigure&nbsp;2: A.') == '<figcaption>\nA.'
    wide = '\n'.join(['name    a    b    ' + 'c'*110]*3)
    assert 'class="fit" style="--fit:11.2px"' in shortened(f'<pre><code>{wide}</code></pre>')
    one_line = ' '.join(map(str, range(2000)))
    assert 'more lines' in shortened(f'<pre><code>{one_line}</code></pre>')
    role, td = f'<td {NAME}="th">a</td>', '<td>{}</td>'.format
    rows = ''.join(f'<tr>{role}{td(v)}{td(t)}</tr>' for v, t in (('1.5', 'x y'), ('-2', 'z')))
    head = '<tr><th></th><th>n</th><th>what</th></tr>'
    got = lined_up(f'<table class="dataframe">{head}{rows}</table>')
    assert got.count('class="words"') == 3 and got.count('class="name"') == 3, got
    assert '<td>1.5</td>' in got and 'dataframe brief' in got, got
    equal = '<colgroup>\n<col style="width: 50%">\n<col style="width: 50%">\n</colgroup>\n'
    uneven = equal.replace('50', '70', 1)
    assert boxed(f'<table>{equal}</table><table>{uneven}</table>').count('<colgroup>') == 1
    assert coloured('<strong>✗ fails</strong>') == '<strong class="fails">✗ fails</strong>'
    assert coloured('<strong>- not testable</strong>').startswith('<strong class="testable">')
    verdict = coloured('<table class="small"><td><strong>holds</strong></td></table>')
    assert '<table class="verdicts small">' in kinds(verdict) and kinds(equal) == equal
    with tempfile.TemporaryDirectory() as d:
        head = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR'
        for name, w in (('a', 800), ('b', 400)):
            (Path(d)/f'{name}.png').write_bytes(head + w.to_bytes(4, 'big') + bytes(4))
        one = '<img src="b.png" width="400">'
        got = enlarged('<img src="a.png" width="400" height="2">' + one, Path(d))
        assert got == '<img width="520" src="a.png">' + one, got
