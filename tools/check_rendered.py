#!/usr/bin/env python3
"""Faults of the rendered site: python tools/check_rendered.py [_docs] [--only PATTERN]

    python -m venv /tmp/pw && /tmp/pw/bin/pip install playwright axe-playwright-python
    /tmp/pw/bin/python tools/check_rendered.py _docs [--chromium /usr/bin/chromium]

Without a browser (--no-browser): links and anchors that lead nowhere, pictures without words,
Markdown that was not rendered, what is loaded from elsewhere, sizes, and pages that a reader does
not reach in two clicks. With one (Playwright and a Chromium, neither of them part of the project),
for every page: errors on the console, pages that scroll sideways on a phone, code that is cut off,
and what axe calls critical or serious, in light and in dark (--no-axe: not that). The table counts
faults and pages; exit code 1 if there is any.
"""
import argparse, functools, html, http.server, re, shutil, statistics, sys, tempfile, threading, time
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import unquote

PAGE_MAX, MEDIAN_MAX = 1_500_000, 350_000
FLAGS = ('--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync').split()
GOALS = ('tutorials/your_own_photos.html', 'detector.html', 'api.html', 'repro/verdicts.html',
         'glossary.html')
SEEN = ('too far', 'broken link', 'picture without words', 'raw Markdown', 'loaded from elsewhere',
        'too large')
BROWSED = ('console', 'sideways at 390', 'code cut off', 'axe, light', 'axe, dark')

def pages_of(docs):
    "The pages of the site."
    return [p for p in sorted(Path(docs).rglob('*.html')) if 'site_libs' not in p.parts]

def targets(text):
    "Links of a page to files, and the names that others may link to."
    hrefs = re.findall(r'<(?:a|img|script|link)\b[^>]*?\b(?:href|src)="([^"]+)"', text)
    local = [unquote(html.unescape(h)) for h in hrefs if not re.match(r'[a-z]+:|//|#$', h)]
    return local, {*map(html.unescape, re.findall(r'\bid="([^"]+)"', text))}

def broken_links(docs):
    "Links that lead nowhere, each as a sentence."
    docs = Path(docs).resolve()
    pages = {p: targets(p.read_text(encoding='utf-8')) for p in pages_of(docs)}
    for p, (hrefs, _) in pages.items():
        for h in dict.fromkeys(hrefs):
            file, _, anchor = h.partition('#')
            file = file.partition('?')[0]
            if p.name == '404.html': file = re.sub(r'^/[^/]+/|^/', '/', file)
            base = docs if file.startswith('/') else p.parent
            to = (base/file.lstrip('/')).resolve() if file else p
            if to.is_dir(): to = to/'index.html'
            if not to.exists(): yield f'{p.relative_to(docs)}: no file {h}'
            elif anchor and to in pages and anchor not in pages[to][1]:
                yield f'{p.relative_to(docs)}: no place {h}'

def prose(text):
    "The words of a page's main part that are not code, equation or script."
    main = text[text.find('<main'):text.find('</main>')]
    for tag in ('script', 'style', 'pre', 'code', 'math', 'svg', 'textarea'):
        main = re.sub(rf'<{tag}\b.*?</{tag}>', ' ', main, flags=re.S)
    lines = re.split(r'</?(?:p|div|li|td|th|h\d|section|figcaption|tr|dd|dt)\b[^>]*>', main)
    return [html.unescape(re.sub(r'<[^>]+>', '', l)).strip() for l in lines]

RAW = re.compile(r'\]\((?:https?:|#|[\w./-]+\.\w+[)#])|\*\*\S|^#{1,6} |^:::|\{#[\w.-]+|\{\.[\w-]+|^\|.*\|$|(?<!\w)`[^`]+`'
                 r'|\$[^$]*\\[a-z]+[^$]*\$|\\(?:frac|log|sum|sqrt)\b')

def read_page(p, docs):
    "Faults of one page that can be read off: pairs `(kind, sentence)`."
    text, name = p.read_text(encoding='utf-8'), p.relative_to(docs)
    for img in re.findall(r'<img\b[^>]*>', text):
        if not re.search(r'\balt="[^"]+"', img):
            yield 'picture without words', f'{name}: {img[:60]}'
    for l in prose(text):
        if RAW.search(l): yield 'raw Markdown', f'{name}: {l[:110]}'
    for block in re.findall(r'<pre\b[^>]*>(.*?)</pre>', text, flags=re.S):
        plain = html.unescape(re.sub(r'<[^>]+>', '', block))
        for m in re.finditer(r'`\]\(https?:|^#{2,} |\{target=', plain, flags=re.M):
            near = plain[max(0, m.start()-40):m.end()+30]
            yield 'raw Markdown', f'{name}, in code: {near!r}'
    foreign = r'<(?:script|link)\b[^>]*?\b(?:src|href)="((?:https?:)?//[^"]+)"[^>]*>'
    for src in re.findall(foreign, text):
        if 'flowood' not in src: yield 'loaded from elsewhere', f'{name}: {src[:100]}'
    size = weight(p, text)
    if size > PAGE_MAX: yield 'too large', f'{name}: {size:,} bytes'

def weight(p, text=None):
    "Bytes of a page and of its own pictures, without what all pages share."
    text = text or p.read_text(encoding='utf-8')
    pictures = re.findall(r'<img\b[^>]*?src="([^":]+)"', text)
    files = {(p.parent/unquote(s)).resolve() for s in pictures}
    return p.stat().st_size + sum(f.stat().st_size for f in files if f.exists())

def graph(docs):
    "Which pages each page links to."
    docs = Path(docs).resolve()
    there = {*pages_of(docs)}
    res = {}
    for p in there:
        hrefs = re.findall(r'<a\b[^>]*?\bhref="([^"#?]+)', p.read_text(encoding='utf-8'))
        local = [unquote(h) for h in hrefs if not re.match(r'[a-z]+:', h)]
        res[p] = {(p.parent/h).resolve() for h in local} & there
    return res

def clicks(links, start, goal):
    "How many clicks lead from a page to another; None if none do."
    seen, now, n = {start}, {start}, 0
    while now and goal not in seen:
        now, n = {q for p in now for q in links[p]} - seen, n + 1
        seen |= now
    return n if goal in seen else None

def paths(docs):
    "For each goal: clicks from the start, and the page from which it takes most, with the number."
    links, docs = graph(docs), Path(docs).resolve()
    starts = [p for p in sorted(links) if p.name != '404.html']
    for goal in GOALS:
        to = docs/goal
        n = {p.relative_to(docs).as_posix(): clicks(links, p, to) for p in starts if p != to}
        far = max(n, key=lambda k: 99 if n[k] is None else n[k], default='')
        yield goal, n.get('index.html'), far, n.get(far)

def too_far(docs):
    "What a reader needs and cannot reach in two clicks, from the start or from any page."
    for goal, _, far, n in paths(docs):
        if not (Path(docs)/goal).exists(): yield f'{goal} is not there'
        elif n is None or n > 2: yield f'{goal}: {"no way" if n is None else f"{n} clicks"} from {far}'

def serve(docs):
    "The site on a free port of this machine; modules do not load from files."
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
        def translate_path(self, path): # 404.html says /flowood/..., where the site lives on Pages
            file = super().translate_path(path)
            if Path(file).exists(): return file
            return super().translate_path(re.sub(r'^/[^/]+/', '/', path))
    here = functools.partial(Quiet, directory=str(docs))
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), here)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}'

CUT = '''() => [...document.querySelectorAll('main pre, main div.sourceCode')]
  .filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 2)
  .map(e => e.innerText.slice(0, 60))'''

def quiet(browser, width, theme):
    "A window that asks nobody but this machine."
    c = browser.new_context(viewport=dict(width=width, height=900), color_scheme=theme)
    scheme = 'alternate' if theme == 'dark' else 'default'
    c.add_init_script(f"localStorage.setItem('quarto-color-scheme', '{scheme}')")
    c.route(lambda u: not u.startswith(('http://127.0.0.1', 'data:')), lambda r: r.abort())
    c.set_default_timeout(300_000) # a busy machine is no fault of the page
    return c.new_page()

def axe_faults(page, axe, rules=''):
    "What axe calls critical or serious: `(rule, how many, an example)`."
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {{resultTypes: ['violations']{rules}}})")
    for v in found['violations']:
        if v['impact'] in ('critical', 'serious'):
            yield v['id'], len(v['nodes']), v['nodes'][0]['html'][:110]

def browse(docs, pages, chromium, axe):
    "Faults that only a browser sees; a line for each page goes to standard error."
    from playwright.sync_api import sync_playwright
    found = []
    def fault(kind, sentence): found.append((kind, sentence))
    url = serve(docs)
    with sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=chromium, args=FLAGS)
        kinds = (1280, 'light'), (1280, 'dark'), (390, 'light')
        desk, night, phone = (quiet(browser, *k) for k in kinds)
        said = []
        for w in (desk, phone):
            w.on('console', lambda m: said.append(m.text) if m.type == 'error' else None)
            w.on('pageerror', lambda e: said.append(str(e)))
        for p in pages:
            name = p.relative_to(docs).as_posix()
            said.clear()
            began, before = time.time(), len(found)
            for w, theme in ((desk, 'light'), (night, 'dark'), (phone, None)):
                if w is night and not axe: continue
                try: w.goto(f'{url}/{name}')
                except Exception as e:
                    fault('console', f'{name}: does not load, {str(e).splitlines()[0]}')
                    continue
                w.wait_for_timeout(250)
                where = f'{name}, {"phone" if w is phone else "desk"}'
                cut = [] if w is night else w.evaluate(CUT)
                for l in cut: fault('code cut off', f'{where}: {l!r}')
                if theme and axe: # dark differs from light in its colours only
                    rules = ", runOnly: ['color-contrast']" if theme == 'dark' else ''
                    for rule, n, example in axe_faults(w, axe, rules):
                        fault(f'axe, {theme}', f'{name}: {rule}, {n} times, {example}')
            over = phone.evaluate('document.documentElement.scrollWidth - innerWidth')
            if over > 0: fault('sideways at 390', f'{name}: {over} pixels')
            for s in said: fault('console', f'{name}: {s[:150]}')
            n, seconds = len(found) - before, time.time() - began
            print(f'{name:40}{n:3} faults {seconds:6.1f} s', file=sys.stderr, flush=True)
        browser.close()
    return found

LEADS = """to => [...document.querySelectorAll('a[href]')].findIndex(a => a.offsetParent &&
  a.getBoundingClientRect().width > 0 && a.href.split(/[?#]/)[0] === to)"""
MENU = '.navbar-toggler, .quarto-btn-toggle'

def follow(page, to):
    "Click a link to the address that can be seen, after the menu if need be; clicks, or None."
    n = 0
    for menu in (None, *page.query_selector_all(MENU)):
        if menu and not menu.is_visible(): continue
        if menu:
            menu.click()
            page.wait_for_timeout(600) # it slides
            n += 1
        i = page.evaluate(LEADS, to)
        if i < 0: continue
        page.query_selector_all('a[href]')[i].click()
        page.wait_for_url(re.compile(re.escape(to) + r'(?:[?#].*)?$'), wait_until='domcontentloaded')
        return n + 1

def walks(docs, chromium):
    "A reader's ways, walked in a browser: `(width, from, to, clicks or None)`."
    from playwright.sync_api import sync_playwright
    url = serve(docs)
    after = re.search(r'class="nav-page nav-page-next".*?href="([^"]+)"',
                      (Path(docs)/'index.html').read_text(encoding='utf-8'), flags=re.S)
    goals = [*GOALS, after[1].removeprefix('./') if after else 'no next page']
    with sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=chromium, args=FLAGS)
        for width in (1280, 390):
            page = quiet(browser, width, 'light')
            for goal in dict.fromkeys(goals):
                page.goto(f'{url}/index.html', wait_until='domcontentloaded')
                yield width, 'index.html', goal, follow(page, f'{url}/{goal}')
        browser.close()

def browser_missing(axe):
    "What is missing for the second half, as a sentence; '' if nothing is."
    try: import playwright
    except ImportError:
        return ('Playwright is not installed, so nothing that needs a browser was checked; '
                'the first lines of tools/check_rendered.py say how to install it.')
    if axe: return ''
    return 'axe.min.js was not found; pip install axe-playwright-python, or name it with --axe.'

def find_axe(path):
    "The file axe.min.js: as named, or from the Python package that brings it."
    if path: return Path(path)
    try: import axe_playwright_python
    except ImportError: return
    return next(Path(axe_playwright_python.__file__).parent.rglob('axe.min.js'), None)

FAULTY = '''<html><body><main><h2 id="a">A</h2>
<p>See [it](b.html) and <a href="b.html#no">b</a>, <a href="gone.html">c</a>.</p>
<img src="x.png"><script src="https://cdn.example.org/x.js"></script></main></body></html>'''

def selftest():
    "Every fault that can be read is found, and a good page has none."
    with tempfile.TemporaryDirectory() as d:
        docs = Path(d).resolve()
        fine = '<p id="x">Fine, <code>[1](2)</code>.</p><img alt="a curve" src="x.png">'
        (docs/'b.html').write_text(f'<main>{fine}</main>', encoding='utf-8')
        (docs/'x.png').touch()
        assert [*broken_links(docs), *read_page(docs/'b.html', docs)] == []
        (docs/'a.html').write_text(FAULTY, encoding='utf-8')
        assert len([*broken_links(docs)]) == 2, [*broken_links(docs)]
        kinds = Counter(k for k, _ in read_page(docs/'a.html', docs))
        wanted = 'picture without words', 'raw Markdown', 'loaded from elsewhere'
        assert kinds == dict.fromkeys(wanted, 1), kinds

def arguments():
    raw = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    p.add_argument('docs', nargs='?', default='_docs', help='folder of the rendered site')
    p.add_argument('--only', default='', help='pages whose names match this pattern')
    p.add_argument('--no-browser', action='store_true', help='only what can be read')
    p.add_argument('--no-axe', action='store_true', help='no accessibility, which takes longest')
    p.add_argument('--paths', action='store_true',
                   help="nothing but a reader's ways from the start, clicked in the browser")
    p.add_argument('--chromium', default=shutil.which('chromium'),
                   help='the browser; else that of Playwright')
    p.add_argument('--axe', help='axe.min.js')
    p.add_argument('--show', type=int, default=8, help='faults of each kind to print')
    return p.parse_args()

def main():
    a = arguments()
    docs = Path(a.docs).resolve()
    pages = [p for p in pages_of(docs) if re.search(a.only, p.relative_to(docs).as_posix())]
    if not pages:
        sys.exit(f'{docs} holds no such pages; run make docs first, or name the right folder.')
    if a.paths:
        ways = [*walks(docs, a.chromium)]
        for width, start, goal, n in ways: print(f'{width:5} pixels, {start} to {goal}: {n} clicks')
        return any(n is None or n > 2 for *_, n in ways)
    found = defaultdict(list)
    for l in broken_links(docs):
        if re.search(a.only, l.partition(':')[0]): found['broken link'].append(l)
    found['too far'] = [] if a.only else [*too_far(docs)]
    for p in pages:
        for kind, l in read_page(p, docs): found[kind].append(l)
    axe = find_axe(a.axe)
    why = '--no-browser' if a.no_browser else browser_missing(axe)
    kinds = [*SEEN, *([] if why else BROWSED[:3] if a.no_axe else BROWSED)]
    if not why:
        script = None if a.no_axe else axe.read_text(encoding='utf-8')
        for kind, l in browse(docs, pages, a.chromium, script): found[kind].append(l)
    sizes = [weight(p) for p in pages]
    middle = statistics.median(sizes)
    if not a.only and middle > MEDIAN_MAX:
        found['too large'].append(f'the median page has {middle:,.0f} bytes')
    for kind in kinds:
        lines, more = found[kind][:a.show], ['...'] if len(found[kind]) > a.show else []
        if lines: print(f'\n{kind}:', *lines, *more, sep='\n  ')
    print(f'\n{len(pages)} pages, median {middle/1000:,.0f} kB, largest {max(sizes)/1000:,.0f} kB')
    borrowed = [p.read_text(encoding='utf-8').count('data-words="prose"') for p in pages]
    print(f'{sum(borrowed)} pictures on {sum(map(bool, borrowed))} pages are described by the '
          'prose around them, not by words of their own')
    if not a.only:
        ways = [f'{g} {n} (at most {m})' for g, n, _, m in paths(docs)]
        print('clicks from the start (from any page):', ', '.join(ways))
    for kind in kinds:
        where = Counter(re.split('[:,]', l)[0] for l in found[kind])
        print(f'{kind:24}{len(found[kind]):6} on {len(where):3} pages')
    if why: print(why)
    return any(found[k] for k in kinds)

if __name__ == '__main__': sys.exit(main())
