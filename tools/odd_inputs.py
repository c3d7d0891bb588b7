#!/usr/bin/env python3
"""Bad and odd inputs to the command line and to the Python API: each must end in a result or in one sentence.

    python tools/odd_inputs.py [-v] [WORD ...]     # only the inputs whose name holds all the words; -v: a line for each

A sentence is a ValueError, TypeError, OSError or NotFittedError that flowood raised itself, or, on the command line, exit
code 2 with exactly one line on standard error. A fault is a traceback, an exception of another library, advice that the
command cannot follow, or nonsense: a score that is NaN, an example that is missing from the result, an input that had to be
refused and was not. Prints a line per fault and the counts; exit code 1 if there is a fault.
"""
import contextlib, io, linecache, os, re, subprocess, sys, tempfile, time, traceback, warnings, zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

import flowood.cli as cli
from flowood.core import save_tensors
from flowood.detector import OODDetector, VectorDetector, load_detector
from flowood.flows.models import create
from flowood.learner import flow_dls, flow_learner
from flowood.sources import open_source
from flowood.testing import toy_images

FOREIGN = ('has no attribute', 'not subscriptable', 'unsupported operand', 'not supported between', 'not iterable',
           'should not happen', 'Traceback', 'unexpected keyword', 'object is not', 'has no len')
KINDS = ValueError, TypeError, OSError

class Wrong(AssertionError): "A result that is nonsense."

# ---------------------------------------------------------------------------------------------------- running

def is_ours(e):
    "Was this exception raised by flowood, or by the checks of scikit-learn?"
    last = traceback.extract_tb(e.__traceback__)[-1]
    if 'sklearn' in last.filename: return True
    if isinstance(e, OSError) and e.filename is not None and len(str(e)) < 300: return True
    lines = ' '.join(linecache.getline(last.filename, i) for i in range(last.lineno - 3, last.lineno + 1))
    return 'flowood' in last.filename and (last.name.startswith('require') or 'raise' in lines)

def fault_of(e):
    "What is wrong with an exception, if anything."
    text = str(e).strip()
    if not isinstance(e, KINDS): return f'{type(e).__name__}: {text}'
    if not is_ours(e): return f'foreign {type(e).__name__}: {text}'
    if '\n' in text or not text or len(text) > 900: return f'not one sentence: {text!r}'
    if 'is damaged or from another version' in text: return None
    return next((f'{type(e).__name__}: {text}' for o in FOREIGN if o in text), None)

def python(fn):
    "Call; `('result' or 'sentence' or 'fault', text)`."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            res = fn()
    except Wrong as e: return 'fault', f'nonsense: {e}'
    except BaseException as e:
        bad = fault_of(e)
        return ('fault', bad) if bad else ('sentence', f'{type(e).__name__}: {e}')
    return 'result', str(res)[:100]

def flags(command):
    "The arguments that a command takes."
    sub = next(a for a in cli._parser()._actions if a.choices and command in a.choices)
    return {o for a in sub.choices[command]._actions for o in a.option_strings}

def main_code(args):
    try: return cli.main(args)
    except SystemExit as e: return e.code or 0

def shell(*args, sub=False):
    "Run a command, in this process or in one of its own."
    args = [str(a) for a in args]
    if sub:
        code = 'import sys; from flowood.cli import main; sys.exit(main())'
        r = subprocess.run([sys.executable, '-c', code, *args], capture_output=True, text=True)
        return answer(args[0], r.returncode, r.stdout, r.stderr, None)
    out, err, kept, sentence = io.StringIO(), io.StringIO(), [], cli._sentence
    def keep(e):
        kept.append(e)
        return sentence(e)
    cli._sentence = keep
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err): code = main_code(args)
    except BaseException as e: return 'fault', f'{type(e).__name__}: {e}'
    finally: cli._sentence = sentence
    return answer(args[0], code, out.getvalue(), err.getvalue(), kept[0] if kept else None)

def answer(command, code, out, err, e):
    "Judge what a command said."
    lines = err.strip().splitlines()
    if 'Traceback' in out + err: return 'fault', 'a traceback: ' + lines[-1]
    strange = [s for s in lines if not s.startswith(('note:', 'unreadable:')) and 'standard output' not in s]
    if code == 0: return ('fault', f'said on stderr: {strange[0]}') if strange else ('result', out.strip()[-100:])
    if code != 2 or len(lines) != 1: return 'fault', f'exit code {code}, {len(lines)} lines: {err[:300]!r}'
    text = lines[0]
    if 'unrecognized arguments' in text: return 'sentence', text
    for f in re.findall(r'(?<!\S)--[a-z][a-z-]*', text.split('; see ')[0]):
        if f not in flags(command): return 'fault', f'{f} is no argument of {command}: {text}'
    bad = fault_of(e) if e is not None else next((o for o in FOREIGN if o in text), None)
    return ('fault', bad) if bad else ('sentence', text)

def nonsense(t, n=None):
    "Raise `Wrong` unless a table of scores makes sense."
    if n is not None and len(t) != n: raise Wrong(f'{len(t)} rows for {n} examples')
    if set(t.decision) - {'ID', 'OOD', 'unreadable'}: raise Wrong(f'decisions {set(t.decision)}')
    good = t[t.decision != 'unreadable']
    if good.score.isna().any(): raise Wrong('a score that is NaN')
    if not ((good.p_value > 0) & (good.p_value <= 1)).all(): raise Wrong('a p-value outside (0, 1]')
    return f'{len(good)} of {len(t)} judged, {(good.decision == "OOD").sum()} OOD'

# ---------------------------------------------------------------------------------------------------- detectors

def grey(n=240, seed=0): return toy_images(n, seed=seed).numpy()[:,0]
def colour(n=240, seed=0): return toy_images(n, channels=3, seed=seed).numpy().transpose(0, 2, 3, 1)
def rows(n=240, d=4, seed=0): return np.random.default_rng(seed).normal(size=(n, d))
def frame(n=240, names='abcd', seed=0): return pd.DataFrame(rows(n, len(names), seed), columns=list(names))

def detectors(d):
    "A few fitted detectors: grey and colour images, a table with names, an array of rows."
    data = dict(grey=grey(), colour=colour(), table=frame(), array=rows(d=2))
    dets = {k: OODDetector(steps=10, progress=False).fit(v) for k, v in data.items()}
    for k, det in dets.items(): det.save(d/k)
    return dets

# ---------------------------------------------------------------------------------------------------- images

def png(path, a, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(a).save(path, **how)
    return path

def folder_of(d, n=3, seed=1, make=grey):
    for i, a in enumerate(make(n, seed)): png(d/f'{i}.png', a)
    return d

def exif(turn):
    e = Image.Exif()
    e[0x0112] = turn
    return e

def image_folders(d):
    "Name, folder or file, and how many examples it has, if that is known."
    g, c = grey(8, 1), colour(8, 1)
    def mixed(name, files, others=0):
        f = folder_of(d/name)
        for k, v in files.items():
            p = f/k
            if isinstance(v, bytes): p.write_bytes(v)
            elif callable(v): v(p)
            else: png(p, v)
        return name, f, 3 + len(files) - others
    raw = (folder_of(d/'raw')/'0.png').read_bytes()
    big = np.kron(g[0], np.ones((64, 64), np.uint8))
    yield mixed('colour among grey', {'c.png': c[0]})
    yield mixed('wrong size', {'w.png': np.zeros((12, 8), np.uint8)})
    yield mixed('one pixel', {'p.png': np.zeros((1, 1), np.uint8)})
    yield mixed('huge', {'h.png': big})
    yield mixed('16 bit', {'s.png': g[0].astype(np.uint16)*257})
    yield mixed('12 bit', {'t.png': g[0].astype(np.uint16)*16})
    yield mixed('32 bit tiff', {'i.tif': lambda p: Image.fromarray(g[0].astype(np.int32)*70000).save(p)})
    yield mixed('float tiff', {'f.tif': lambda p: Image.fromarray(g[0].astype(np.float32)/255).save(p)})
    yield mixed('alpha', {'a.png': np.dstack([c[0], g[0]])})
    yield mixed('grey alpha', {'a.png': lambda p: Image.fromarray(g[0]).convert('LA').save(p)})
    yield mixed('palette', {'p.png': lambda p: Image.fromarray(c[0]).convert('P').save(p)})
    yield mixed('one bit', {'b.png': lambda p: Image.fromarray(g[0]).convert('1').save(p)})
    yield mixed('cmyk', {'c.jpg': lambda p: Image.fromarray(c[0]).convert('CMYK').save(p)})
    yield mixed('lab', {'l.tif': lambda p: Image.fromarray(c[0]).convert('LAB').save(p)})
    yield mixed('exif', {'e.jpg': lambda p: Image.fromarray(g[0]).save(p, exif=exif(6))})
    yield mixed('bad exif', {'e.jpg': lambda p: Image.fromarray(g[0]).save(p, exif=exif(77))})
    pages = [Image.fromarray(a) for a in g]
    yield mixed('animated gif', {'a.gif': lambda p: pages[0].save(p, save_all=True, append_images=pages[1:])})
    yield mixed('many pages', {'m.tif': lambda p: pages[0].save(p, save_all=True, append_images=pages[1:])})
    yield mixed('truncated', {'t.png': raw[:len(raw)//2]})
    yield mixed('zero bytes', {'z.png': b''})
    yield mixed('noise bytes', {'n.png': os.urandom(300)})
    yield mixed('text called png', {'t.png': b'hello, this is text\n'*20})
    yield mixed('html called jpg', {'t.jpg': b'<html><body>404 not found</body></html>'})
    yield mixed('jpeg called png', {'j.png': lambda p: Image.fromarray(g[0]).save(p, format='JPEG')})
    yield mixed('text among images', {'notes.txt': b'notes', 'data.csv': b'a,b\n1,2\n'}, 2)
    yield mixed('hidden files', {'.DS_Store': b'x', '._0.png': b'x', 'Thumbs.db': b'x'}, 3)
    yield mixed('names', {'übung 1.png': g[0], "quote'.png": g[0], 'comma,"x".png': g[0], 'new\nline.png': g[0],
                          '-rf.png': g[0], '%s{0}.PNG': g[0]})
    for ext in 'jfif ppm pgm avif jp2 webp bmp tga ico'.split():
        yield mixed(ext, {f'x.{ext}': lambda p: Image.fromarray(g[0]).save(p, format='JPEG' if ext == 'jfif' else None)})
    for ext in ('heic', 'jxl', 'j2k'): yield mixed(f'broken {ext}', {f'x.{ext}': b'\0\0\0\x18ftypheic' + bytes(90)})
    f = folder_of(d/'undecodable')
    with contextlib.suppress(OSError):
        with open(os.fsencode(f) + b'/\xff\xfe.png', 'wb') as o: o.write(raw)
        yield 'undecodable name', f, 4
    f = folder_of(d/'linked')
    (f/'a').symlink_to(folder_of(d/'target'))
    (f/'0l.png').symlink_to(f/'0.png')
    (f/'gone.png').symlink_to(d/'nowhere.png')
    yield 'symlinks', f, 8
    f = folder_of(d/'loop')
    (f/'loop').symlink_to(f)
    (f/'self.png').symlink_to(f/'self.png')
    yield 'loop of links', f, None
    f = folder_of(d/'nested/a/b/c/d')
    yield 'nested', d/'nested', 3
    (d/'empty').mkdir()
    yield 'empty folder', d/'empty', None
    (d/'texts').mkdir()
    (d/'texts/a.txt').write_text('a')
    yield 'folder of texts', d/'texts', None
    (d/'broken').mkdir()
    for i in range(3): (d/f'broken/{i}.png').write_bytes(b'no')
    yield 'all broken', d/'broken', None
    f = folder_of(d/'dir')
    (f/'folder.png').mkdir()
    yield 'folder called png', f, 3
    f = folder_of(d/'many sizes')
    for i in range(4, 12): png(f/f's{i}.png', np.zeros((i, i), np.uint8))
    yield 'mixed sizes', f, 11
    f = folder_of(d/'locked')
    (f/'0.png').chmod(0)
    yield 'no permission', f, 3
    f = d/'fifo'
    folder_of(f)
    yield 'one image', folder_of(d/'one')/'0.png', 1
    (d/'x.gif').write_bytes(b'GIF89a')
    yield 'one broken image', d/'x.gif', None
    (d/'x.zip').write_bytes(b'PK\x05\x06' + bytes(18))
    yield 'zip', d/'x.zip', None
    (d/'README').write_text('hello')
    yield 'no suffix', d/'README', None
    yield 'missing', d/'not here', None
    yield 'device', '/dev/null', None
    yield 'long name', 'x'*3000, None
    yield 'nul in name', 'a\0b', None
    yield 'empty name', '', None

# ---------------------------------------------------------------------------------------------------- arrays

def arrays():
    "Name, array, and whether a detector of grey 8×8 images must take it (`None`: no matter)."
    g, c, r = grey(6, 1), colour(6, 1), rows(6, 4, 1)
    yield 'NHW', g, True
    yield 'NHWC', g[...,None], True
    yield 'NCHW', g[:,None], True
    yield 'colour NHWC', c, True
    yield 'colour NCHW', c.transpose(0, 3, 1, 2), True
    yield 'rgba', np.concatenate([c, g[...,None]], -1), True
    yield 'float 0..1', g/255, True
    yield 'float 0..255', g.astype(float), True
    yield 'float16', (g/255).astype(np.float16), True
    yield 'longdouble', (g/255).astype(np.longdouble), True
    yield 'float -1..1', g/127.5 - 1, None
    yield 'float 0..65535', g*257., False
    yield 'bool', g > 100, True
    yield 'int64', g.astype(np.int64), True
    yield 'int8', (g//2).astype(np.int8), True
    yield 'uint16', g.astype(np.uint16)*257, True
    yield 'uint32', g.astype(np.uint32)*70000, False
    yield 'big endian', g.astype('>u2'), True
    yield 'negative', g.astype(int) - 500, False
    yield 'NaN images', np.full((4, 8, 8), np.nan), False
    yield 'one NaN', np.where(np.arange(6)[:,None,None] == 2, np.nan, g/255), True
    yield 'inf', np.where(np.arange(6)[:,None,None] == 2, np.inf, g/255), True
    yield 'constant zero', np.zeros((4, 8, 8), np.uint8), True
    yield 'complex', g.astype(complex), False
    yield 'object', g.astype(object), True
    yield 'object of text', np.array(['a', 'b'], dtype=object), False
    yield 'strings', g.astype(str), False
    yield 'dates', np.zeros(4, 'datetime64[D]'), False
    yield 'void', np.zeros(4, 'V8'), False
    yield 'structured', np.zeros(4, [('a', 'f8'), ('b', 'f8')]), False
    yield '0-d', np.array(3.), False
    yield 'empty', np.zeros((0, 8, 8), np.uint8), False
    yield 'no pixels', np.zeros((4, 0, 8), np.uint8), False
    yield '1-d', np.zeros(64, np.uint8), False
    yield '5-d', np.zeros((2, 1, 1, 8, 8), np.uint8), False
    yield 'two channels', np.zeros((4, 8, 8, 2), np.uint8), None
    yield 'five channels', np.zeros((4, 8, 8, 5), np.uint8), False
    yield 'wrong size', np.zeros((4, 12, 12), np.uint8), False
    yield 'rows', r, False
    yield 'Fortran', np.asfortranarray(g), True
    yield 'strided', np.repeat(g, 2, 2)[:,:,::2], True
    yield 'backwards', g[::-1, ::-1], True
    yield 'read only', np.broadcast_to(g[0], (5, 8, 8)), True
    yield 'masked', np.ma.masked_greater(g.astype(float), 150), None
    yield 'masked, nothing', np.ma.array(g), True

def array_files(d):
    "Name, file, expectation of a detector of grey images."
    g = grey(6, 1)
    for name, a, ok in arrays():
        p = d/f'{name.replace(" ", "_").replace(",", "")}.npy'
        if isinstance(a, np.ma.MaskedArray): a, ok = a.filled(0), True
        np.save(p, a, allow_pickle=True)
        yield name, p, False if a.dtype.kind == 'O' else ok
    f = d/'more'
    f.mkdir()
    def npz(name, ok, **members):
        np.savez(f/f'{name.replace(" ", "_")}.npz', **members)
        return name, f/f'{name.replace(" ", "_")}.npz', ok
    yield npz('npz', True, x=g)
    yield npz('npz with labels', True, images=g, labels=np.arange(6))
    yield npz('npz of two', False, a=g, b=g)
    yield npz('npz of none', False)
    yield npz('npz in Fortran order', True, x=np.asfortranarray(g))
    raw = (d/'NHW.npy').read_bytes()
    for name, b in dict(truncated=raw[:-40], header=raw[:30], nothing=b'', text=b'1 2 3', magic=b'\x93NUMPY\x09\x09',
                        lied=raw.replace(b'(6, 8, 8)', b'(9, 8, 8)'), eval=raw.replace(b'(6, 8, 8)', b'exit(3)  ')).items():
        (f/f'{name}.npy').write_bytes(b)
        yield f'npy {name}', f/f'{name}.npy', False
    (f/'cut.npz').write_bytes((f/'npz.npz').read_bytes()[:-60])
    yield 'npz cut', f/'cut.npz', False
    with zipfile.ZipFile(f/'other.npz', 'w') as z: z.writestr('hello.txt', 'x')
    yield 'npz without arrays', f/'other.npz', False
    class Trap:
        def __reduce__(self): return os.mkdir, (str(f/'unpickled'),)
    np.save(f/'trap.npy', np.array([Trap()], dtype=object), allow_pickle=True)
    yield 'npy with a pickle', f/'trap.npy', False
    (f/'dir.npy').mkdir()
    yield 'npy that is a folder', f/'dir.npy', False

# ---------------------------------------------------------------------------------------------------- tables

def tables():
    "Name, frame to score with the detector of columns a to d, and what must come: True, False or `None`."
    t = frame(6, seed=1)
    put = lambda **kw: t.assign(**kw)
    yield 'plain', t, True
    yield 'NaN', put(b=[0, np.nan, 1, 2, 3, 4]), True
    yield 'inf', put(b=[0, np.inf, 1, 2, -np.inf, 4]), True
    yield '1e200', put(b=[0, 1e200, 1, 2, -1e300, 4]), True
    yield 'all NaN column', put(b=np.nan), False
    yield 'text in a column', put(b=['0', 'x', '1', '2', '3', '4']), True
    yield 'all text', put(b=list('uvwxyz')), False
    yield 'booleans', put(b=[True, False]*3), True
    yield 'dates', put(b=pd.date_range('2020', periods=6)), None
    yield 'permuted', t[list('dcba')], True
    yield 'missing column', t[list('abc')], False
    yield 'extra column', put(e=1.), True
    yield 'duplicate columns', pd.concat([t, t[['a']]], axis=1), True
    yield 'id column', t.assign(id=range(6)), True
    yield 'other names', t.rename(columns=str.upper), False
    yield 'names with spaces', t.rename(columns=lambda c: f' {c} '), None
    yield 'strings of numbers', t.astype(str), True
    yield 'huge ints', put(b=[10**30]*6), True
    yield 'Int64 with NA', put(b=pd.array([1, None, 3, 4, 5, 6], 'Int64')), True
    yield 'category', put(b=pd.Categorical(list('aabbcc'))), False
    yield 'category of numbers', put(b=pd.Categorical([1, 1, 2, 2, 3, 3])), None
    yield 'timedelta', put(b=pd.to_timedelta(range(6), 'D')), None
    yield 'lists in cells', put(b=[[1]]*6), False
    yield 'None in cells', put(b=[None, 1, 2, 3, 4, 5]), True
    yield 'no rows', t[:0], False
    yield 'index of names', t.set_index(pd.Index(list('uvwxyz'), name='who')), True
    yield 'multi index', t.set_index(pd.MultiIndex.from_product([[0, 1], [1, 2, 3]])), True
    yield 'float index', t.set_index(pd.Index([.5, .5, 1, 2, 3, np.nan])), True

def texts():
    "Name, bytes of a CSV file, and what must come of scoring it with the detector of columns a to d."
    t = frame(6, seed=1)
    s = t.to_csv(index=False)
    yield 'semicolons', t.to_csv(index=False, sep=';').encode(), True
    yield 'tabs', t.to_csv(index=False, sep='\t').encode(), True
    yield 'bars', t.to_csv(index=False, sep='|').encode(), True
    yield 'decimal commas', t.to_csv(index=False, sep=';', decimal=',').encode(), True
    yield 'BOM', b'\xef\xbb\xbf' + s.encode(), True
    yield 'utf-16', s.encode('utf-16'), True
    yield 'utf-16-le', s.encode('utf-16-le'), True
    yield 'latin-1 header', ('ä,' + s.replace('\n', '\n1,')[2:].rstrip('1,')).encode('latin-1'), False
    yield 'windows lines', s.replace('\n', '\r\n').encode(), True
    yield 'old mac lines', s.replace('\n', '\r').encode(), True
    yield 'no last newline', s.strip().encode(), True
    yield 'comments', ('# made by me\n' + s).encode(), True
    yield 'comments within', s.replace('\n', '\n# x\n', 3).encode(), True
    yield 'units row', s.replace('\n', '\ncm,kg,s,m\n', 1).encode(), True
    yield 'blank lines', s.replace('\n', '\n\n').encode(), True
    yield 'ragged', s.replace('\n', '\n1,2,3,4,5\n1,2\n', 1).encode(), True
    yield 'trailing commas', s.replace('\n', ',\n').encode(), True
    yield 'quotes', re.sub(r'([^,\n]+)', r'"\1"', s).encode(), True
    yield 'open quote', s.replace('\n', '\n"', 2).encode(), None
    yield 'sep line', b'sep=,\n' + s.encode(), True
    yield 'header only', s.splitlines()[0].encode(), False
    yield 'nothing', b'', False
    yield 'newlines only', b'\n\n\n', False
    yield 'no header', '\n'.join(s.splitlines()[1:]).encode(), False
    yield 'one column', b'a\n1\n2\n', False
    yield 'NUL bytes', s.replace('\n', '\n\0', 2).encode(), None
    yield 'binary', os.urandom(4000), False
    yield 'a spreadsheet', b'PK\x03\x04' + bytes(200), False
    yield 'json', b'{"a": [1, 2]}', False
    yield 'html', b'<html><table><tr><td>1</td></tr></table></html>', False
    yield 'one long line', b'a'*3_000_000, False
    yield 'a huge cell', s.replace('\n', '\n' + '9'*200_000 + ',1,1,1\n', 1).encode(), None
    yield 'words for numbers', s.replace('\n', '\nNA,nan,N/A,1\n', 1).encode(), True
    yield 'percent and money', s.replace('\n', '\n5%,$3,1,1\n', 1).encode(), True
    yield 'thousands', s.replace('\n', '\n"1,000",2,3,4\n', 1).encode(), None
    yield 'hex and underscores', s.replace('\n', '\n0x10,1_000,1,1\n', 1).encode(), True
    yield 'full-width digits', s.replace('\n', '\n１,２,３,４\n', 1).encode(), None

def table_files(d):
    "Name, file, expectation."
    for name, t, ok in tables():
        p = d/f'{name.replace(" ", "_")}.csv'
        keep = 'index' in name or None
        t.to_csv(p, index=bool(keep))
        yield f'csv {name}', p, None if name in ('duplicate columns', 'names with spaces') else ok
    for i, (name, b, ok) in enumerate(texts()):
        (d/f'text{i}.csv').write_bytes(b)
        yield f'csv {name}', d/f'text{i}.csv', ok
    t = frame(6, seed=1)
    for name, x in dict(plain=t, index=t.set_index(pd.Index(list('uvwxyz'))), text=t.assign(b='x'), id=t.assign(id=range(6)),
                        lists=t.assign(b=[[1]]*6)).items():
        x.to_parquet(d/f'{name}.parquet')
        yield f'parquet {name}', d/f'{name}.parquet', name not in ('text', 'lists')
    (d/'cut.parquet').write_bytes((d/'plain.parquet').read_bytes()[:300])
    yield 'parquet cut', d/'cut.parquet', False
    t.to_csv(d/'x.csv.gz', index=False)
    yield 'gz', d/'x.csv.gz', True
    (d/'cut.csv.gz').write_bytes((d/'x.csv.gz').read_bytes()[:60])
    yield 'gz cut', d/'cut.csv.gz', False
    (d/'no.csv.gz').write_text('a,b\n1,2\n')
    yield 'gz that is none', d/'no.csv.gz', False
    for ext in ('xlsx', 'json', 'txt', 'feather', 'pt', 'pkl', 'h5'):
        (d/f'x.{ext}').write_bytes(b'abc')
        yield f'.{ext}', d/f'x.{ext}', False

def columns():
    "Name and a column of 240 values that a table to fit on may hold; whether the fit must succeed."
    g, n = np.random.default_rng(5), 240
    z = g.normal(size=n)
    few = np.zeros(n)
    few[3] = 1
    yield 'constant', np.full(n, 7.), True
    yield 'zero', np.zeros(n), True
    yield 'all NaN', np.full(n, np.nan), True
    yield 'some NaN', np.where(z > 1, np.nan, z), True
    yield 'inf', np.where(z > 2, np.inf, z), True
    yield '1e200', np.where(z > 2, 1e200, z), True
    yield '1e308', np.where(z > 2, 1.7e308, -1.7e308), None
    yield 'denormal', z*1e-310, True
    yield 'tiny units', z*1e-12, True
    yield 'offset 1e7', 1e7 + z, True
    yield 'offset 1e8', 1e8 + z, True
    yield 'offset 1e15', 1e15 + z, True
    yield 'Unix times', 1.7e9 + np.arange(n)*60., True
    yield 'sparse counts', np.where(z > 1.5, g.poisson(3, n), 0), True
    yield 'nearly constant', few, True
    yield 'nearly constant, far', few*1e9, True
    yield 'flag', (z > 0).astype(float), True
    yield 'booleans', z > 0, True
    yield 'ids', np.arange(n), True
    yield 'huge ints', np.array([10**18 + i for i in range(n)]), True
    yield 'python ints', np.array([10**40]*n, dtype=object), None
    yield 'dates', pd.date_range('2020', periods=n), None
    yield 'dates and gaps', pd.date_range('2020', periods=n, freq='h').where(z > -1), True
    yield 'dates, day first', pd.date_range('2020', periods=n).strftime('%d.%m.%Y'), True
    yield 'times with zones', pd.date_range('2020', periods=n, freq='h', tz='US/Pacific'), True
    yield 'timedelta', pd.to_timedelta(range(n), 'min'), None
    yield 'one level', ['x']*n, True
    yield 'two levels', np.where(z > 0, 'yes', 'no'), True
    yield 'levels and gaps', np.where(z > 1, None, np.where(z > 0, 'a', 'b')), True
    yield 'rare levels', [f'w{int(o)}' for o in np.exp(2*np.abs(z))], True
    yield 'free text', [f'word {i}' for i in range(n)], True
    yield 'empty strings', ['', ' ', 'NA']*80, True
    yield 'one word', [*map(str, z[:-1]), 'oops'], True
    yield 'question marks', np.where(z > 1, '?', z.astype(str)), True
    yield 'numbers and words', [1, 'one', 2.5, 'two']*60, True
    yield 'thousands', [f'{o:,.1f}' for o in 1e6*z], True
    yield 'money', [f'${o:.2f}' for o in 9 + z], True
    yield 'percent', [f'{o:.0f}%' for o in 50 + 9*z], True
    yield 'Decimal', [__import__('decimal').Decimal(i)/3 for i in range(n)], True
    yield 'nullable', pd.array([1, None, 3]*80, 'Int64'), True
    yield 'truth and nothing', pd.array([True, None, False]*80, 'boolean'), True
    yield 'codes', pd.Categorical(np.arange(n) % 5), True
    yield 'sparse', pd.arrays.SparseArray(few), True
    yield 'lists', [[i] for i in range(n)], True
    yield 'unicode', ['größe', '名前', '😀']*80, True
    yield 'new lines', ['a\nb', 'c,d', 'e"f']*80, True
    yield 'far dates', ['2024-01-01', '9999-12-31', '1700-01-01 10:00']*80, True
    yield 'Cauchy', g.standard_cauchy(n), True
    yield 'log-normal', np.exp(8*z), True

# ---------------------------------------------------------------------------------------------------- objects

class Pairs(torch.utils.data.Dataset):
    def __init__(self, x, bad=None): self.x, self.bad = x, bad
    def __len__(self): return len(self.x)
    def __getitem__(self, i):
        if i == self.bad: raise RuntimeError('disk on fire')
        return self.x[i], 0

class Stream(torch.utils.data.IterableDataset):
    def __init__(self, x): self.x = x
    def __iter__(self): return iter(self.x)

def objects():
    "Name, a function that makes an object, and what a detector of grey images must do."
    import scipy.sparse as sp
    g = torch.from_numpy(grey(6, 1))
    im = Image.fromarray(grey(1, 1)[0])
    Loader = torch.utils.data.DataLoader
    buf = io.BytesIO()
    im.save(buf, 'PNG')
    yield 'PIL image', lambda: im, True
    yield 'PIL colour', lambda: im.convert('RGB'), True
    yield 'PIL 16 bit', lambda: im.convert('I;16'), None
    yield 'list of PIL', lambda: [im]*3, True
    yield 'list of PIL and None', lambda: [im, None, im], True
    yield 'list of arrays', lambda: list(grey(3, 1)), True
    yield 'list of tensors', lambda: list(g), True
    yield 'list of mixed sizes', lambda: [np.zeros((8, 8), np.uint8), np.zeros((9, 9), np.uint8)], True
    yield 'list of bytes', lambda: [buf.getvalue(), b'no'], True
    yield 'bytes', lambda: buf.getvalue(), True
    yield 'bytes io', lambda: io.BytesIO(buf.getvalue()), True
    yield 'text io', lambda: io.StringIO('a,b\n1,2\n'), False
    yield 'list of paths', lambda: ['/nowhere/a.png'], False
    yield 'one array', lambda: grey(1, 1)[0], True
    yield 'one tensor', lambda: g[0], True
    yield 'one (1, h, w)', lambda: g[:1], True
    yield 'generator', lambda: (a for a in grey(3, 1)), True
    yield 'map', lambda: map(np.asarray, grey(3, 1)), True
    yield 'tensor', lambda: g, True
    yield 'requires grad', lambda: (g/255.).requires_grad_(), True
    yield 'bfloat16', lambda: (g/255.).bfloat16(), True
    yield 'half', lambda: (g/255.).half(), True
    yield 'meta tensor', lambda: torch.zeros(4, 8, 8, device='meta'), False
    yield 'sparse tensor', lambda: (g/255.).to_sparse(), True
    yield 'nested tensor', lambda: torch.nested.nested_tensor([torch.zeros(3), torch.zeros(4)]), False
    yield 'complex tensor', lambda: g*1j, False
    yield 'Dataset', lambda: Pairs(g), True
    yield 'Dataset with a bad one', lambda: Pairs(g, 2), True
    yield 'Dataset whose first is bad', lambda: Pairs(g, 0), None
    yield 'empty Dataset', lambda: Pairs(g[:0]), False
    yield 'DataLoader', lambda: Loader(Pairs(g), 2), True
    yield 'DataLoader, shuffled', lambda: Loader(Pairs(g), 4, shuffle=True), True
    yield 'DataLoader with a bad one', lambda: Loader(Pairs(g, 2), 2), False
    yield 'IterableDataset', lambda: Stream(g), True
    yield 'TensorDataset', lambda: torch.utils.data.TensorDataset(g), True
    yield 'Subset', lambda: torch.utils.data.Subset(Pairs(g), [1, 2]), True
    yield 'Series', lambda: pd.Series([1., 2, 3]), False
    yield 'Series of arrays', lambda: pd.Series(list(grey(3, 1))), None
    yield 'scipy sparse', lambda: sp.csr_matrix(rows(5)), False
    yield 'number', lambda: 3, False
    yield 'None', lambda: None, False
    yield 'dict', lambda: dict(a=1), False
    yield 'set', lambda: {1, 2}, False
    yield 'function', lambda: print, False
    yield 'class', lambda: OODDetector, False
    yield 'empty list', lambda: [], False
    yield 'list of None', lambda: [None], False
    yield 'list of text', lambda: ['hello'], False
    yield 'list of dicts', lambda: [dict(a=1., b=2.)], False
    yield 'list of lists of lists', lambda: grey(3, 1).tolist(), None
    yield 'ragged list', lambda: [[1, 2], [3]], False
    yield 'empty string', lambda: '', False
    yield 'cycle', lambda: (lambda a: a.append(a) or a)([]), False

def row_objects():
    "The same for a detector of unnamed rows of two columns."
    import scipy.sparse as sp
    r = rows(6, 2, 1)
    yield 'array', lambda: r, True
    yield 'one row', lambda: r[0], True
    yield 'list of rows', lambda: r.tolist(), True
    yield 'list of one row', lambda: r[:1].tolist(), True
    yield 'ragged', lambda: [[1., 2.], [3.], [4., 5.]], True
    yield 'more columns', lambda: rows(6, 3), False
    yield 'fewer columns', lambda: rows(6, 1), False
    yield 'NaN', lambda: np.where(np.arange(6)[:,None] == 2, np.nan, r), True
    yield 'all NaN', lambda: r*np.nan, False
    yield 'float32', lambda: r.astype(np.float32), True
    yield 'bfloat16', lambda: torch.tensor(r).bfloat16(), True
    yield 'int', lambda: r.astype(int), True
    yield 'bool', lambda: r > 0, True
    yield 'object', lambda: r.astype(object), True
    yield 'object with text', lambda: np.array([[1., 'x'], [2., 3.]], dtype=object), None
    yield 'strings', lambda: r.astype(str), False
    yield 'scipy sparse', lambda: sp.csr_matrix(r), True
    yield 'scipy coo array', lambda: sp.coo_array(r), True
    yield 'masked', lambda: np.ma.masked_greater(r, 1), True
    yield 'matrix', lambda: np.asmatrix(r), True
    yield 'frame', lambda: pd.DataFrame(r), True
    yield 'frame of other names', lambda: pd.DataFrame(r, columns=['u', 'v']), False
    yield 'Series', lambda: pd.Series(r[0]), True
    yield 'structured', lambda: np.array([(1., 2.)], [('0', 'f8'), ('1', 'f8')]), True
    yield 'dicts', lambda: [{'0': 1., '1': 2.}], True
    yield 'generator', lambda: (v for v in r), True
    yield 'DataLoader', lambda: torch.utils.data.DataLoader(Pairs(r), 4), True
    yield 'images', lambda: grey(4), False
    yield '1e300', lambda: r*1e300, True
    yield 'empty', lambda: r[:0], False

# ---------------------------------------------------------------------------------------------------- arguments

def fit_arguments():
    "Command-line arguments after `fit DATA --out X --steps 5`, and whether they must be taken."
    for a in ('0', '1', '-.1', '2', 'nan', 'x', '1e-9', '.001'): yield ['--alpha', a], False
    for a in ('0', '-1', 'nan', 'inf', 'five'): yield ['--minutes', a], False
    for a in ('0', '-3', '1.5', '1e3', 'many'): yield ['--steps', a], False
    for a in ('0', '-8', '7', '8x8', '1000000'): yield ['--size', a], False
    for a in ('grey', 'rgb', ''): yield ['--mode', a], False
    for a in ('-1', '4294967296', 'x'): yield ['--seed', a], False
    for a in ('cuda', 'cuda:7', 'gpu', 'tpu:0', ''): yield ['--device', a], False
    for a in ('nothing', '', 'glow '): yield ['--model', a], False
    for a in ('nothing', '', 'dose,typicality'): yield ['--score', a], False
    for a in ('nobody_has_this', '', '../x', 'a b'): yield ['--import', a], False
    yield ['--held-out', '/nowhere'], False
    yield ['--ood', '/nowhere'], False
    yield ['--drop', 'zzz'], False
    yield ['--nonsense'], False
    yield ['--bs', '3'], False

def score_arguments():
    "The same after `score DETECTOR DATA`."
    for a in ('0', '1', 'nan', 'x'): yield ['--alpha', a], False
    yield ['--alpha', '.0001'], None
    yield ['--alpha', '.5'], True
    yield ['--score', 'likelihood'], True
    yield ['--score', 'nothing'], False
    for a in ('0', '-1', '1.5', 'x', '99999999999'): yield ['--bs', a], False
    yield ['--bs', '1'], True
    yield ['--device', 'cuda'], False
    yield ['--device', 'abacus'], False
    yield ['--out', '-'], True
    yield ['--out', '/dev/null'], True
    yield ['--out', '/dev/stdout'], True
    yield ['--out', '/proc/x/y.csv'], False
    yield ['--out', 's.json'], False
    yield ['--out', 's.xlsx'], False
    yield ['--out', ''], None
    yield ['--import', 'nobody_has_this'], False
    yield ['--shards-of', '0'], False
    yield ['--workers', '0'], False
    yield ['--minutes', '-1'], False
    yield ['--size', '8'], None
    yield ['--drop', 'a'], None
    yield ['extra'], False

PYTHON_ARGUMENTS = [
    dict(alpha=0), dict(alpha=1), dict(alpha=-1), dict(alpha=float('nan')), dict(alpha='0.05'), dict(alpha=None),
    dict(alpha=.001), dict(steps=0), dict(steps=-5), dict(steps='5'), dict(steps=2.5), dict(minutes=0), dict(minutes='1'),
    dict(minutes=float('nan')), dict(minutes=float('inf')), dict(minutes=None), dict(size=0), dict(size='8'), dict(size=7.5),
    dict(mode='grey'), dict(mode=3), dict(drop=7), dict(drop=['zzz']), dict(drop='zzz'), dict(unit='yes'), dict(k=0),
    dict(k='1'), dict(k=1.5), dict(seed='x'), dict(seed=None), dict(seed=-1), dict(seed=2.5), dict(device='gpu'), dict(device='cuda'),
    dict(device=None), dict(device=3), dict(most=0), dict(most=-1), dict(most='5'), dict(most=10), dict(most=2.5),
    dict(model='nothing'), dict(model=None), dict(model=3), dict(ood_score='nothing'), dict(ood_score=None), dict(ood_score=3),
    dict(ood_score=OODDetector), dict(out='/proc/x'), dict(out=3), dict(progress='no')]

# ---------------------------------------------------------------------------------------------------- the inputs

def collect(strategy, n):
    "`n` seeded draws of a hypothesis strategy."
    from hypothesis import HealthCheck, given, seed, settings
    got = []
    @seed(0)
    @settings(max_examples=n, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(v): got.append(v)
    draw()
    return got[:n]

def random_arrays(n=30):
    "Arrays of any type and shape."
    import hypothesis.extra.numpy as hnp
    from hypothesis import strategies as st
    types = st.one_of(hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(),
                      hnp.complex_number_dtypes(), hnp.unicode_string_dtypes(max_len=2), hnp.datetime64_dtypes())
    shapes = st.one_of(hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5),
                       st.sampled_from([(3, 8, 8), (2, 8, 8, 1), (1, 8, 8), (3, 2), (2,), (8, 8)]))
    return collect(types.flatmap(lambda t: hnp.arrays(t, shapes)), n)

def random_csvs(n=30):
    "Texts that look a little like tables."
    from hypothesis import strategies as st
    cell = st.one_of(st.floats().map(repr), st.integers().map(str), st.text(max_size=4),
                     st.sampled_from(['', 'NA', '1,5', '"', '#', '1e400', '٣', '\t', ';']))
    line = st.lists(cell, min_size=1, max_size=6).map(','.join)
    return collect(st.lists(line, max_size=8).map(lambda o: 'a,b,c,d\n' + '\n'.join(o)), n)

def inputs(d):
    "All inputs: name, a function that gives an answer, and what must come (`None`: anything that is no fault)."
    dets = detectors(d)
    score = lambda det, path, *a: shell('score', d/det, path, '--out', d/'s.csv', '--quiet', *a)
    fit = lambda path, *a: shell('fit', path, '--out', tempfile.mkdtemp(dir=d), '--quiet', '--steps', 5, *a)
    judge = lambda det, X, n=None: python(lambda: nonsense(pd.concat(dets[det].detect(X)), n))
    at = {k: d/f'in_{k}' for k in ('images', 'arrays', 'tables', 'fit')}
    for p in at.values(): p.mkdir()

    def scored(det, path, n=None):
        res = score(det, path)
        if res[0] != 'result': return res
        return python(lambda: nonsense(pd.read_csv(d/'s.csv', keep_default_na=False, na_values=['']), n))

    for name, path, n in image_folders(at['images']):
        yield f'score grey: {name}', lambda: scored('grey', path, n), 'result' if n else None
        yield f'open: {name}', lambda: python(lambda: (lambda s: (s, len(s.all()[0])))(open_source(path))), None
        if n and name in ('colour among grey', 'alpha', 'names', 'symlinks', '16 bit', 'exif'):
            yield f'score colour: {name}', lambda: scored('colour', path, n), 'result'
    for name, path, ok in array_files(at['arrays']):
        yield f'score grey: {name}', lambda: scored('grey', path), ok
        yield f'open: {name}', lambda: python(lambda: len(open_source(path).sample(5)[0])), None
    for name, a, ok in arrays(): yield f'detect grey: {name}', lambda: judge('grey', a), ok
    for name, make, ok in objects(): yield f'detect grey: {name}', lambda: judge('grey', make()), ok
    for name, make, ok in row_objects(): yield f'detect rows: {name}', lambda: judge('array', make()), ok
    for name, t, ok in tables(): yield f'detect table: {name}', lambda: judge('table', t, len(t) or None), ok
    for name, path, ok in table_files(at['tables']): yield f'score table: {name}', lambda: scored('table', path), ok
    for i, a in enumerate(random_arrays()):
        for det in ('grey', 'array'):
            yield f'random array {i} {a.dtype}{a.shape} to {det}', lambda: judge(det, a), None
    for i, text in enumerate(random_csvs()):
        p = at['tables']/f'random{i}.csv'
        p.write_text(text, encoding='utf-8', errors='replace', newline='')
        yield f'random csv {i}', lambda: scored('table', p), None
    yield from fits(d, at['fit'], fit)
    yield from arguments(d, at['fit'], fit, score)
    yield from saved(d, dets, at['fit'])
    yield from library(dets)

def fits(d, f, fit):
    "Inputs to `fit`."
    for name, col, ok in columns():
        t = frame(240, 'abc').assign(odd=col)
        p = f/f'{name.replace(" ", "_").replace(",", "")}.csv'
        t.to_csv(p, index=False)
        yield f'fit: {name}', lambda: fit(p), ok
        yield f'fit a frame: {name}', lambda: python(lambda: frame_twice(t)), ok
    yield from mixed_tables()
    for n in (1, 5, 19, 20, 60, 189, 190):
        np.save(f/f'{n}.npy', rows(n))
        yield f'fit: {n} rows', lambda: fit(f/f'{n}.npy'), n >= 20
    np.save(f/'60i.npy', grey(30))
    yield 'fit: 30 images', lambda: fit(f/'60i.npy'), True
    yield 'fit: 60 rows at alpha .01', lambda: fit(f/'60.npy', '--alpha', '.01'), False
    many = {'one column': rows(240, 1), 'wide': rows(200, 300), 'same rows': np.ones((240, 3)), 'twice the rows': np.tile(rows(20), (12, 1)),
            'equal columns': rows(240, 1).repeat(4, 1), 'ints': rows().astype(int), 'bools': rows() > 0, 'images 7×7': np.zeros((240, 7, 7), np.uint8),
            'images 2×2': np.zeros((240, 2, 2), np.uint8), 'images 256×256': np.zeros((20, 256, 256), np.uint8),
            'black images': np.zeros((240, 8, 8), np.uint8), 'float images': grey()/255, 'images of 16 bits': grey().astype(np.uint16)*257,
            'bool images': grey() > 128, 'two channels': np.zeros((240, 8, 8, 2), np.uint8), 'negative images': grey() - 300.,
            'NaN images': np.full((240, 8, 8), np.nan)}
    good = {'twice the rows', 'equal columns', 'ints', 'bools', 'float images', 'images of 16 bits', 'bool images', 'wide'}
    for name, a in many.items():
        np.save(f/f'{name}.npy', a)
        yield f'fit: {name}', lambda: fit(f/f'{name}.npy'), name in good
    mix = folder_of(f/'mix', 230)
    (mix/'broken.png').write_bytes(b'no')
    png(mix/'c.png', colour(1)[0])
    yield 'fit: a folder with a broken and a colour image', lambda: fit(mix), True
    png(mix/'w.png', np.zeros((9, 9), np.uint8))
    yield 'fit: a folder of two sizes', lambda: fit(mix), False
    yield 'fit: a folder of two sizes, resized', lambda: fit(mix, '--size', 8), True
    yield 'fit: nothing there', lambda: fit('/nowhere'), False
    yield 'fit: wide table', lambda: fit(f/'wide.npy', '--drop', '1'), True

def frame_twice(t):
    "Fit on a frame, and judge it and a spoiled copy of it."
    det = OODDetector(steps=5, progress=False).fit(t)
    nonsense(pd.concat(det.detect(t)), len(t))
    odd = [o if i % 2 else 'never seen' for i, o in enumerate(t.odd)]
    return nonsense(pd.concat(det.detect(t.assign(odd=pd.Series(odd, dtype=object)))), len(t))

def mixed_tables():
    "Frames of many kinds of columns, and what a later frame may lack or have."
    t = frame(240, 'ab').assign(c=['x', 'y', None]*80, d=pd.date_range('2020', periods=240, freq='D'))
    wide = pd.DataFrame(rows(60, 1000)).add_prefix('c')
    for name, X, ok in [('5,000 columns', pd.DataFrame(rows(60, 5000)).add_prefix('c'), None),
                        ('gaps in 1,000 columns', wide.mask(rows(60, 1000) > 2), True),
                        ('names twice', t.set_axis(list('aacd'), axis=1), True), ('only categories', t[['c', 'c']], True),
                        ('only text', pd.DataFrame(dict(t=[f'w {i}' for i in range(240)])), False),
                        ('records', t.to_dict('records'), True), ('tuples for names', t.set_axis(pd.MultiIndex.from_product([[1, 2], list('ab')]), axis=1), True)]:
        yield f'mixed: {name}', lambda: python(lambda: OODDetector(steps=5, progress=False).fit(X)), ok
    det = OODDetector(steps=10, progress=False).fit(t)
    later = dict(plain=t, backwards=t[t.columns[::-1]], extra=t.assign(e='x'), missing=t.drop(columns='c'), strings=t.astype(str), empty=t.assign(c=''),
                 gap=t.assign(a=np.nan), text=t.assign(d='tomorrow'), nothing=t.assign(a=None, b=None, c=None, d=None), numbers=t.assign(c=5),
                 zone=t.assign(d=t.d.dt.tz_localize('US/Pacific')), renamed=t.rename(columns=str.upper), few=t[:1], row=t.iloc[0])
    for name, X in later.items():
        must = False if name in ('missing', 'gap', 'text', 'nothing', 'renamed') else True
        yield f'mixed, later: {name}', lambda: python(lambda: nonsense(pd.concat(det.detect(X)))), must

def arguments(d, f, fit, score):
    "Arguments of the commands and of the classes."
    frame().to_csv(f/'t.csv', index=False)
    np.save(f/'g.npy', grey(6, 3))
    np.save(f/'t2.npy', rows(6))
    for a, ok in fit_arguments():
        data = folder_of(f/'few', 240) if a[0] in ('--size', '--mode') else f/'t.csv'
        yield f'fit {" ".join(a)}', lambda: fit(data, *a), ok
    for a, ok in score_arguments(): yield f'score {" ".join(a)}', lambda: score('grey', f/'g.npy', *a), ok
    for out in ('/proc/x', '/dev/null', f/'t.csv', f/'t.csv'/'below'):
        yield f'fit --out {out}', lambda: shell('fit', f/'t.csv', '--out', out, '--steps', 5, '--quiet'), False
    r = lambda *a: shell('report', d/'table', '--out', d/'r.html', *a)
    t = str(f/'t.csv')
    for name, a, ok in [
        ('nothing', [], False), ('no OOD set', ['--id', t], False), ('missing', ['--id', t, '--ood', '/nowhere'], False),
        ('itself', ['--id', t, '--ood', t], True), ('twice', ['--id', t, '--ood', t, t], False),
        ('array of 4 columns', ['--id', t, '--ood', f/'t2.npy'], True), ('images', ['--id', t, '--ood', f/'g.npy'], False),
        ('most 0', ['--id', t, '--ood', t, '--most', '0'], False), ('most 2', ['--id', t, '--ood', t, '--most', '2'], None),
        ('most 1', ['--id', t, '--ood', t, '--most', '1'], None), ('pdf', ['--id', t, '--ood', t, '--out', d/'r.pdf'], False),
        ('folder', ['--id', t, '--ood', t, '--out', d], False), ('other train', ['--id', t, '--ood', t, '--train', f/'g.npy'], False)]:
        yield f'report: {name}', lambda: r(*a), ok
    for a in ([], ['nothing'], ['--version'], ['fit'], ['score'], ['score', 'x'], ['data', 'x'], ['demo', '--data', 'x']):
        yield f'flowood {" ".join(a)}', lambda: shell(*a) if a and a[0] in cli._COMMANDS else bare(*a), False
    for name, a, ok in [('help', ['--help'], True), ('missing detector', ['score', '/nowhere', t, '--quiet'], False),
                        ('NaN', ['score', d/'table', d/'in_tables/NaN.csv', '--out', '-', '--quiet'], True),
                        ('no permission', ['fit', t, '--out', '/proc/x', '--steps', '5'], False)]:
        yield f'process: {name}', lambda: shell(*a, sub=True), ok
    x = rows(200)
    for kw in PYTHON_ARGUMENTS:
        for cls in (OODDetector, VectorDetector):
            if not kw.keys() <= cls().get_params().keys(): continue
            name = ', '.join(f'{k}={v!r}' for k, v in kw.items())
            yield f'{cls.__name__}({name})', lambda: python(lambda: cls(**{'steps': 5, 'progress': False, **kw}).fit(x)), None
    for n in (1, 4, 5, 19, 20, 60):
        yield f'VectorDetector on {n} rows', lambda: python(lambda: VectorDetector(steps=5).fit(rows(n)).predict(rows(3))), n > 4

def bare(*a):
    "A command line without a command: judged by its exit code and lines alone."
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()): code = main_code(list(a))
    lines = err.getvalue().strip().splitlines()
    return ('sentence', lines[0]) if code == 2 and len(lines) == 1 else ('fault', f'exit code {code}: {err.getvalue()!r}')

def saved(d, dets, f):
    "Detectors that cannot be loaded, and detectors at work without being fitted."
    file = d/'grey'/'detector.safetensors'
    raw, tensors = file.read_bytes(), dict(a=torch.zeros(3))
    def folder(name, b):
        (f/name).mkdir()
        (f/name/file.name).write_bytes(b)
        return f/name
    folders = dict(truncated=folder('cut', raw[:len(raw)//2]), header=folder('head', raw[:100]), nothing=folder('zero', b''),
                   text=folder('text', b'hello'), noise=folder('noise', os.urandom(500)), long=folder('long', raw + b'xx'))
    from safetensors.torch import save_file
    save_file(tensors, f/'foreign.safetensors')
    folders['foreign'] = f/'foreign.safetensors'
    import json
    from flowood.core import load_tensors
    ts, meta = load_tensors(file)
    def written(name, ts, meta):
        save_tensors(f/f'{name}.safetensors', ts, meta)
        folders[name] = f/f'{name}.safetensors'
    written('flow', tensors, dict(kind='flow'))
    written('no kind', tensors, {})
    written('newer format', ts, dict(meta, format=3))
    written('newer argument', ts, dict(meta, params=dict(meta['params'], new=1)))
    written('unknown class', ts, dict(meta, cls='Other'))
    written('lacks a tensor', {k: v for k, v in list(ts.items())[1:]}, meta)
    written('wrong shape', {k: v[..., :1] if v.ndim else v for k, v in ts.items()}, meta)
    written('unknown model', ts, dict(meta, configs=[dict(meta['configs'][0], model='other')]))
    for k in ('params', 'configs', 'spec', 'calibration', 'facts', 'clock', 'features', 'k'):
        written(f'lacks {k}', ts, {a: b for a, b in meta.items() if a != k})
        written(f'{k} is a number', ts, {**meta, k: 3.5 if k != 'k' else 'x'})
    written('meta is a list', tensors, [1])
    folders.update(folder=f, missing='/nowhere', empty='', image=d/'in_images/one/0.png')
    np.save(f/'some.npy', grey(3))
    for name, p in folders.items():
        yield f'load_detector: {name}', lambda: python(lambda: load_detector(p).p_values(grey(3))), False if name not in (
            'lacks facts', 'facts is a number', 'lacks clock', 'lacks features', 'features is a number', 'lacks a tensor') else None
        yield f'score with a detector: {name}', lambda: shell('score', p, f/'some.npy', '--out', d/'s.csv', '--quiet'), None
    for name in ('predict', 'p_values', 'score_samples', 'decision_function', 'open'):
        yield f'not fitted: {name}', lambda: python(lambda: getattr(OODDetector(), name)(grey(3))), False
    yield 'not fitted: save', lambda: python(lambda: OODDetector().save(d/'n')), False
    yield 'not fitted: results', lambda: python(lambda: OODDetector().results()), False
    det = load_detector(d/'table')
    yield 'results of a loaded detector', lambda: python(lambda: det.results()), False
    for v in (0, 2, 'x', None):
        yield f'alpha set to {v!r}', lambda: python(lambda: det.set_params(alpha=v).predict(frame(3))), False
    det2 = load_detector(d/'table')
    yield 'score set to nothing', lambda: python(lambda: det2.set_params(ood_score='nothing').predict(frame(3))), False
    for n in (0, -1, 'x', 2.5): yield f'results most={n!r}', lambda: python(lambda: dets['table'].results(most=n)), False
    yield 'results with a list', lambda: python(lambda: dets['table'].results([frame(5)])), False
    yield 'held out: other columns', lambda: python(lambda: OODDetector(steps=5, progress=False).fit(frame(), held_out=frame(99, 'abc'))), False
    yield 'held out: few', lambda: python(lambda: OODDetector(steps=5, progress=False).fit(frame(), held_out=frame(9))), False
    for bs in (0, -1): yield f'detect bs={bs}', lambda: python(lambda: list(dets['grey'].detect(grey(3), bs=bs))), False
    for name in ('from_folder', 'from_arrays', 'from_embeddings'):
        for X in ('/nowhere', None, 3, grey(3)[0, 0]):
            yield f'{name}({X if np.ndim(X) == 0 else "a row"})', lambda: python(lambda: getattr(OODDetector, name)(X)), False

def library(dets):
    "`Flow.log_prob`, `flow_dls` and `flow_learner`."
    flow, g = dets['grey'].pipeline_.flow, toy_images(4)
    plain = create('lean', shape=[1, 8, 8])
    xs = dict(uint8=g, int64=g.long(), floats=g/256., double=g.double()/256, one=g[0], flat=g.flatten(1), colour=toy_images(3, channels=3),
              larger=torch.zeros(2, 1, 12, 12), nothing=g[:0], complex=g*1j, array=g.numpy(), list=g.tolist(), text='x', none=None,
              NaN=g*float('nan'), bool=g > 100, bfloat16=(g/256.).bfloat16(), half=(g/256.).half(), integers=g.float())
    refused = {'one', 'flat', 'colour', 'larger', 'complex', 'text', 'none', 'integers', 'list'}
    def lp(f, x):
        v = f.log_prob(x)
        if torch.is_tensor(x) and not x.isnan().any() and v.isnan().any(): raise Wrong('NaN')
        return v
    for name, x in xs.items():
        yield f'log_prob: {name}', lambda: python(lambda: lp(flow, x)), False if name in refused else None
    for n in (-1, 2.5, 'x', None): yield f'sample({n!r})', lambda: python(lambda: flow.sample(n)), False
    def learn(x, v, levels=None, monitor=None, **kw):
        f = create('lean', shape=[1, 8, 8])
        with contextlib.redirect_stdout(io.StringIO()):
            l = flow_learner(flow_dls(x, v, n_batches=1, **kw), f, levels=levels, monitor=monitor)
            with l.no_bar(), l.no_logging(): l.fit(1, 1e-3)
        return l.recorder.values
    x = toy_images(40)
    for name, fn in {'few': lambda: learn(x, x[:4]), 'colour': lambda: learn(toy_images(40, channels=3), x), 'empty': lambda: learn(x[:0], x),
                     'no valid': lambda: learn(x, x[:0]), 'floats 0..255': lambda: learn(x.float(), x.float()), 'arrays': lambda: learn(x.numpy(), x.numpy()),
                     'bs 0': lambda: learn(x, x, bs=0), 'levels 0': lambda: learn(x, x, levels=0), 'levels 8 of 256': lambda: learn(x, x, levels=8),
                     'levels x': lambda: learn(x, x, levels='x'), 'monitor colour': lambda: learn(x, x, monitor=dict(a=toy_images(3, channels=3))),
                     'None': lambda: learn(None, None)}.items():
        yield f'flow_learner: {name}', lambda: python(fn), None

# ---------------------------------------------------------------------------------------------------- counting

def run(d, words, verbose):
    "Give every input, and count the answers."
    count, t = dict(result=0, sentence=0, fault=0), time.time()
    os.chdir(d)
    for name, fn, must in inputs(d):
        if not all(w in name for w in words): continue
        started = time.process_time()
        kind, text = fn()
        must = {True: 'result', False: 'sentence'}.get(must, must)
        if kind != 'fault' and must and kind != must: kind, text = 'fault', f'a {kind}, not a {must}: {text}'
        count[kind] += 1
        if verbose or kind == 'fault':
            print(f'{kind:8} {name!r} [{time.process_time() - started:.1f} s]: {" ".join(text.split())[:400]}', flush=True)
    if (d/'in_arrays/more/unpickled').exists():
        count['fault'] += 1
        print('fault    a pickle was executed')
    print(f'{sum(count.values())} inputs: {count["result"]} results, {count["sentence"]} sentences, {count["fault"]} faults '
          f'({time.process_time():.0f} s of the processor, {time.time() - t:.0f} s)')
    return int(count['fault'] > 0)

if __name__ == '__main__':
    words = [a for a in sys.argv[1:] if a != '-v']
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as d: sys.exit(run(Path(d).resolve(), words, '-v' in sys.argv))
