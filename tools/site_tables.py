"""Outputs that are easier to read as tables: the progress of a training, dictionaries and records."""
import ast, re
from html import escape

PROGRESS = re.compile(r"\[\d+, [^\[\]']*'[\d:]+'\]")
LEAST = 5 # lines of a printed dictionary that becomes a table

def scalar(v):
    "A number, a text, or a few of them?"
    if isinstance(v, (tuple, list)): return len(v) <= 4 and all(map(scalar, v))
    return v is None or isinstance(v, (str, int, float))

def text(v):
    "A value as a cell shows it."
    if isinstance(v, (tuple, list)): return ', '.join(map(text, v))
    if isinstance(v, float) and len(repr(v)) > 8: return f'{v:.5g}'
    return '' if v is None else str(v)

def record(v):
    "A dictionary of scalars with names for keys?"
    return isinstance(v, dict) and v and all(map(scalar, v.values())) and all(map(scalar, v))

def table(rows, head=()):
    "A table of HTML; the first cell of a row is its name."
    top = ''.join(f'<th scope="col">{escape(text(h))}</th>' if text(h) else '<td></td>' for h in head)
    def line(r):
        cells = ''.join(f'<td>{escape(text(v))}</td>' for v in r[1:])
        return f'<tr><th scope="row">{escape(text(r[0]))}</th>{cells}</tr>'
    thead = f'<thead><tr>{top}</tr></thead>' if top else ''
    return f'<table class="printed">{thead}<tbody>{"".join(map(line, rows))}</tbody></table>'

def records(rows, names):
    "A table of dictionaries, each with a name in front of it."
    keys = list(dict.fromkeys(k for r in rows for k in r))
    if not any(names): return table([[r.get(k) for k in keys] for r in rows], keys)
    return table([[n, *(r.get(k) for k in keys)] for n, r in zip(names, rows)], ['', *keys])

def as_table(printed):
    "The table that a printed object is, or None."
    if len(printed.splitlines()) < LEAST: return
    plain = re.sub(r'\bnp\.\w+\(([^()]*)\)', r'\1', printed)
    try: v = ast.literal_eval(re.sub(r'\btorch\.Size\((.*?)\)', r'\1', plain))
    except (ValueError, SyntaxError): return
    if record(v): return table(list(v.items()))
    if isinstance(v, list) and v and all(map(record, v)): return records(v, ['']*len(v))
    if not isinstance(v, dict) or not v: return
    if all(map(record, v.values())): return records(list(v.values()), list(v))
    if all(isinstance(o, list) and o and all(map(record, o)) for o in v.values()):
        pairs = [(k, r) for k, o in v.items() for r in o]
        return records([r for _, r in pairs], [k for k, _ in pairs])

def progress(printed):
    "The table of a training that fastai prints as lists, or None."
    lines = printed.strip().splitlines()
    if not lines or not all(map(PROGRESS.fullmatch, lines)): return
    rows = [ast.literal_eval(l) for l in lines]
    monitors = [f'monitor {i}' if len(rows[0]) > 5 else 'monitor' for i in range(1, len(rows[0]) - 3)]
    head = ['epoch', 'training', 'held out', *monitors, 'time']
    if len(rows[0]) < 4 or {*map(len, rows)} != {len(head)}: return
    return table([[f'{v:.3f}' if isinstance(v, float) else v for v in r] for r in rows], head)

def html(source):
    return dict(output_type='display_data', metadata={}, data={'text/html': source})

def tabled(outputs):
    "The outputs of a cell, with tables where they are easier to read."
    res = []
    for o in outputs: # fastai prints line by line
        last = res[-1] if res else {}
        if o.get('name') == last.get('name') == 'stdout':
            last['text'] = ''.join(last['text']) + ''.join(o['text'])
        else: res.append(dict(o))
    for i, o in enumerate(res):
        if o.get('name') == 'stdout':
            lines = ''.join(o['text']).splitlines(keepends=True)
            n = next((j for j, l in enumerate(lines) if not PROGRESS.fullmatch(l.strip())), len(lines))
            found, rest = progress(''.join(lines[:n])), ''.join(lines[n:])
            if found: res[i] = [html(found), *([dict(o, text=rest)] if rest.strip() else [])]
        elif {*o.get('data', {})} == {'text/plain'}:
            found = as_table(''.join(o['data']['text/plain']))
            if found: res[i] = html(found)
    return [o for e in res for o in (e if isinstance(e, list) else [e])]

def selftest():
    "What is a table becomes one, and nothing else."
    assert as_table("{'a': np.float64(1.0),\n 'b': (2, 3),\n 'c': 0,\n 'd': 1,\n 'e': None}").count('<tr>') == 5
    assert as_table("{'a': 1}") is None and as_table('[1,\n2,\n3,\n4,\n5]') is None
    two = as_table("{'a': {'x': 1,\n'y': 2},\n'b': {'x': 3,\n\n'y': '<'}}")
    assert two.count('scope="col"') == 2 and '&lt;' in two, two
    out = [dict(output_type='stream', name='stdout', text=[f"[{i}, 5.8{i}1234, 5.5, '00:03']\n"]) for i in (0, 1)]
    got = tabled([*out, dict(output_type='stream', name='stdout', text='done')])
    assert len(got) == 2 and '<td>5.811</td>' in got[0]['data']['text/html'], got
    assert tabled([dict(output_type='stream', name='stdout', text='[1, 2]')])[0]['text'] == '[1, 2]'
