"""What a notebook, and every Python that it starts, looks for: data, weights, the network.

Python imports this at its start where PYTHONPATH has its folder; `run_nb.py --looked FILE` sees to
that. The first thing that a machine with nothing on it may lack is written to the file that
FLOWOOD_LOOKED names.
"""
import os, re, sys

LOCAL = re.compile(r'file:|(\w+://)?\[?(127\.|localhost|::|0\.0\.0\.0)')

def places():
    "Folders that hold data or weights, with and without their links resolved."
    get = os.environ.get
    home = os.path.expanduser('~')
    cache = get('XDG_CACHE_HOME') or f'{home}/.cache'
    data = get('FLOWOOD_DATA') or f'{home}/.cache/flowood/data'
    res = [os.path.dirname(os.path.abspath(data)), get('TORCH_HOME') or f'{cache}/torch',
           get('HF_HOME') or f'{cache}/huggingface', f'{home}/.fastai', f'{home}/scikit_learn_data']
    return tuple({*res, *map(os.path.realpath, res)})

def data(path, *_):
    "The path, if it is in one of `places()`."
    if not isinstance(path, (str, bytes, os.PathLike)): return
    try: path = os.path.abspath(os.fsdecode(path))
    except OSError: return # the working folder is gone
    return path if path.startswith(PLACES) else None

def away(host, *_):
    "The name or address of another machine; that of a socket of this one is no tuple."
    return host if isinstance(host, str) and host and not LOCAL.match(host) else None

def unwatched(program, args, cwd, env):
    "A Python that will not import this file."
    args = args.split() if isinstance(args, str) else [*map(str, args)]
    if not any('python' in a for a in args): return
    if {'-I', '-E'} & {*args}: return f'{program}, which minds no environment'
    here = os.path.dirname(os.path.abspath(__file__))
    if env is None or here in os.fsdecode(dict(env).get('PYTHONPATH') or ''): return
    return f'{program} with an environment of its own'

# where the first process looked: a notebook may give what it starts an empty data root of its own
PLACES = tuple(os.environ.setdefault('FLOWOOD_PLACES', os.pathsep.join(places())).split(os.pathsep))
EVENTS = {'open': data, 'os.listdir': data, 'os.scandir': data, 'os.chdir': data,
          'socket.connect': lambda _, to: away(*to) if isinstance(to, tuple) else None,
          'socket.getaddrinfo': away, 'urllib.Request': away, 'subprocess.Popen': unwatched}

def watch(file):
    "From now on, write to `file` the first thing that another machine may lack."
    known = []
    def note(f, *args):
        why = not known and f(*args)
        if not why: return
        known.append(why)
        with open(file, 'a', encoding='utf-8') as o: o.write(f'{why}\n')
    sys.addaudithook(lambda event, args: event in EVENTS and note(EVENTS[event], *args))
    for name in ('stat', 'lstat', 'access'): setattr(os, name, noted(getattr(os, name), note))

def noted(f, note):
    "`os.stat` and its like raise no audit event: the same function, with its path noted."
    def g(path, *args, **kw):
        note(data, path)
        return f(path, *args, **kw)
    for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
        if f in able: able.add(g)
    return g

if os.environ.get('FLOWOOD_LOOKED'): watch(os.environ['FLOWOOD_LOOKED'])
