#!/usr/bin/env python3
"""Open a report in a real browser: on a phone, on a desk, in the dark and on paper.

    python -m venv /tmp/pw && /tmp/pw/bin/pip install playwright      # a throw-away environment, outside the repository
    /tmp/pw/bin/python tools/look_report.py REPORT.html [OUT] [--chromium /usr/bin/chromium]

Writes phone.png (375 wide), desk.png (1280), dark.png and paper.pdf into OUT, and checks that the console stays empty, that the
page asks for nothing outside itself, that it never scrolls sideways, and that every picture has a size. The last line is
`report: 0 console errors, phone 375 x H, desk 1280 x H, N pages of A4`; exit code 1 if a check fails.
Not part of `make test`: it needs Playwright and a Chromium (Debian: apt-get install chromium).
"""
import argparse, re, sys
from pathlib import Path

SIZE = '() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight, innerWidth]'
EMPTY = "() => [...document.querySelectorAll('img,svg')].filter(e => !e.closest('details:not([open])')).filter(e => { const b = e.getBoundingClientRect(); return !(b.width > 4 && b.height > 4) }).length"

def look(report, out, chromium):
    from playwright.sync_api import sync_playwright
    out.mkdir(parents=True, exist_ok=True); errors, asked, sizes, wrong = [], [], {}, []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
        for name, w, h, scheme in (('phone', 375, 800, 'light'), ('desk', 1280, 900, 'light'), ('dark', 1280, 900, 'dark')):
            page = browser.new_page(viewport=dict(width=w, height=h), color_scheme=scheme)
            page.on('console', lambda m: errors.append(m.text) if m.type in ('error', 'warning') else None); page.on('pageerror', lambda e: errors.append(str(e)))
            page.on('request', lambda r: asked.append(r.url) if not r.url.startswith(('file:', 'data:')) else None)
            page.goto(report.resolve().as_uri()); page.wait_for_load_state()
            sw, sh, iw = page.evaluate(SIZE); sizes[name] = f'{iw} x {sh}'
            if sw > iw: wrong.append(f'{name}: the page is {sw} pixels wide and the window {iw}')
            if n := page.evaluate(EMPTY): wrong.append(f'{name}: {n} pictures have no size')
            page.screenshot(path=out/f'{name}.png', full_page=True)
            if name == 'desk': page.pdf(path=out/'paper.pdf', format='A4', prefer_css_page_size=True)
            page.close()
        browser.close()
    pages = len(re.findall(rb'/Type\s*/Page\b', (out/'paper.pdf').read_bytes()))
    for o in [*errors, *[f'asked for {u}' for u in asked], *wrong]: print(o)
    print(f"report: {len(errors)} console errors, phone {sizes['phone']}, desk {sizes['desk']}, {pages} pages of A4")
    return bool(errors or asked or wrong)

if __name__ == '__main__':
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument('report', type=Path); a.add_argument('out', type=Path, nargs='?', default=Path('/tmp/look')); a.add_argument('--chromium', default='/usr/bin/chromium')
    a = a.parse_args()
    if not a.report.is_file(): sys.exit(f'there is no report {a.report}; write one with `flowood report`')
    sys.exit(look(a.report, a.out, a.chromium))
