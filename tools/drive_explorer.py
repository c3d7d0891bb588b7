#!/usr/bin/env python3
"""Drive the explorer of nbs/22_interpret.ipynb in a real browser, as a person would.

    python -m venv /tmp/pw && /tmp/pw/bin/pip install playwright      # a throw-away environment, outside the repository
    .venv/bin/python tools/drive_explorer.py --playwright /tmp/pw/bin/python [--chromium /usr/bin/chromium] [--shots DIR] [--model MODEL]

Starts JupyterLab from this environment on a free port, opens a two-cell notebook that calls `explore` on a stored flow,
runs it, then chooses another coupling, another image, another quantity and the other data set, and checks each time that the
picture changes. The last line is `explorer: N choices, N new pictures`; exit code 1 if a choice changes nothing.
Not part of `make test`: it needs Playwright and a Chromium (Debian: apt-get install chromium).
"""
import argparse, json, os, signal, socket, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CELLS = ['''from flowood.data import load, on_disk, to_nchw
from flowood.flows.models import load_flow
from flowood.interpret import explore
real = on_disk('FashionMNIST', 'MNIST')
names = ('FashionMNIST', 'MNIST') if real else ('glyphs', 'digits')
sets = {{k: to_nchw(load(k, 'test', size=28)[0][:50]) for k in names}}''', "explore(load_flow('{model}'), sets)"]

def notebook(path, model):
    cell = lambda s: dict(cell_type='code', id=f'c{abs(hash(s)) % 10**8}', metadata={}, source=s.format(model=model), outputs=[], execution_count=None)
    spec = dict(kernelspec=dict(display_name='Python 3', language='python', name='python3'))
    Path(path).write_text(json.dumps(dict(cells=[cell(s) for s in CELLS], metadata=spec, nbformat=4, nbformat_minor=5)))

def serve(folder):
    "JupyterLab on a free port of this machine; the process and its address."
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    token = os.urandom(12).hex()
    cmd = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--port={port}', f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={folder}', '--LabApp.news_url=', '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate']
    p = subprocess.Popen(cmd, stdout=open(f'{folder}/server.log', 'w'), stderr=subprocess.STDOUT, env=dict(os.environ, PYTHONPATH=str(ROOT)), start_new_session=True)
    for _ in range(120):
        try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api?token={token}', timeout=2); return p, f'http://127.0.0.1:{port}/lab/tree/drive.ipynb?token={token}&reset'
        except OSError: time.sleep(.5)
    os.killpg(p.pid, signal.SIGTERM); sys.exit(f'JupyterLab did not start; see {folder}/server.log')

def drive(url, chromium, shots):
    "What the browser does; run by the Python that has Playwright."
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        page = p.chromium.launch(executable_path=chromium, args=['--no-sandbox']).new_page(viewport=dict(width=1200, height=900))
        page.goto(url); page.wait_for_selector('.jp-Notebook .jp-Cell', timeout=120_000); time.sleep(3)
        page.click('text=Run', timeout=60_000); page.click('text="Run All Cells"')
        pics, wrong = page.locator('.widget-image, img.jupyter-widgets'), page.locator('.jp-OutputArea-output[data-mime-type*="stderr"], .jp-OutputArea-output[data-mime-type*="error"]')
        shot = lambda name: (page.screenshot(path=f'{shots}/{name}.png') if shots else None)
        pics.nth(1).or_(wrong.first).first.wait_for(timeout=180_000); time.sleep(2)
        if not pics.count(): shot('error'); print(wrong.first.inner_text()); return 1
        look = lambda: (pics.nth(0).screenshot(), pics.nth(1).screenshot())
        slider = lambda name: page.locator(f'.widget-slider:has(.widget-label:text-is("{name}"))').locator('.noUi-handle, .ui-slider-handle').first
        def press(h, n): h.focus(); [page.keyboard.press('ArrowRight') for _ in range(n)]
        acts = {'coupling 3': lambda: press(slider('coupling'), 2), 'image 4': lambda: press(slider('image'), 4),
                't': lambda: page.click('button:text-is("t")'), 'output': lambda: page.click('button:text-is("output")'),
                'other data': lambda: page.locator('.widget-dropdown select').select_option(index=1), 'latent': lambda: page.click('button:text-is("latent")')}
        now, fresh = look(), 0; shot('0 start')
        for i, (name, act) in enumerate(acts.items(), 1):
            act(); time.sleep(3); was, now = now, look(); fresh += was[1] != now[1]; shot(f'{i} {name}')
            print(f"{name}: picture {'changed' if was[1] != now[1] else 'DID NOT CHANGE'}, image {'changed' if was[0] != now[0] else 'the same'}; says {page.locator('.widget-label').last.inner_text()!r}")
        print(f'explorer: {len(acts)} choices, {fresh} new pictures')
        return int(fresh < len(acts))

def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument('--playwright', default=sys.executable, help='a Python that has Playwright'); a.add_argument('--chromium', default='/usr/bin/chromium')
    a.add_argument('--shots', help='folder for screenshots'); a.add_argument('--model', default=str(ROOT/'models/interpret-realnvp.safetensors')); a.add_argument('--url', help=argparse.SUPPRESS)
    a = a.parse_args()
    if a.shots: Path(a.shots).mkdir(parents=True, exist_ok=True)
    if a.url: return drive(a.url, a.chromium, a.shots)
    with tempfile.TemporaryDirectory() as d:
        notebook(f'{d}/drive.ipynb', a.model); server, url = serve(d)
        try: return subprocess.run([a.playwright, __file__, '--url', url, '--chromium', a.chromium, *(['--shots', a.shots] if a.shots else [])]).returncode
        finally: os.killpg(server.pid, signal.SIGTERM); server.wait(30)

if __name__ == '__main__': sys.exit(main())
