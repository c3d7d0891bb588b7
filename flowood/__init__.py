"Does this input look like what my model was trained on? Importing this file imports nothing else."
__version__ = "0.1.0"

_HOME = dict(OODDetector='detector', VectorDetector='detector', load_detector='detector',
             create='flows.models', load_flow='flows.models', Source='sources',
             open_source='sources', load='data')
__all__ = list(_HOME)

def __getattr__(name):
    "Import what `_HOME` names when it is first asked for (PEP 562)."
    if name not in _HOME: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from importlib import import_module
    return getattr(import_module(f'{__name__}.{_HOME[name]}'), name)

def __dir__(): return sorted({*globals(), *_HOME})

class lazy:
    "A module that is imported at its first use: `np = lazy('numpy')`."
    def __init__(self, name): self.__dict__['_name'] = name
    def __repr__(self): return f'lazy({self._name!r})'
    def __reduce__(self): return lazy, (self._name,)
    def __getattr__(self, attr):
        from importlib import import_module
        return getattr(import_module(self._name), attr)
