"""ansible-core's Templar, kept alive: answers requests as `vmstation-play template` does."""

import os
import re
import shutil
import signal
import sys
import warnings

warnings.filterwarnings('ignore')

from ansible import constants as C  # noqa: E402
from ansible import context  # noqa: E402
from ansible.cli import CLI  # noqa: E402
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.module_utils.common.collections import ImmutableDict  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.playbook.play import Play  # noqa: E402
from ansible.playbook.conditional import Conditional  # noqa: E402
from ansible.template import AnsibleEnvironment, Templar  # noqa: E402
from ansible.utils.display import Display  # noqa: E402
from ansible.utils.unsafe_proxy import AnsibleUnsafe, wrap_var  # noqa: E402
from ansible.vars.hostvars import HostVars  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402

# Seconds of the processor that a template may take.
PATIENCE = 10
# What both call the Python that runs ansible.
sys.executable = shutil.which('python3')
# What differs from run to run: addresses, and what stands for what is left out.
ADDRESS = re.compile(r' at 0x[0-9a-f]+', re.IGNORECASE)
OMITTED = re.compile(r'__omit_place_holder__[0-9a-f]+')


def steady(text):
    return OMITTED.sub('__omit_place_holder__', ADDRESS.sub(' at 0x', text))


for silenced in ('warning', 'deprecated', 'display', 'verbose'):
    setattr(Display, silenced, lambda *args, **kwargs: None)


def set_native(native):
    C.DEFAULT_JINJA2_NATIVE = native


class Holder(Conditional):
    """Something with a condition."""

    def __init__(self, when):
        self.when = when if isinstance(when, list) else [when]
        self._loader = LOADER

    def get_ds(self):
        return None


LOADER = DataLoader()
# The variables of the host that everything is rendered for, if there is one.
OF_HOST = {}


def render_for(host, inventory):
    """From here on templates see what a task on a host of an inventory file sees."""
    hosts = InventoryManager(loader=LOADER, sources=[inventory])
    context.CLIARGS = ImmutableDict(check=False, diff=False, inventory=(os.path.abspath(inventory),), verbosity=0)
    manager = VariableManager(loader=LOADER, inventory=hosts, version_info=CLI.version_info(gitinfo=False))
    HostVars(inventory=hosts, variable_manager=manager, loader=LOADER)
    play = Play.load({'hosts': 'all'}, variable_manager=manager, loader=LOADER)
    OF_HOST.update(manager.get_vars(play=play, host=hosts.get_host(host), _hosts=[host], _hosts_all=[host]))
    OF_HOST['vars'] = dict(OF_HOST)


class Hang(Exception):
    """A template takes too long."""


def give_up(*_):
    raise Hang('hangs')


signal.signal(signal.SIGPROF, give_up)


def trusted(value):
    """Text under the key `__unsafe__` alone is marked unsafe."""
    if isinstance(value, dict):
        if list(value) == ['__unsafe__']:
            return wrap_var(value['__unsafe__'])
        return {key: trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [trusted(inner) for inner in value]
    return value


def render(request, folder):
    variables = trusted(request.get('vars', {}))
    variables |= {name: value for name, value in OF_HOST.items() if name not in variables}
    variables.setdefault('omit', '__omit_place_holder__')
    mode = request.get('mode', 'playbook')
    set_native(mode == 'native')
    LOADER.set_basedir(folder)
    templar = Templar(loader=LOADER, variables=variables)
    template = trusted(request['template'])
    if mode == 'condition':
        return Holder(template).evaluate_conditional(templar, variables)
    if mode == 'file':
        templar = templar.copy_with_new_env(environment_class=AnsibleEnvironment, searchpath=[folder],
                                            newline_sequence='\n', available_variables=variables)
        return templar.do_template(template, preserve_trailing_newlines=True, escape_backslashes=False)
    return templar.template(template)


def answer(request, folder='.'):
    """What ansible makes of a request: `result` and `unsafe`, or `error` and `class`."""
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        result = render(request, folder)
        shown = steady(repr(result))
        return {'result': shown, 'unsafe': isinstance(result, AnsibleUnsafe) and isinstance(result, str)}
    except Exception as e:  # the class is part of the answer
        kind = type(e)
        # jinja2 adds a line number to what it did not translate itself; people don't get to see it.
        text = steady(str(e)).removesuffix('\n  line 0')
        return {'error': text, 'class': f'{kind.__module__}.{kind.__qualname__}'.removeprefix('builtins.')}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
