"""Finishing touches on the rendered pages, and llms.txt. Standard library only."""
import re
from pathlib import Path

def contents_for_phones(html):
    "The contents of a page once more, folded beneath its title, for screens without a margin."
    toc = re.search(r'<nav id="TOC"[^>]*>.*?(<ul.*</ul>)\s*(?:<div class="toc-actions|</nav>)', html, flags=re.S)
    at = html.find('</header>', html.find('id="title-block-header"'))
    if not toc or at < 0 or 'class="toc-phone"' in html: return html
    inner = re.sub(r' (?:id|data-scroll-target|class)="[^"]*"', '', toc[1])
    box = f'\n<details class="toc-phone"><summary>On this page</summary>\n<nav aria-label="On this page">{inner}</nav></details>\n'
    at += len('</header>')
    return html[:at] + box + html[at:]

def wide_tables(html):
    "Each table in a box of its own that scrolls."
    return re.sub(r'<table\b.*?</table>', lambda m: f'<div class="wide" role="region" aria-label="Table">{m[0]}</div>', html, flags=re.S)

def page_html(html):
    body = html.find('<main')
    end = html.find('</main>')
    if body < 0: return html
    main = wide_tables(html[body:end])
    return contents_for_phones(html[:body] + main + html[end:])

def finish(docs):
    "Every page of the rendered site."
    for p in Path(docs).rglob('*.html'):
        if 'site_libs' in p.parts: continue
        old = p.read_text(encoding='utf-8')
        p.write_text(page_html(old), encoding='utf-8')
