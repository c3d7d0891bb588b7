"The nbdev 2 `setup.py`: everything comes from settings.ini."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

cfg = ConfigParser(delimiters=['='])
cfg.read(Path(__file__).with_name('settings.ini'), encoding='utf-8')
c = cfg['DEFAULT']

statuses = ['0 - Pre-Planning', '1 - Planning', '2 - Pre-Alpha', '3 - Alpha', '4 - Beta', '5 - Production/Stable', '6 - Mature', '7 - Inactive']
pythons = '3.10 3.11 3.12 3.13'.split()
licenses = dict(apache2='Apache-2.0')
readme = Path(__file__).with_name('README.md')
name = c['lib_name']

setup(
    name=name, version=c['version'], description=c['description'], keywords=c['keywords'], license=licenses[c['license']],
    author=c['author'], author_email=c['author_email'], url=c['git_url'],
    long_description=readme.read_text(encoding='utf-8') if readme.exists() else c['description'], long_description_content_type='text/markdown',
    packages=find_packages(include=[name, f'{name}.*']), include_package_data=True, zip_safe=False,
    python_requires=f">={c['min_python']}", install_requires=c['requirements'].split(), extras_require=dict(dev=c['dev_requirements'].split()),
    classifiers=[f"Development Status :: {statuses[int(c['status'])]}", f"Intended Audience :: {c['audience']}", f"Natural Language :: {c['language']}",
        *(f'Programming Language :: Python :: {v}' for v in pythons[pythons.index(c['min_python']):])],
    entry_points=dict(console_scripts=c['console_scripts'].split(), nbdev=[f'{name}={name}._modidx:d']),
)
