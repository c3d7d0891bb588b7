#!/usr/bin/env python3
"""Drive the explorers in a real browser, as a person would, with the keyboard alone.

    python -m venv /tmp/pw && /tmp/pw/bin/pip install playwright   # outside the repository
    .venv/bin/python tools/drive_explorer.py --playwright /tmp/pw/bin/python \\
        [--chromium /usr/bin/chromium] [--shots DIR] [--only page lab live] [--site _docs]

page: every explorer that a notebook holds, on a page made of its stored output, with no kernel
      anywhere: 1280 and 390 pixels wide, light and dark. `--site` takes rendered pages instead.
      Moves every control to the last of its positions or by three, and looks whether what is shown
      changes; clicks on points that lead to pictures; then looks once more with scripts off.
lab:  the explorers that nbs/54_widgets.ipynb stores in nbs/explorers, made again from their frames
      and shown as widgets in JupyterLab: moved with the kernel running, and once more after it
      has been shut down.
live: `explore` of nbs/22_interpret.ipynb in JupyterLab, which asks the kernel for each picture.

The last line is `explorers: N moves, N changed, N errors on the console`; exit code 1 if a move
changes nothing or there is an error. Not part of `make test`: it needs Playwright and a Chromium
(Debian: apt-get install chromium).
"""
import argparse, json, os, re, signal, socket, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

from check_rendered import serve as serve_site
from nbs import NBS, ROOT, notebooks, read

MARK = re.compile(r'class="flowood-explorer[^"]*" id="fx-')
FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
THEMES = dict(light='#fff; --ink: #1b2430; --quiet: #566273; --line: #dde3ea',
              dark='#12171e; --ink: #dbe2ea; --quiet: #9aa7b6; --line: #2b3542; --id: #56b4e9; '
                   '--ood: #ff9a4d')

# ---- what is driven

def stored():
    "The explorers that notebooks hold: pairs of a name and HTML."
    for p in notebooks():
        n = 0
        for c in read(p):
            for o in c.outputs:
                html = ''.join(o.get('data', {}).get('text/html', ''))
                if MARK.search(html):
                    n += 1
                    yield f'{p.stem}-{n}', html

def bare_page(html, theme):
    "One explorer on a page of the site's colours."
    paper = THEMES[theme]
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>explorer</title>'
            '<meta name="viewport" content="width=device-width">'
            f'<style>:root {{ --paper: {paper}; color-scheme: {theme} }} body {{ margin: 1rem; '
            f'background: var(--paper); color: var(--ink) }}</style><main>{html}</main></html>')

AGAIN = '''import base64, html, json, re, zlib
from pathlib import Path
from flowood.widgets import Explorer, Panel

def again(page):
    "The explorer of a page, with its frames."
    packed = re.search(r'type="text/plain">([^<]+)<', page)[1]
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    found = re.findall(r'<label><span>(.*?)</span><(select|input)(.*?)</label>', page)
    labels = dict(zip((html.unescape(n) for n, *_ in found), data['labels']))
    start = [re.search(r'value="(\\d+)"' + ' selected'*(kind == 'select'), rest)[1]
             for _, kind, rest in found]
    def panel(i, of, frames):
        of = [list(labels)[j] for j in of]
        kind = re.search(rf'class="fx-panel([^"]*)" data-panel="{i}"', page)[1]
        def draw(*at):
            k = 0
            for name, a in zip(of, at): k = k*len(labels[name]) + a
            return frames[k]
        return Panel(tuple(of), draw, 'fx-over' in kind, 'fx-said' in kind)
    panels = [panel(i, *o) for i, o in enumerate(zip(data['of'], data['frames']))]
    chosen = {n for n, (_, kind, _) in zip(labels, found) if kind == 'select'}
    choices, sliders = ({k: v for k, v in labels.items() if (k in chosen) == own}
                        for own in (True, False))
    caption = html.unescape(re.search('<figcaption>(.*?)<noscript>', page)[1])
    start = dict(zip(labels, map(int, start)))
    made = Explorer('a stored page', caption, panels, choices, sliders, start)
    assert made.html() == page.strip(), 'the page was made by another version'
    return made'''
MADE = 'all explorers are made'

def notebook(path, cells):
    "Write a notebook of cells of code."
    def cell(i, s): return dict(cell_type='code', id=f'c{i}', metadata={}, source=s, outputs=[],
                                execution_count=None)
    spec = dict(kernelspec=dict(display_name='Python 3', language='python', name='python3'))
    nb = dict(cells=[cell(*c) for c in enumerate(cells)], metadata=spec, nbformat=4,
              nbformat_minor=5)
    Path(path).write_text(json.dumps(nb), encoding='utf-8')

def lab_notebook(folder):
    "A notebook that makes widgets of the explorers of nbs/explorers; its path."
    pages = [str(p) for p in sorted((NBS/'explorers').glob('*.html'))]
    cells = [f'again(Path({p!r}).read_text(encoding="utf-8"))' for p in pages]
    notebook(f'{folder}/drive.ipynb', [AGAIN, *cells, f'print({MADE!r})'])
    return 'drive.ipynb'

LIVE = ['''from flowood.data import load, on_disk, to_nchw
from flowood.flows.models import load_flow
from flowood.interpret import explore
real = on_disk('FashionMNIST', 'MNIST')
names = ('FashionMNIST', 'MNIST') if real else ('glyphs', 'digits')
sets = {k: to_nchw(load(k, 'test', size=28)[0][:50]) for k in names}''',
        "explore(load_flow('interpret-realnvp'), sets)"]

def live_notebook(folder):
    "Two cells that call `explore` on a stored flow; the path."
    notebook(f'{folder}/live.ipynb', LIVE)
    return 'live.ipynb'

def serve(folder):
    "JupyterLab on a free port of this machine: the process, its address and its token."
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    token, url = os.urandom(12).hex(), f'http://127.0.0.1:{port}'
    cmd = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--port={port}',
           f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={folder}',
           '--LabApp.news_url=',
           '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate']
    env = dict(os.environ, PYTHONPATH=str(ROOT), JUPYTERLAB_SETTINGS_DIR=f'{folder}/settings')
    tracker = Path(folder, 'settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings')
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}') # cells out of sight are there, too
    p = subprocess.Popen(cmd, stdout=open(f'{folder}/server.log', 'w'), stderr=subprocess.STDOUT,
                         env=env, start_new_session=True)
    for _ in range(600):
        try:
            urllib.request.urlopen(f'{url}/api?token={token}', timeout=2)
            return p, url, token
        except OSError: time.sleep(.5)
    os.killpg(p.pid, signal.SIGTERM)
    sys.exit(f'JupyterLab did not start; see {folder}/server.log')

# ---- what the browser does; run by the Python that has Playwright

class Count:
    "Moves, those that changed what is shown, and errors."
    def __init__(self): self.moves, self.changed, self.errors, self.sideways = 0, 0, [], 0
    def move(self, did): self.moves, self.changed = self.moves + 1, self.changed + did
    def listen(self, page):
        page.on('console', lambda m: self.errors.append(m.text) if m.type == 'error' else None)
        page.on('pageerror', lambda e: self.errors.append(str(e)))

SHOWN = "e => [...e.querySelectorAll('.fx-panel')].map(p => p.innerHTML).join('|')"

ALIGNED = '''e => [...e.querySelectorAll('.fx-stack, .widget-gridbox')].every(g => {
  const drawn = [...g.querySelectorAll('svg')].filter(s => s.getClientRects().length);
  const [first, ...rest] = drawn.map(s => s.getBoundingClientRect());
  return rest.every(b => ['x', 'y', 'width'].every(k => Math.abs(b[k] - first[k]) < 1));
})'''

def tab_to(page, control, most=80):
    "Whether the keyboard reaches a control."
    for _ in range(most):
        if control.evaluate('c => c === document.activeElement'): return True
        page.keyboard.press('Tab')
    return False

def drive_figure(page, figure, count):
    "Move every control of one explorer; what was done, in words."
    said = []
    figure.evaluate('e => { e.tabIndex = -1; e.focus() }') # far down a page are many links before it
    for c in figure.locator('.fx-controls select, .fx-controls input').all():
        if not tab_to(page, c): said.append('a control that Tab does not reach')
        slider, before = c.get_attribute('type') == 'range', count.changed
        keys = ['Home', *['ArrowRight']*3, 'End'] if slider else ['ArrowDown']*3
        done = 0
        for key in keys:
            was, at = figure.evaluate(SHOWN), c.input_value()
            page.keyboard.press(key)
            page.wait_for_timeout(60)
            if c.input_value() == at: continue # it was there already
            done += 1
            count.move(figure.evaluate(SHOWN) != was)
        label = c.evaluate("c => c.closest('label').querySelector('span').textContent")
        said.append(f'{label} {count.changed - before}/{done}')
    if not figure.evaluate(ALIGNED): count.errors.append('a panel is not where it should lie')
    points = figure.locator('[data-go]')
    if points.count():
        was = figure.evaluate(SHOWN)
        points.first.click(force=True)
        count.move(figure.evaluate(SHOWN) != was)
        said.append(f'a point clicked: {"changed" if figure.evaluate(SHOWN) != was else "NOTHING"}')
    return ', '.join(said)

def drive_pages(browser, files, shots, count):
    "Every page at two widths, in two themes."
    for name, url in files:
        for width, theme in ((1280, 'light'), (1280, 'dark'), (390, 'light'), (390, 'dark')):
            page = browser.new_page(viewport=dict(width=width, height=900), color_scheme=theme)
            scheme = 'alternate' if theme == 'dark' else 'default'
            page.add_init_script(f"localStorage.setItem('quarto-color-scheme', '{scheme}')")
            page.set_default_timeout(300_000) # a busy machine is no fault of the page
            page.route(re.compile(r'^https?://(?!127\.0\.0\.1)'), lambda r: r.abort()) # a reader without a network
            count.listen(page)
            page.goto(url.replace('THEME', theme), wait_until='domcontentloaded')
            figures = page.locator('.flowood-explorer')
            page.locator('.flowood-explorer[data-on]').first.wait_for()
            page.wait_for_timeout(300)
            done = [drive_figure(page, f, count) for f in figures.all()] if theme == 'light' else []
            wide = page.evaluate('document.documentElement.scrollWidth') > width
            count.sideways += wide
            print(f'{name}, {width}, {theme}: {"; ".join(done) or "looked at"}'
                  + ', SCROLLS SIDEWAYS'*wide)
            if shots:
                for i, f in enumerate(figures.all()):
                    f.screenshot(path=f'{shots}/{name}-{i}-{width}-{theme}.png')
            page.close()

def without_scripts(browser, files, shots):
    "What remains where scripts are off: a drawing, no dead controls, and a word about it."
    context, bad = browser.new_context(java_script_enabled=False), 0
    for name, url in files:
        page = context.new_page()
        page.goto(url.replace('THEME', 'light'))
        drawn = page.locator('.flowood-explorer .fx-panel').first.is_visible()
        controls = page.locator('.fx-controls').first.is_visible()
        said = 'still picture' in page.locator('.flowood-explorer figcaption').first.inner_text()
        if shots: page.screenshot(path=f'{shots}/{name}-still.png')
        if not drawn or controls or not said:
            bad += 1
            print(f'{name} without scripts: drawing {drawn}, controls {controls}, words {said}')
        page.close()
    print(f'without scripts: {len(files) - bad} of {len(files)} are a captioned still picture')
    return bad

def asked(url, path, method='GET'):
    "What JupyterLab's server answers."
    base, token = url.split('/lab/')[0], url.split('token=')[1].split('&')[0]
    ask = urllib.request.Request(f'{base}/api/{path}?token={token}', method=method)
    with urllib.request.urlopen(ask) as r: return json.load(r) if method == 'GET' else None

def open_lab(page, url):
    "Open a notebook, and run it when its kernel is there."
    page.set_default_timeout(900_000)
    page.goto(url)
    page.wait_for_selector('.jp-Notebook .jp-Cell')
    while not any(k['execution_state'] == 'idle' for k in asked(url, 'kernels')):
        page.wait_for_timeout(1000)
    page.wait_for_timeout(3000)
    page.click('text=Run')
    page.click('text="Run All Cells"')

VISIBLE = '''e => [...e.querySelectorAll('.widget-html, .widget-image, .widget-label')]
  .filter(p => p.offsetParent).map(p => p.innerHTML + (p.src || '')).join('|')'''

def drive_widget(page, box, count, key):
    "Move every control of one widget."
    said = []
    for c in box.locator('.widget-radio, .widget-slider').all():
        label, before, keys = c.locator('.widget-label').first.inner_text(), count.changed, 2
        slider = c.locator('.noUi-handle')
        if slider.count(): slider.first.focus()
        for _ in range(keys):
            was = box.evaluate(VISIBLE)
            # the choices of ipywidgets are no group of the browser: each is reached by Tab, and Space takes it
            if not slider.count(): c.locator('input[type=radio]:not(:checked)').first.focus()
            page.keyboard.press(key if slider.count() else 'Space')
            page.wait_for_timeout(400)
            count.move(box.evaluate(VISIBLE) != was)
        said.append(f'{label} {count.changed - before}/{keys}')
    if not box.evaluate(ALIGNED): count.errors.append('a panel is not where it should lie')
    return ', '.join(said)

def failed(page):
    "The first error that a cell shows, if there is one."
    wrong = page.locator('.jp-OutputArea-output[data-mime-type*="error"]')
    return wrong.first.inner_text() if wrong.count() else ''

def drive_lab(browser, url, shots, count):
    "The explorers as widgets in JupyterLab: with the kernel, and without."
    page = browser.new_page(viewport=dict(width=1400, height=2200))
    count.listen(page)
    open_lab(page, url)
    done = page.locator(f'.jp-OutputArea-output:has-text("{MADE}")')
    while not done.count() and not failed(page): page.wait_for_timeout(1000)
    if failed(page): count.errors.append(failed(page))
    page.wait_for_timeout(3000)
    page.set_default_timeout(30_000)
    boxes = page.locator('.jp-OutputArea-output .flowood-explorer.widget-vbox')
    print(f'JupyterLab: {boxes.count()} explorers are widgets')
    def each(when, key):
        for i, box in enumerate(boxes.all()):
            box.scroll_into_view_if_needed()
            print(f'  {when}, explorer {i + 1}: {drive_widget(page, box, count, key)}')
            if shots: box.screenshot(path=f'{shots}/lab-{i}-{when.replace(" ", "-")}.png')
    each('kernel running', 'ArrowRight')
    before = len(count.errors)
    for k in asked(url, 'kernels'): asked(url, f'kernels/{k["id"]}', 'DELETE')
    page.wait_for_timeout(2000)
    dismiss = page.locator('.jp-Dialog button')
    if dismiss.count(): dismiss.last.click()
    each('kernel gone', 'ArrowLeft')
    def told(e): return 'Could not send widget sync message' in e
    n = sum(map(told, count.errors[before:]))
    count.errors[before:] = [e for e in count.errors[before:] if not told(e)]
    print(f'JupyterLab itself says {n} times on the console that there is no kernel to tell')
    page.close()

def drive_live(browser, url, shots, count):
    "`explore`, whose pictures come from the kernel."
    page = browser.new_page(viewport=dict(width=1200, height=900))
    count.listen(page)
    open_lab(page, url)
    pics = page.locator('.widget-image, img.jupyter-widgets')
    pics.nth(1).wait_for()
    page.wait_for_timeout(2000)
    def slider(k):
        own = f'.widget-slider:has(.widget-label:text-is("{k}"))'
        return page.locator(own).locator('.noUi-handle').first
    def press(h, n):
        h.focus()
        for _ in range(n): page.keyboard.press('ArrowRight')
    def button(k): page.click(f'button:text-is("{k}")')
    acts = {'coupling 3': lambda: press(slider('coupling'), 2),
            'image 4': lambda: press(slider('image'), 4),
            't': lambda: button('t'), 'output': lambda: button('output'),
            'other data': lambda: page.locator('.widget-dropdown select').select_option(index=1),
            'latent': lambda: button('latent')}
    for name, act in acts.items():
        was = pics.nth(1).get_attribute('src')
        act()
        for _ in range(60): # a busy machine takes its time
            page.wait_for_timeout(500)
            if pics.nth(1).get_attribute('src') != was: break
        count.move(pics.nth(1).get_attribute('src') != was)
    print(f'explore: {count.moves} choices, {count.changed} new pictures')
    if shots: page.screenshot(path=f'{shots}/live.png')
    page.close()

def browse(job):
    "One job, described as JSON by the process that started this one."
    from playwright.sync_api import sync_playwright
    count, bad, shots = Count(), 0, job['shots']
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=job['chromium'], args=FLAGS)
        if job['kind'] == 'page':
            drive_pages(browser, job['files'], shots, count)
            bad = without_scripts(browser, job['files'], shots)
        if job['kind'] == 'lab': drive_lab(browser, job['url'], shots, count)
        if job['kind'] == 'live': drive_live(browser, job['url'], shots, count)
    for e in dict.fromkeys(count.errors): print(f'console: {e[:200]}')
    print(f'explorers: {count.moves} moves, {count.changed} changed, '
          f'{len(count.errors)} errors on the console')
    whole = count.moves and count.changed == count.moves
    return int(not whole or bool(bad or count.errors or count.sideways))

# ---- the two together

def page_job(folder, site, only):
    "Files for the browser: bare pages of stored outputs, or rendered pages."
    if site:
        pages = [p for p in sorted(Path(site).rglob('*.html'))
                 if 'site_libs' not in p.parts and MARK.search(p.read_text(encoding='utf-8'))]
        here = serve_site(site)
        own = [p for p in pages if p.stem.startswith(only or '')]
        return [(p.stem, f'{here}/{p.relative_to(site).as_posix()}') for p in own]
    files = []
    for name, html in stored():
        if only and not name.startswith(only): continue
        for theme in THEMES:
            path = Path(folder, f'{name}-{theme}.html')
            path.write_text(bare_page(html, theme), encoding='utf-8')
        files.append((name, Path(folder, f'{name}-THEME.html').as_uri()))
    return files

def run(kind, a):
    "Prepare, let the browser do it, clean up; its exit code."
    job = dict(kind=kind, shots=a.shots, chromium=a.chromium)
    with tempfile.TemporaryDirectory() as d:
        server = None
        if kind == 'page': job['files'] = page_job(d, a.site, a.page)
        else:
            name = lab_notebook(d) if kind == 'lab' else live_notebook(d)
            server, url, token = serve(d)
            job['url'] = f'{url}/lab/tree/{name}?token={token}&reset'
        cmd = [a.playwright, __file__, '--job', json.dumps(job)]
        try: return subprocess.run(cmd).returncode
        finally:
            if server:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait(30)

def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--playwright', default=sys.executable, help='a Python that has Playwright')
    p.add_argument('--chromium', default='/usr/bin/chromium')
    p.add_argument('--shots', help='folder for screenshots')
    p.add_argument('--only', nargs='+', default=['page', 'lab', 'live'])
    p.add_argument('--site', help='folder of rendered pages, instead of stored outputs')
    p.add_argument('--page', help='only explorers of notebooks, or of pages, that begin like this')
    p.add_argument('--job', help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.job:
        sys.stdout.reconfigure(line_buffering=True)
        return browse(json.loads(a.job))
    if a.shots:
        a.shots = str(Path(a.shots).resolve())
        Path(a.shots).mkdir(parents=True, exist_ok=True)
    return max(run(k, a) for k in a.only)

if __name__ == '__main__': sys.exit(main())
