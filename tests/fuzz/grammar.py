"""Templates made by chance: expressions, statements, and the variables that they use."""

import json
import pathlib

VARS = json.loads((pathlib.Path(__file__).parent / 'vars.json').read_text())

BY_TYPE = {
    'str': ['s', 'e', 'ml', 'uni', 'num', 'csv', 'sp', 'html', 'path', 'js', 'ym', 'b64', 'ver', 'url', 'dt', 'yes', 'true', 'lst', 'dst', 'tpl', 'uns'],
    'num': ['n', 'neg', 'z', 'one', 'big', 'f', 'nf', 'whole', 'tiny', 'huge', 't'],
    'bool': ['t', 'fl'],
    'list': ['l', 'ls', 'le', 'lm', 'll', 'lt', 'ld', 'lu', 'tl', 'ul'],
    'dict': ['d', 'dn', 'de', 'di', 'td', 'reg'],
    'none': ['no'],
    'undef': ['nope', 'd.nope', 'dn.x.q.r', 'tb', 'l[9]'],
}

# A filter: what it takes, what it gives, and its arguments: a list of choices of argument lists.
# In an argument, $x stands for an expression of that type (s str, n num, l list, d dict, a any).
FILTERS = {
    # jinja2
    'abs': ('num', 'num', ['']), 'attr': ('any', 'any', ["'a'", "'nope'", "'real'"]),
    'batch': ('list', 'list', ['2|list', "3, 'x'|list"]), 'capitalize': ('any', 'str', ['']), 'center': ('any', 'str', ['', '20', '5']),
    'count': ('any', 'num', ['']), 'default': ('any', 'any', ["'dflt'", "$a, true", '']), 'd': ('undef', 'any', ['$a', "'x', boolean=true"]),
    'dictsort': ('dict', 'list', ['', "true", "by='value'", 'reverse=true', "false, 'key', true"]), 'e': ('any', 'str', ['']), 'escape': ('any', 'str', ['']),
    'filesizeformat': ('num', 'str', ['', 'true']), 'first': ('any', 'any', ['']), 'float': ('any', 'num', ['', '1.5']), 'forceescape': ('str', 'str', ['']),
    'format': ('str', 'str', ['$a', "$n, $s"]), 'groupby': ('ld', 'list', ["'v'", "'g'", "'nope', default='q'", "'g', case_sensitive=true", "'nope'"]),
    'indent': ('str', 'str', ['', '2', "2, true", "'> '", 'width=3, blank=true']), 'int': ('any', 'num', ['', '7', '0, 16', "base=8", 'default=5']),
    'items': ('dict', 'list', ['|list']), 'join': ('list', 'str', ['', "', '", "'|', attribute='k'", '$s']), 'last': ('any', 'any', ['']), 'length': ('any', 'num', ['']),
    'list': ('any', 'list', ['']), 'lower': ('any', 'str', ['']), 'max': ('list', 'any', ['', "attribute='v'", 'true']), 'min': ('list', 'any', ['', "attribute='k'"]),
    'map': ('list', 'list', ["'upper'|list", "attribute='k'|list", "attribute='nope', default=0|list", "'int'|list", "'default', 5|list", "'nosuch'|list", "|list", "'regex_replace', 'a', 'b'|list", "'extract', d|list"]),
    'pprint': ('any', 'str', ['', 'true']), 'reject': ('list', 'list', ["'odd'|list", "'none'|list", '|list', "'in', [1, 3]|list"]),
    'rejectattr': ('ld', 'list', ["'v', 'eq', 1|list", "'nope', 'defined'|list", "'k'|list"]), 'replace': ('str', 'str', ["'l', 'L'", "'l', 'L', 1", "'a', $s", "$s, 'q'", "'', '-'"]),
    'reverse': ('any', 'list', ['|list', '']), 'round': ('num', 'num', ['', '1', "0, 'ceil'", "method='floor'", '-1', '2', "1, 'nope'"]),
    'safe': ('str', 'str', ['']), 'select': ('list', 'list', ["'odd'|list", "'string'|list", '|list', "'match', 'a'|list", "'defined'|list", "'>', 1|list"]),
    'selectattr': ('ld', 'list', ["'v', '==', 1|list", "'k', 'in', ['x', 'y']|list", "'v'|list", "'nope', 'undefined'|list", "'v', 'gt', 1|list"]),
    'slice': ('list', 'list', ['2|list', "3, 'f'|list"]), 'sort': ('list', 'list', ['', 'true', 'reverse=true', "attribute='v'", 'case_sensitive=true', "attribute='v,k'"]),
    'string': ('any', 'str', ['']), 'striptags': ('str', 'str', ['']), 'sum': ('list', 'num', ['', "attribute='v'", "start=5", "attribute='v', start=1.5", 'start=[]']),
    'title': ('any', 'str', ['']), 'tojson': ('any', 'str', ['', '2']), 'trim': ('any', 'str', ['', "'h'", "chars=' d'"]),
    'truncate': ('str', 'str', ['9', "8, true", "9, true, '..', 0", 'length=5', "9, leeway=0, end='!'"]), 'unique': ('list', 'list', ['|list', "true|list", "attribute='g'|list", "case_sensitive=true|list"]),
    'upper': ('any', 'str', ['']), 'urlencode': ('any', 'str', ['']), 'urlize': ('str', 'str', ['', '10', "nofollow=true, target='_x'"]), 'wordcount': ('str', 'num', ['']),
    'wordwrap': ('str', 'str', ['5', '10, false', "8, wrapstring='|'"]), 'xmlattr': ('dict', 'str', ['', 'false']),
    # ansible
    'b64decode': ('b64', 'str', ['', "encoding='latin-1'"]), 'b64encode': ('str', 'str', ['', "encoding='utf-16-le'"]), 'basename': ('str', 'str', ['']), 'bool': ('any', 'bool', ['']),
    'checksum': ('str', 'str', ['']), 'combinations': ('list', 'list', ['2|list', '|list']), 'combine': ('dict', 'dict', ['$d', '$d, recursive=true', "{'c': [9]}, list_merge='append'", "{'c': [9, 1]}, list_merge='append_rp'", "$d, $d", "{'c': [2, 5]}, list_merge='prepend_rp'", "$d, list_merge='bad'"]),
    'comment': ('str', 'str', ['', "'erlang'", "'c', decoration='* '", "'xml'", "'plain', prefix='x', postfix='y'", "'cblock', newline='|'"]),
    'dict2items': ('dict', 'list', ['', "key_name='n', value_name='w'"]), 'difference': ('list', 'list', ['$l']), 'dirname': ('str', 'str', ['']), 'expanduser': ('str', 'str', ['']),
    'expandvars': ('str', 'str', ['']), 'extract': ('any', 'any', ['$l', '$d', "dn, 'y'", "dn, ['y', 'z']"]), 'flatten': ('list', 'list', ['', '1', 'levels=0', 'skip_nulls=false']),
    'from_json': ('js', 'any', ['']), 'from_yaml': ('ym', 'any', ['']), 'from_yaml_all': ('ym', 'list', ['|list']), 'hash': ('str', 'str', ['', "'md5'", "'sha512'", "'nope'"]),
    'human_readable': ('num', 'str', ['', 'true', "unit='K'", "false, 'M'"]), 'human_to_bytes': ('any', 'num', ['', "'K'", 'isbits=true', "default_unit='M'"]),
    'intersect': ('list', 'list', ['$l']), 'items2dict': ('list', 'dict', ['', "key_name='k', value_name='v'"]), 'log': ('num', 'num', ['', '10', '2']), 'mandatory': ('any', 'any', ['', "'gone'"]),
    'md5': ('str', 'str', ['']), 'password_hash': ('str', 'str', ["'md5', 'salt'", "'sha256', 'abcdefgh', rounds=1000"]),
    'path_join': ('any', 'str', ['']), 'permutations': ('list', 'list', ['2|list']), 'pow': ('num', 'num', ['2', '$n', '0.5', '-1']), 'product': ('list', 'list', ['$l|list', 'repeat=2|list']),
    'quote': ('any', 'str', ['']), 'random': ('any', 'any', ["seed='x'"]), 'realpath': ('str', 'str', ['']), 'regex_escape': ('str', 'str', ['', "'posix_basic'", "'posix_extended'"]),
    'regex_findall': ('str', 'list', ["'[a-z]+'", "'(l)(o)?'", "'^o', multiline=true", "'L', ignorecase=true", "'('"]),
    'regex_replace': ('any', 'str', ["'l', 'L'", "'(\\\\w+)', '<\\\\1>'", "'^', '> ', multiline=true", "'(?P<x>o)', '\\\\g<x>\\\\g<x>'", "'[aeiou]', ''", "'O', '0', ignorecase=true"]),
    'regex_search': ('str', 'any', ["'o.'", "'(h)(e)', '\\\\1', '\\\\2'", "'(?P<q>W)', '\\\\g<q>'", "'nothing'", "'w', ignorecase=true"]),
    'rekey_on_member': ('ld', 'dict', ["'k'", "'v'", "'v', duplicates='overwrite'", "'nope'"]), 'relpath': ('str', 'str', ["'/etc'", "start='/'"]), 'root': ('num', 'num', ['', '3']),
    'sha1': ('str', 'str', ['']), 'shuffle': ('list', 'list', ["seed='x'"]), 'split': ('str', 'list', ['', "','", "'l', 1", "','|map('int')|list"]), 'splitext': ('str', 'list', ['']),
    'strftime': ('fmt', 'str', ['0', '86400.5', "0, true", "100, utc=true", "'x'"]), 'subelements': ('list', 'list', ["'c'", "'v'", "'nope', skip_missing=true"]),
    'symmetric_difference': ('list', 'list', ['$l']), 'ternary': ('any', 'any', ["'yes', 'no'", '1, 2, 3', '$a, $a']), 'to_datetime': ('dt', 'any', ['', "'%Y'"]),
    'to_json': ('any', 'str', ['', 'indent=2', 'sort_keys=true', 'ensure_ascii=false', "separators=(',', ':')"]), 'to_nice_json': ('any', 'str', ['', '2', 'sort_keys=false']),
    'to_nice_yaml': ('any', 'str', ['', 'indent=2', 'width=20']), 'to_yaml': ('any', 'str', ['', 'default_flow_style=false', 'indent=4']), 'to_uuid': ('str', 'str', ['']), 'type_debug': ('any', 'str', ['']),
    'union': ('list', 'list', ['$l']), 'unique ': ('list', 'list', ['']), 'urldecode': ('str', 'str', ['']), 'urlsplit': ('url', 'any', ['', "'hostname'", "'port'", "'query'", "'nope'"]),
    'win_basename': ('str', 'str', ['']), 'win_dirname': ('str', 'str', ['']), 'win_splitdrive': ('str', 'list', ['']), 'zip': ('list', 'list', ['$l|list', "'ab'|list", '$l, $l|list']),
    'zip_longest': ('list', 'list', ["$l|list", "$l, fillvalue='-'|list"]), 'vars': ('any', 'any', ['']), 'fileglob': ('str', 'list', ['']), 'nosuchfilter': ('any', 'any', ['']),
}

TESTS = {
    'boolean': '', 'callable': '', 'defined': '', 'undefined': '', 'divisibleby': '$n', 'eq': '$a', 'equalto': '$a', '==': '$a', 'even': '', 'odd': '', 'escaped': '', 'false': '', 'true': '',
    'filter': '', 'test': '', 'float': '', 'integer': '', 'ge': '$n', 'gt': '$n', 'greaterthan': '$n', 'in': '$l', 'iterable': '', 'le': '$n', 'lt': '$a', 'lessthan': '$n', 'lower': '', 'upper': '',
    'mapping': '', 'ne': '$a', 'none': '', 'number': '', 'sameas': '$a', 'sequence': '', 'string': '', 'abs': '', 'all': '', 'any': '', 'changed': '', 'change': '', 'contains': '$a', 'directory': '',
    'exists': '', 'failed': '', 'failure': '', 'file': '', 'finished': '', 'is_abs': '', 'is_dir': '', 'isnan': '', 'nan': '', 'issubset': '$l', 'subset': '$l', 'superset': '$l', 'issuperset': '$l',
    'link': '', 'match': "'h'", 'search': "'l+'", 'regex': "'o$', multiline=true", 'skipped': '', 'started': '', 'succeeded': '', 'success': '', 'successful': '', 'reachable': '', 'unreachable': '',
    'truthy': '', 'falsy': '', 'vault_encrypted': '', 'version': "'1.9', '>='", 'version_compare': "'2', 'lt', strict=true", 'same_file': "'/etc'", 'uri': '', 'url': '', 'urn': '', 'nosuchtest': '',
}

FILES = ['directory', 'exists', 'file', 'is_dir', 'link', 'same_file']

METHODS = {
    'str': ['capitalize()', 'casefold()', 'center(20)', "center(9, '*')", "count('l')", "encode()", "endswith('d')", "endswith(('x', 'd'))", 'expandtabs(4)', "find('o')", "find('o', 5)", "format(1, 2)", "index('z')",
            'isalnum()', 'isalpha()', 'isascii()', 'isdecimal()', 'isdigit()', 'isidentifier()', 'islower()', 'isnumeric()', 'isprintable()', 'isspace()', 'istitle()', 'isupper()', "join(ls)", "join(l)", 'ljust(15)', 'lower()',
            'lstrip()', "lstrip('h')", "partition(' ')", "removeprefix('he')", "removesuffix('d')", "replace('l', 'r')", "replace('l', 'r', 1)", "rfind('o')", "rindex('o')", 'rjust(15)', "rpartition('o')", "rsplit('o', 1)", 'rsplit()',
            'rstrip()', 'split()', "split(',')", "split('l', maxsplit=1)", 'splitlines()', 'splitlines(true)', "startswith('h')", "startswith('e', 1)", 'strip()', "strip('hd')", 'swapcase()', 'title()', 'upper()', 'zfill(15)', 'nosuch()', "split('')", 'split(5)', "translate({104: 'J'})"],
    'list': ['append(1)', 'copy()', 'count(1)', "index('a')", 'index(3, 1)', 'pop()', 'pop(0)', 'insert(0, 9)', "extend([7])", 'remove(1)', 'reverse()', 'sort()', 'sort(reverse=true)', 'clear()', 'nosuch', '0', 'length()'],
    'dict': ['copy()', "get('a')", "get('q', 5)", 'items()', 'items()|list', 'keys()|list', 'keys()', 'values()', 'values()|list', "pop('a')", "pop('q', 1)", "setdefault('n', 1)", "update({'w': 1})", 'a', 'b', 'items', "fromkeys(['a'], 1)", 'popitem()', 'clear()', "has_key('a')"],
    'num': ['bit_length()', 'is_integer()', 'real', 'conjugate()', 'as_integer_ratio()', 'nosuch', 'numerator', 'hex()', 'imag'],
}

FORMATS = ['%s', '%d', '%r', '%05d', '%.2f', '%x', '%5s|', '%-5s|', '%%', '%s %s', '%(a)s', '%+d', '%e', '%g', '%c', '%o', '%i', '%a', '%q', '%', '%.3s', '%#x', '%*d']

LITERALS = {
    'str': ["'abc'", "''", '"q\'s"', "'a b'", "'x' 'y'", "'%s-%s'", "'a\\nb'", "'é'", "'/a/b'"],
    'num': ['0', '1', '-3', '2.5', '1e3', '10', '1_000', '0x1f', '0b11', '0o17', '7.', '.5', '+2'],
    'bool': ['true', 'false', 'True', 'False'],
    'list': ['[]', '[1, 2]', "['a', 'b']", '(1, 2)', '()', '[1, [2, [3]]]', "[none, '']", '[[1, 2], [3, 4]]', '(1,)'],
    'dict': ['{}', "{'a': 1}", "{'a': {'b': 2}}", "{1: 'x', none: 2}", "{'k': s}", "dict(a=1, b=[2])"],
    'none': ['none', 'None'],
}

BINARY = ['+', '-', '*', '/', '//', '%', '**', '~', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', 'in', 'not in']
TYPES = ['str', 'num', 'bool', 'list', 'dict', 'none', 'undef']
WEIGHTS = [30, 22, 6, 22, 14, 3, 3]


class Grammar:
    def __init__(self, random):
        self.random = random

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, percent):
        return self.random.random() * 100 < percent

    def some_type(self):
        return self.random.choices(TYPES, WEIGHTS)[0]

    def atom(self, kind):
        special = {'ld': 'ld', 'js': 'js', 'ym': 'ym', 'b64': 'b64', 'url': 'url', 'dt': 'dt', 'fmt': "'%Y-%m-%d %H:%M:%S %j %a %b %%'"}
        if kind in special:
            return special[kind]
        if kind == 'any':
            kind = self.some_type()
        if kind == 'undef' or (kind != 'none' and self.chance(65)):
            return self.pick(BY_TYPE[kind])
        return self.pick(LITERALS[kind])

    def arguments(self, pattern, depth):
        for short, kind in (('$s', 'str'), ('$n', 'num'), ('$l', 'list'), ('$d', 'dict'), ('$a', 'any')):
            while short in pattern:
                pattern = pattern.replace(short, self.expression(kind, depth - 1), 1)
        return pattern

    def expression(self, kind='any', depth=3):
        if self.chance(7):
            kind = 'any'
        if depth <= 0 or self.chance(12):
            return self.atom(kind)
        form = self.random.choices(['atom', 'filter', 'method', 'binary', 'test', 'if', 'index', 'unary', 'format', 'list', 'dict', 'slice', 'call', 'group'],
                                   [8, 34, 14, 14, 6, 4, 8, 2, 4, 3, 3, 5, 3, 3])[0]
        return getattr(self, 'make_' + form)(kind, depth)

    def make_atom(self, kind, depth):
        return self.atom(kind)

    def make_group(self, kind, depth):
        return f'({self.expression(kind, depth - 1)})'

    def make_filter(self, kind, depth):
        names = [n for n, f in FILTERS.items() if kind in ('any', f[1])] or list(FILTERS)
        name = self.pick(names)
        takes, _, patterns = FILTERS[name]
        pattern = self.pick(patterns)
        after = ''
        if '|' in pattern and pattern.rpartition('|')[2] in ('list', "map('int')"):
            pattern, _, after = pattern.rpartition('|')
            after = '|' + after
        inner = self.expression(takes, depth - 1)
        if not inner.replace('_', '').isalnum() and self.chance(60):
            inner = f'({inner})'
        args = self.arguments(pattern, depth)
        return f'{inner}|{name.strip()}' + (f'({args})' if args else '') + after

    def make_method(self, kind, depth):
        of = self.pick(['str', 'str', 'str', 'list', 'dict', 'num'])
        target = self.atom(of)
        if not target.isalnum():
            target = f'({target})'
        return f'{target}.{self.pick(METHODS[of])}'

    def make_binary(self, kind, depth):
        op = self.pick(BINARY)
        same = {'str': 'str', 'num': 'num', 'list': 'list'}.get(kind, 'any')
        left, right = self.expression(same, depth - 1), self.expression(same, depth - 1)
        if op == '**':
            right = self.pick(['2', '0', '-1', '0.5', '3'])
        if op == '*':
            right = self.pick(['2', '0', '-1', '3', 'f', 'n'])
        return f'{left} {op} {right}'

    def make_test(self, kind, depth):
        name = self.pick(list(TESTS))
        args = self.arguments(TESTS[name], depth)
        # A number is an open file, and both sides have others open.
        inner = self.atom('str') if name in FILES else self.expression('any', depth - 1)
        return f"({inner}) is {'not ' if self.chance(20) else ''}{name}" + (f'({args})' if args else '')

    def make_if(self, kind, depth):
        text = f'{self.expression(kind, depth - 1)} if {self.expression("any", depth - 1)}'
        return f'({text} else {self.expression(kind, depth - 1)})' if self.chance(80) else f'({text})'

    def make_index(self, kind, depth):
        of = self.pick(['list', 'dict', 'str'])
        key = {'list': ['0', '-1', '1', '5', "'a'", 'n'], 'dict': ["'a'", "'c'", "'x'", "'nope'", '0', 's'], 'str': ['0', '-2', '99', "'a'"]}[of]
        target = self.atom(of)
        return f'{target}[{self.pick(key)}]' if self.chance(75) else f'{target}.{self.pick(["a", "b", "x", "first", "0", "c.0", "x.y"])}'

    def make_slice(self, kind, depth):
        part = lambda: self.pick(['', '0', '1', '2', '-1', '-2', '5', 'none'])
        step = self.pick(['', '', ':', ':2', ':-1', ':0', ':one'])
        return f'{self.atom(self.pick(["list", "str", "str", "num"]))}[{part()}:{part()}{step}]'

    def make_unary(self, kind, depth):
        return f"{self.pick(['-', 'not ', '+'])}{self.expression(kind, depth - 1)}"

    def make_format(self, kind, depth):
        pieces = ' '.join(self.pick(FORMATS) for _ in range(self.pick([1, 1, 2])))
        count = self.pick([1, 1, 2])
        args = [self.atom('any') for _ in range(count)]
        right = args[0] if count == 1 else f"({', '.join(args)})"
        if self.chance(30):
            brace = self.pick(['{}', '{0}', '{:>8}', '{!r}', '{:05.1f}', '{:,}', '{a}', '{0[0]}', '{:x}', '{', '{{}}', '{:<6}|', '{:%}', '{:e}', '{:^9}', '{:+}', '{:b}', '{.real}'])
            return f"'{brace}'.format({', '.join(args)})"
        return f"'{pieces}' % {right}"

    def make_list(self, kind, depth):
        return '[' + ', '.join(self.expression('any', depth - 2) for _ in range(self.pick([1, 2, 3]))) + ']'

    def make_dict(self, kind, depth):
        key = lambda: self.pick(["'a'", "'b'", 's', '1', 'n', 'none', 'true', '(1, 2)', 'l', '1.0'])
        return '{' + ', '.join(f'{key()}: {self.expression("any", depth - 2)}' for _ in range(self.pick([1, 2, 3]))) + '}'

    def make_call(self, kind, depth):
        return self.pick(['range(3)|list', 'range(5, 0, -2)|list', 'range(n)', 'dict(a=1)', "dict([('a', 1)])", "lookup('env', 'FUZZ_NONE')", "query('items', l, ls)", "lookup('dict', d)", "q('indexed_items', ls)", "lookup('vars', 's')",
                          "query('nested', l, ls)", "query('together', l, ls)", "lookup('sequence', '1-4')", "query('subelements', [d], 'c')", "lookup('list', l)", "lookup('vars', 'nope', default=1)", "lookup('nosuch', 1)", "namespace(a=1).a", "joiner()()",
                          "cycler(1, 2).next()", "lookup('items', ll, wantlist=true)", 'undef()', "undef('why')", 'range()', 'dict(1)', 's()', 'nope()', 'vars.s', "vars['n']", 'd.a()', "lookup('pipe', 'echo a')", "query('lines', 'printf \"a\\\\nb\"')"])

    # Statements.

    def statements(self, depth=2):
        return ''.join(self.statement(depth) for _ in range(self.pick([1, 1, 2, 3])))

    def statement(self, depth):
        form = self.random.choices(['text', 'print', 'if', 'for', 'set', 'set_block', 'macro', 'with', 'raw', 'comment', 'filter', 'call', 'namespace', 'loop', 'append'], [10, 22, 12, 14, 10, 4, 6, 4, 2, 2, 4, 3, 4, 6, 4])[0]
        if depth <= 0 and form not in ('text', 'raw', 'comment'):
            form = 'print'
        return getattr(self, 'state_' + form)(depth)

    def tag(self, text):
        left = self.pick(['', '', '', '-', '+'])
        right = self.pick(['', '', '', '-', '+'])
        return '{%' + left + ' ' + text + ' ' + right + '%}' + self.pick(['', '\n', ' '])

    def state_text(self, depth):
        return self.pick(['text', ' ', '\n', '  \n', 'a\tb', '}}', '%}', '#', "it's", 'é\n', '\\n', '{ {'])

    def state_print(self, depth):
        left, right = self.pick(['', '', '', '-']), self.pick(['', '', '', '-'])
        return '{{' + left + ' ' + self.expression('any', 2) + ' ' + right + '}}'

    def state_if(self, depth):
        text = self.tag('if ' + self.expression('any', 2)) + self.statements(depth - 1)
        if self.chance(30):
            text += self.tag('elif ' + self.expression('any', 1)) + self.statements(depth - 1)
        if self.chance(50):
            text += self.tag('else') + self.statements(depth - 1)
        return text + self.tag('endif')

    def state_for(self, depth):
        target = self.pick(['x', 'x', 'x, y', 'k, v'])
        source = self.pick(['d.items()', 'd|dictsort', 'lt']) if ',' in target and self.chance(70) else self.expression('list', 2)
        text = f'for {target} in {source}'
        if self.chance(15):
            text += f' if {target.split(",")[0]}'
        if self.chance(5):
            text += ' recursive'
        body = self.pick(['{{ x }}', '{{ loop.index }}:{{ x }}', '{{ loop.last }}{{ loop.length }}', '{{ k }}={{ v }}', '{{ loop.previtem }}', '{{ loop.cycle("a", "b") }}', '{{ loop.changed(x) }}', '{{ loop.revindex0 }}', '{{ loop.depth }}'])
        text = self.tag(text) + body + self.statements(depth - 1)
        if self.chance(20):
            text += self.tag('else') + 'none'
        return text + self.tag('endfor')

    def state_loop(self, depth):
        return self.tag('for x in ' + self.pick(['l', 'ls', 'ld', 'range(3)', 'ld|groupby("v")', 's', 'd', 'll'])) + '{{ x }}' + self.pick([',', '{{ "," if not loop.last }}', '\n']) + self.tag('endfor')

    def state_set(self, depth):
        name = self.pick(['a1', 'a2', 's', 'n'])
        text = self.tag(f'set {name} = ' + self.expression('any', 2))
        if self.chance(20):
            text = self.tag('set p, r = ' + self.pick(['1, 2', 'lt[0]', 'l', "'xy'", '(s, n)'])) + '{{ p }}{{ r }}'
        return text + ('{{ ' + name + self.pick(['', '|type_debug', '[0]', '.a', '|length']) + ' }}')

    def state_set_block(self, depth):
        flt = self.pick(['', '', ' | upper', ' | trim | length', " | replace('a', 'b')"])
        return self.tag('set blk' + flt) + self.statements(depth - 1) + self.tag('endset') + '{{ blk' + self.pick(['', '[0]', '|type_debug', ' + 1']) + ' }}'

    def state_macro(self, depth):
        params = self.pick(['', 'a', 'a, b=2', 'a=1, b=a', "a='x'"])
        call = self.pick(['m()', 'm(1)', 'm(1, 2)', 'm(b=3)', 'm(1, 2, 3)', "m(a=s)", 'm(z=1)', 'm', 'm.name', 'm.arguments'])
        body = self.pick(['{{ a }}', '{{ varargs }}', '{{ kwargs }}', '{{ a }}{{ b }}', '{{ caller() }}', '[1, 2]', '{{ s }}', 'x'])
        return self.tag(f'macro m({params})') + body + self.statements(depth - 1) + self.tag('endmacro') + '{{ ' + call + self.pick(['', '', '[0]', '|type_debug', '|trim']) + ' }}'

    def state_call(self, depth):
        return self.tag('macro w(a=1)') + self.pick(['<{{ caller() }}>', '<{{ caller(a) }}>', 'no']) + self.tag('endmacro') + self.tag(self.pick(['call w()', 'call(x) w(2)', 'call w(s)'])) + self.pick(['in', '{{ x }}', '{{ s }}']) + self.tag('endcall')

    def state_with(self, depth):
        return self.tag(self.pick(['with qq = ' + self.expression('any', 1), 'with', 'with s = 1, n = s', 'with a=1, b=2'])) + '{{ qq }}{{ s }}' + self.statements(depth - 1) + self.tag('endwith')

    def state_raw(self, depth):
        return self.tag('raw') + '{{ x }}\n' + self.tag('endraw')

    def state_comment(self, depth):
        return self.pick(['{# c #}', '{#- c -#}', '{# a\nb #}\n'])

    def state_filter(self, depth):
        return self.tag('filter ' + self.pick(['upper', 'trim', 'replace("a", "b")', 'indent(2)', 'length', 'upper | lower', 'to_json'])) + self.statements(depth - 1) + self.tag('endfilter')

    def state_namespace(self, depth):
        return self.tag('set ns = namespace(c=0, s=s)') + self.tag('for x in l') + self.tag('set ns.c = ns.c + x') + self.tag('endfor') + '{{ ns.c }}{{ ns' + self.pick(['.s', '.q', '.c', "['c']"]) + ' }}'

    def state_append(self, depth):
        return self.tag('set acc = []') + self.tag('for x in ' + self.pick(['l', 'ls', 'd'])) + self.tag('set _ = acc.append(' + self.pick(['x', 'x ~ 1', '[x]', "{'a': x}"]) + ')') + self.tag('endfor') + '{{ acc' + self.pick(['', '|join(",")', '[0]', '|length']) + ' }}'

    def case(self):
        """A request."""
        mode = self.random.choices(['playbook', 'file', 'native', 'condition'], [50, 25, 12, 13])[0]
        if mode == 'condition':
            template = self.expression('any', 3)
        elif mode == 'file':
            template = self.statements(2)
        else:
            form = self.random.random()
            if form < 0.55:
                template = '{{ ' + self.expression('any', 4) + ' }}'
            elif form < 0.65:
                template = self.pick(['a ', '', ' ']) + '{{ ' + self.expression('any', 3) + ' }}' + self.pick(['', ' b', '\n', '{{ n }}', '\n\n'])
            elif form < 0.7:
                template = '[{{ ' + self.expression('any', 2) + ' }}]'
            elif form < 0.74:
                template = {'k': '{{ ' + self.expression('any', 2) + ' }}', '{{ s }}': [self.state_print(0)]}
            else:
                template = self.statements(2)
        return {'template': template, 'vars': VARS, 'mode': mode, 'show': 'python'}


def line(case):
    return json.dumps(case)
