"""Templates made by chance: expressions, statements, and the variables that they use."""

import json
import pathlib

import galaxy
from chance import Chance

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

# The same of other hosts (the folder `hosts`).
OF_HOSTS = {
    'str': ["hostvars['beta'].greeting", 'hostvars.beta.other', "hostvars.beta['raw']", 'hostvars[inventory_hostname].shared', 'hostvars.gamma.port', 'shared', 'omit', 'inventory_hostname', 'inventory_hostname_short', "hostvars['gamma'].inventory_hostname", "groups.web[0]", "vars.shared"],
    'num': ["hostvars['beta'].port", 'hostvars.gamma.ratio', 'port', "vars['port']"],
    'bool': ['hostvars.gamma.flag', "'beta' in hostvars", "'nohost' in groups.all", "inventory_hostname in groups['web']", "'web' in group_names"],
    'list': ["groups['web']", 'groups.all', 'groups.empty', 'group_names', "groups['all']|map('extract', hostvars, 'port')|list", "groups.web|map('extract', hostvars, ['nested', 'k'])|list", 'hostvars.gamma.listed', "groups['db']|map('extract', hostvars)|map(attribute='kind')|list", "hostvars|dict2items|map(attribute='key')|list", "hostvars.values()|map(attribute='shared')|list", 'hostvars.keys()|list', 'groups.keys()|sort'],
    'dict': ['hostvars.beta.nested', "hostvars['beta']['nested']", 'groups', 'hostvars', "hostvars['gamma']", 'hostvars.alpha', "vars"],
    'none': ['hostvars.gamma.nothing'],
    'undef': ["hostvars['nohost'].port", 'hostvars.nohost', "hostvars['beta'].nope", 'hostvars.beta.broken', 'groups.nope', "groups['nope'][0]", 'hostvars[nope]', 'hostvars.beta.nested.nope', 'broken', 'vars.nope', "hostvars['gamma'].nothing.x"],
}
# Mappings that also hold what depends on the machine, and what can be asked of them all the same.
WHOLE = ['hostvars', "hostvars['gamma']", 'hostvars.alpha', 'vars']
OF_WHOLE = ['.port', ".get('port')", ".get('nope', 5)", "['port']", '.nope', "['no such']", '[0]', ' is mapping', ' is defined', ' is string', ' is iterable', ' is callable', "|type_debug", '.items() is defined', "|list is defined", ' is sequence', '.shared|default(1)', '.gamma.port', "|length > 2", "['beta'].greeting"]

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
    'human_readable': ('num', 'str', ['', 'true', "unit='K'", "false, 'M'"]), 'human_to_bytes': ('size', 'num', ['', "'K'", 'isbits=true', "default_unit='M'"]),
    'intersect': ('list', 'list', ['$l']), 'items2dict': ('list', 'dict', ['', "key_name='k', value_name='v'"]), 'log': ('num', 'num', ['', '10', '2']), 'mandatory': ('any', 'any', ['', "'gone'"]),
    'md5': ('str', 'str', ['']), 'password_hash': ('str', 'str', ["'md5', 'salt'", "'sha256', 'abcdefgh', rounds=1000"]),
    'path_join': ('any', 'str', ['']), 'permutations': ('list', 'list', ['2|list']), 'pow': ('num', 'num', ['2', '$n', '1.0', '-1']), 'product': ('list', 'list', ['$l|list', 'repeat=2|list']),
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

ASKS_FILES = ['directory', 'exists', 'file', 'is_dir', 'link', 'same_file']

METHODS = {
    'str': ['capitalize()', 'casefold()', 'center(20)', "center(9, '*')", "count('l')", "encode()", "endswith('d')", "endswith(('x', 'd'))", 'expandtabs(4)', "find('o')", "find('o', 5)", "format(1, 2)", "index('z')",
            'isalnum()', 'isalpha()', 'isascii()', 'isdecimal()', 'isdigit()', 'isidentifier()', 'islower()', 'isnumeric()', 'isprintable()', 'isspace()', 'istitle()', 'isupper()', "join(ls)", "join(l)", 'ljust(15)', 'lower()',
            'lstrip()', "lstrip('h')", "partition(' ')", "removeprefix('he')", "removesuffix('d')", "replace('l', 'r')", "replace('l', 'r', 1)", "rfind('o')", "rindex('o')", 'rjust(15)', "rpartition('o')", "rsplit('o', 1)", 'rsplit()',
            'rstrip()', 'split()', "split(',')", "split('l', maxsplit=1)", 'splitlines()', 'splitlines(true)', "startswith('h')", "startswith('e', 1)", 'strip()', "strip('hd')", 'swapcase()', 'title()', 'upper()', 'zfill(15)', 'nosuch()', "split('')", 'split(5)', "translate({104: 'J'})",
            'split(sep=none)', 'split(none, 1)', "rsplit(sep='l')", "rsplit(maxsplit=0)", 'strip(none)', "lstrip('')", "count('')", "count('l', 1, -1)", "find('')", "find('l', -3, 99)", "rfind('', 2)", "index('l', 3)", "startswith(())", "startswith('')", "endswith('d', -1)", "endswith(['d'])", "replace('', '-')", "replace('', '-', 2)", "replace('l', '', -1)",
            "join('ab')", 'join(d)', "join(['a', 1])", 'join(le)', 'zfill(-1)', "zfill('5')", "center(20, 'ab')", "ljust(9, '')", 'rjust(-1)', 'format(*ls)', 'format(**d)', 'format_map(d)', 'splitlines(keepends=true)', 'expandtabs(tabsize=0)', 'expandtabs(-1)', "encode('ascii', 'ignore')", "encode('utf-16')", "encode('nope')", "encode('latin-1', errors='replace')", 'encode().decode()', 'encode()|length', 'encode()[0]',
            "partition('')", "rpartition('zz')", "title().swapcase()", "maketrans('a', 'b')", "maketrans('ab', 'c')", "translate('abc')", "translate({})", "translate('x'.maketrans('lo', '01', 'h'))", 'upper|type_debug', 'upper.nope', 'upper is callable', 'removeprefix(1)', "casefold()|length", "splitlines()|map('length')|list", 'isalpha(1)', "lower().upper().title()"],
    'list': ['append(1)', 'copy()', 'count(1)', "index('a')", 'index(3, 1)', 'pop()', 'pop(0)', 'insert(0, 9)', "extend([7])", 'remove(1)', 'reverse()', 'sort()', 'sort(reverse=true)', 'clear()', 'nosuch', '0', 'length()', 'sort(key=none)', "pop('a')", 'pop(-1)', 'pop(99)', 'index(9)', 'index(1, -1)', 'insert(-1, 0)', "insert('a', 1)", "extend('ab')", 'extend(1)', 'extend(d)', 'count()', 'copy().append(1)', 'append()', 'append(1, 2)', 'append is callable', 'append|type_debug', 'count([])', 'remove(99)', 'sort(1)', 'reverse(1)', 'copy() == l'],
    'dict': ['copy()', "get('a')", "get('q', 5)", 'items()', 'items()|list', 'keys()|list', 'keys()', 'values()', 'values()|list', "pop('a')", "pop('q', 1)", "setdefault('n', 1)", "update({'w': 1})", 'a', 'b', "fromkeys(['a'], 1)", 'popitem()', 'clear()', "has_key('a')", 'get()', 'get([])', 'get(default=1)', "get('a', default=1)", "pop('zz')", 'pop()', "update([['x', 1]])", 'update(x=1)', 'update(1)', "update('ab')", 'update(de, y=2)', "setdefault('a')", "setdefault([])", "fromkeys('ab')", 'items()|first', 'keys()|first', 'keys()|length', 'values()|first', 'keys()|sort', 'items()[0]', 'keys()[0]', 'copy().update(b=2)', 'keys() == de.keys()', 'items() is iterable', 'keys()|type_debug', 'items()|sort', "keys()|join(',')", "keys()|difference(['a'])", 'keys() + []', "'a' in d.keys()", 'values()|list|length', 'items()|map("first")|list', 'keys()|unique', "items()|to_json", 'keys() | reverse | list', 'get.a'],
    'num': ['bit_length()', 'is_integer()', 'real', 'conjugate()', 'as_integer_ratio()', 'nosuch', 'numerator', 'hex()', 'imag', 'bit_length(1)', 'to_bytes(2, "big")', 'bit_count()', 'denominator', 'conjugate(1)', 'real.imag'],
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

# Texts that are odd in the eyes of whoever reads them.
ODD = {
    'ym': ["'a: [1, 2'", "'- 1\\n- 0o17\\n- 017\\n- 1_000'", "'{a: b, c}'", "'yes'", "'~'", "''", "'2001-01-01'", "'2001-01-01 10:00:00 +1'", "'1:30'", "'a: &x 1\\nb: *x'", "'!!str 5'", "'!!set {a, b}'", "'!foo 1'", "'a: |\\n  x\\n  y'", "'>-\\n a\\n b'",
           "'\\t- x'", "'a: b: c'", "'? a'", "'[a, [b], {c: d}]'", "'1e3'", "'1.e+3'", "'.inf'", "'-.INF'", "'.nan'", "'0b11'", "'0x'", "'=1'", "'<<: {a: 1}'", "'- a\\n-b'", "'\"a\\\\u0041\"'", "'a: 1\\na: 2'", "'%YAML 1.2'", "'---\\na\\n---\\nb'", "'...'", "'@x'", "'*a'", "'on: off'", "'null: Null'", "'12e03'", "'- - 1\\n  - 2'", "'é: ñ'"],
    'js': ["'[1, 2,]'", "'{}'", "'nul'", "'NaN'", "'-Infinity'", "'1e400'", "'\"\\\\ud83d\\\\ude00\"'", "'{\"a\": 1, \"a\": 2}'", "'[1] x'", "''", "' [ ] '", "'\"a\\nb\"'", "'01'", "'-0'", "'1.50'", "'{\"a\" 1}'", "'[true, false, null]'", "'123456789012345678901234567890'", "'\"tab\\t\"'", "'{1: 2}'", "'[\"a\", ]'", "'{\"a\": }'", "'\"\\\\x\"'", "'tru'", "'{'"],
    'b64': ["'YQ=='", "'YQ'", "'Y Q = ='", "'/+8='", "'####'", "'w6k='", "'gA=='"],
    'url': ["'http://[::1]:80/'", "'//host/p'", "'mailto:a@b'", "'http://h:99999/'", "'http://h:x/'", "'a?b#c?d'", "'HTTP://Ex.COM:80'", "'file:///etc'", "'http://u@h'", "'http://[::1/'", "'http://h/;p?q'"],
    'dt': ["'2020-02-30 00:00:00'", "'2020-02-29'", "'2020-1-2 3:4:5'", "'10:00'", "' 2020-02-29 00:00:00'", "'2020-02-29 00:00:00.5'", "'99999-01-01 00:00:00'"],
    'fmt': ["'%s %z %Z'", "'%'", "'%5d'", "'%-d'", "'%Q'", "'%U %W %V %G %u %w'", "'%c|%x|%X|%p|%y|%I|%D|%F|%T|%R|%r|%e|%C|%h|%n|%t'", "'é%Y'"],
    'size': ["'1K'", "'1.5 GB'", "'10 Mb'", "'1 KiB'", "'1.2.3K'", "'K'", "'-1M'", "'1 byte'", "'8 bits'", "'1e3'", "' 5 '", "'1 K x'", "'1kb'", "'2 zetta'"],
    'ver': ["'1.0.0'", "'1.0-rc1'", "'1.0.0+b'", "'v2'", "'1..2'", "''", "'1.10a2'", "'2023.4.5'", "'1!2.0'", "'1.0.dev1'"],
    'path': ["'.'", "'..'", "'/'", "'//a'", "'a/'", "'a//b/../c'", "'~/x'", "'~nobody/x'", "'$HOME/x'", "'${NOPE}x'", "'a.b.c'", "'.bashrc'", "'C:\\\\a\\\\b'", "'a\\nb'"],
    # What Python reads as a value, or nearly.
    'lit': ["'1'", "'[1, 2]'", "'{\"a\": 1}'", "'None'", "'True'", "'null'", "'true'", "'1.50'", "'0x1F'", "'(1, 2)'", "'1_000'", "'\\'x\\''", "'1e3'", "'{1, 2}'", "'set()'", "'[1, 2'", "'{a: 1}'", "'[true, null]'", "'{\"a\": true}'", "'[1,, 2]'", "'[]'", "'{}'", "' [1]'", "'[1] '", "'[1]\\n'",
            "'[1] # c'", "'-1'", "'+1'", "'--1'", "'007'", "'1.'", "'.5'", "'\"a\" \"b\"'", "'[a]'", "'[\\'a\\' \\'b\\']'", "'b\\'x\\''", "'[b\\'x\\']'", "'...'", "'{**{}}'", "'[*[1]]'", "'f\\'x\\''", "'[x for x in y]'", "'1 if 2 else 3'", "'[1 if 2 else 3]'", "'[-1, +2, not 3]'", "'[1+2]'", "'[\\'\\\\n\\']'", "'r\\'\\\\n\\''",
            "'[u\\'x\\']'", "'{[]: 1}'", "'{1: 2, 1: 3}'", "'{\"a\": 1,}'", "'[1,]'", "'(1)'", "'(1,)'", "'()'", "'[()]'", "'1,2'", "'[0777]'", "'[1e400]'", "'[\"é\"]'", "'[\"\\\\u00e9\"]'", "'{\"a\": [1, {\"b\": null}]}'", "'[a.b]'", "'[print(1)]'", "'False'", "'no'", "'{\"a\": \\'b\\'}'", "'{{ \\'x\\' }}'", "'[1]]'"],
}

LOOKUPS = [
    "lookup('file', 'inc.j2')", "lookup('file', 'inc.j2', rstrip=false)", "lookup('file', 'nope.txt')", "lookup('file', 'nope.txt', errors='ignore')", "query('file', 'inc.j2', 'bad.j2')", "lookup('file', 'pad.txt', lstrip=true)", "lookup('file', ['inc.j2'])", "lookup('file', l)",
    "lookup('template', 'inc.j2')", "lookup('template', 'inc.j2', template_vars={'x': 5, 's': 'S'})", "lookup('template', 'list.j2')", "lookup('template', 'list.j2', convert_data=false)", "lookup('template', 'list.j2') | type_debug", "lookup('template', 'undef.j2')", "lookup('template', 'bad.j2')", "lookup('template', 'odd.j2', variable_start_string='[[', variable_end_string=']]')", "lookup('template', 'odd.j2', comment_start_string='<!')", "lookup('template', 'head.j2')", "lookup('template', 'list.j2', jinja2_native=true)", "query('template', 'inc.j2', 'list.j2')",
    "lookup('first_found', ['nope', 'inc.j2'])|basename", "lookup('first_found', 'nope', skip=true)", "lookup('first_found', 'nope')", "query('first_found', ['nope'], errors='ignore')", "lookup('first_found', {'files': ['a', 'inc.j2'], 'paths': ['.', 'q']})|basename", "lookup('first_found', files=['inc.j2'], paths=['.'])|basename", "query('first_found', files='nope', skip=true)", "lookup('first_found', [])",
    "lookup('csvfile', 'k file=t.csv delimiter=,')", "lookup('csvfile', 'k', file='t.csv', delimiter=',')", "lookup('csvfile', 'k', file='t.csv', delimiter=',', col=2)", "lookup('csvfile', 'zz', file='t.csv', delimiter=',', default='none')", "lookup('csvfile', 'k', file='t.csv', col=9, delimiter=',')", "query('csvfile', 'k', 'j', file='t.csv', delimiter=',')", "lookup('csvfile', 'k', file='nope.csv')",
    "lookup('ini', 'user', section='one', file='t.ini')", "lookup('ini', 'user', file='t.ini')", "lookup('ini', 'u.*', section='one', file='t.ini', re=true)", "lookup('ini', 'nope', section='one', file='t.ini', default='dd')", "lookup('ini', 'nope section=one file=t.ini')", "lookup('ini', 'user', section='two', file='t.ini')", "lookup('ini', 'user', section='zz', file='t.ini')", "lookup('ini', 'path', type='properties', file='t.properties')", "query('ini', 'user', 'pass', section='one', file='t.ini')",
    "lookup('vars', 's', 'n')", "query('vars', 's', 'nope', default='x')", "lookup('vars', 'tpl')", "lookup('vars', 'uns')", "lookup('vars', 'tb')", "lookup('vars', n)", "lookup('vars', ls)", "lookup('vars', 'shared')", "lookup('vars', 'broken')", "lookup('varnames', '^d.$')", "query('varnames', 'l[su]$', '^n$')", "lookup('varnames', '(')", "lookup('varnames', 5)",
    "lookup('inventory_hostnames', 'all')", "query('inventory_hostnames', 'all:!db')", "lookup('inventory_hostnames', 'nohost')", "query('inventory_hostnames', 'web', 'db')", "lookup('inventory_hostnames', 'web:&all[0]')", "lookup('inventory_hostnames', groups.web[0])",
    "lookup('sequence', 'start=1 end=5 stride=2')", "lookup('sequence', 'count=3 format=n%02d')", "query('sequence', start=1, end=3)", "lookup('sequence', '5-1')", "lookup('sequence', '5-1/-2')", "lookup('sequence', '0x1-0xf/4:%02x')", "lookup('sequence', 'count=0')", "lookup('sequence', 'nope')", "lookup('sequence', 'start=a end=3')", "lookup('sequence', 'end=3 format=x')", "lookup('sequence', n)",
    "lookup('subelements', ld, 'g')", "lookup('subelements', [{'a': {'b': [1, 2]}}], 'a.b')", "query('subelements', [{'a': 1}], 'b', {'skip_missing': true})", "query('subelements', {'x': {'c': [1]}}, 'c')", "query('subelements', l, 'c')", "query('subelements', [d], 'nope')", "query('dict', d, di)", "lookup('dict', l)", "query('dict', {})", "lookup('dict', none)",
    "lookup('env', 'FUZZ_NONE', default='d')", "lookup('env', 'FUZZ_NONE', default=undef())", "query('env', 'FUZZ_NONE', 'X')", "lookup('lines', 'printf 1\\n2')", "lookup('pipe', 'false')", "lookup('pipe', 'exit 3', errors='ignore')", "lookup('unvault', 'inc.j2')", "lookup('config', 'DEFAULT_FORKS')", "lookup('config', 'NOPE')", "lookup('config', 'NOPE', on_missing='skip')", "query('config', 'DEFAULT_TIMEOUT', 'NOPE', on_missing='warn')", "lookup('fileglob', '*.ini')|basename", "query('fileglob', 'nope*')", "query('fileglob', '*.j2')|map('basename')|sort",
    "lookup('ansible.builtin.items', l)", "lookup('ansible.legacy.list', l)", "lookup('no.such.plugin', 1)", "lookup('items')", "lookup()", "lookup(s)", "lookup(nope)", "lookup(l)", "query('list', l, ls)|flatten", "lookup('nested', ll, ls)", "query('together', ll, [1])", "lookup('indexed_items', ls, l)", "query('items', 5, none, 'a')", "lookup('items', nope)", "lookup('list', d.nope)", "q('items', tb)", "lookup('items', ['{{ n }}', uns])", "lookup('list', '{{ n }}')",
]

HEADERS = ['', 'trim_blocks: False, nope', "variable_start_string:'<<',variable_end_string:'>>'", "lstrip_blocks:True,trim_blocks:True", "comment_start_string:'{{'", "line_statement_prefix: '#'", "newline_sequence:'\\n'", 'lstrip_blocks: 1', "trim_blocks: 'no'", 'optimized: False',
           'trim_blocks: False', 'lstrip_blocks: True', 'trim_blocks:False, lstrip_blocks:True', "variable_start_string: '[['", "variable_start_string:'[%', variable_end_string:'%]'", "block_start_string: '<%', block_end_string: '%>'",
           "comment_start_string:'/*',comment_end_string:'*/'", 'nope: 1', 'trim_blocks', 'trim_blocks: x', 'keep_trailing_newline: True', "line_statement_prefix: '%%'", "line_comment_prefix: '##'", "newline_sequence: '\\r\\n'"]

# Files that templates include, import and extend.
FILES = {path.name: path.read_text() for path in sorted((pathlib.Path(__file__).parent / 'files').iterdir())}

BINARY = ['+', '-', '*', '/', '//', '%', '**', '~', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', 'in', 'not in']
TYPES = ['str', 'num', 'bool', 'list', 'dict', 'none', 'undef']
WEIGHTS = [30, 22, 6, 22, 14, 3, 3]


class Grammar(Chance):
    filters, tests, values, lookups = FILTERS, TESTS, ODD, []

    def add_collections(self):
        """Asks what collections bring, too."""
        self.filters, self.tests, self.values, self.lookups = FILTERS | galaxy.FILTERS, TESTS | galaxy.TESTS, ODD | galaxy.VALUES, galaxy.LOOKUPS

    def some_type(self):
        return self.random.choices(TYPES, WEIGHTS)[0]

    def atom(self, kind):
        special = {'ld': 'ld', 'lt': 'lt', 'lu': 'lu', 'js': 'js', 'ym': 'ym', 'b64': 'b64', 'url': 'url', 'dt': 'dt', 'fmt': "'%Y-%m-%d %H:%M:%S %j %a %b %%'"}
        if kind in self.values and (kind not in special or self.chance(50)):
            return self.pick(self.values[kind])
        if kind in special:
            return special[kind]
        if kind == 'any':
            kind = self.some_type()
        if kind == 'str' and self.chance(12):
            return self.pick(self.values[self.pick(list(self.values))])
        if self.chance(6):
            found = self.pick(OF_HOSTS[kind])
            # What they hold besides depends on the machine.
            return found + self.pick(OF_WHOLE) if found in WHOLE else found
        if kind == 'undef' or (kind != 'none' and self.chance(65)):
            return self.pick(BY_TYPE[kind])
        return self.pick(LITERALS[kind])

    def arguments(self, pattern, depth):
        for short, kind in (('$s', 'str'), ('$n', 'num'), ('$l', 'list'), ('$d', 'dict'), ('$a', 'any')):
            while short in pattern:
                pattern = pattern.replace(short, self.expression(kind, depth - 1), 1)
        return pattern

    def noise(self, args, depth):
        """Arguments that are not quite those that are wanted."""
        form = self.random.random()
        if form < 0.3:
            return (args + ', ' if args else '') + self.expression('any', depth - 1)
        if form < 0.5:
            return self.expression('any', depth - 1)
        if form < 0.8:
            return ''
        if form < 0.88:
            return (args + ', ' if args else '') + self.pick(['nope', 'default', 'indent', 'attribute', 'sep', 'key', 'value', 'd', 'width', 'start', 'reverse']) + '=' + self.atom('any')
        if form < 0.94:
            return f"*{self.atom('list')}"
        return f"**{self.atom('dict')}"

    def expression(self, kind='any', depth=3):
        if self.chance(7):
            kind = 'any'
        if depth <= 0 or self.chance(12):
            return self.atom(kind)
        form = self.random.choices(['atom', 'filter', 'method', 'binary', 'test', 'if', 'index', 'unary', 'format', 'list', 'dict', 'slice', 'call', 'group', 'chain', 'date', 'lookup'],
                                   [8, 34, 14, 14, 6, 4, 8, 2, 4, 3, 3, 5, 3, 3, 2, 2, 2])[0]
        return getattr(self, 'make_' + form)(kind, depth)

    def make_atom(self, kind, depth):
        return self.atom(kind)

    def make_group(self, kind, depth):
        return f'({self.expression(kind, depth - 1)})'

    def make_filter(self, kind, depth):
        names = [n for n, f in self.filters.items() if kind in ('any', f[1])] or list(self.filters)
        name = self.pick(names)
        takes, _, patterns = self.filters[name]
        pattern = self.pick(patterns)
        after = ''
        if '|' in pattern and pattern.rpartition('|')[2] in ('list', "map('int')"):
            pattern, _, after = pattern.rpartition('|')
            after = '|' + after
        inner = self.expression(takes, depth - 1)
        if not inner.replace('_', '').isalnum() and self.chance(60):
            inner = f'({inner})'
        args = self.arguments(pattern, depth)
        if self.wild and self.chance(7):
            args = self.noise(args, depth)
        return f'{inner}|{name.strip()}' + (f'({args})' if args else '') + after

    def make_method(self, kind, depth):
        of = self.pick(['str', 'str', 'str', 'list', 'dict', 'num'])
        target = self.atom(of)
        if not target.isalnum():
            target = f'({target})'
        method = self.pick(METHODS[of])
        if self.wild and method.endswith(')') and self.chance(5):
            name, _, args = method[:-1].partition('(')
            if '|' not in method:
                method = f'{name}({self.noise(args, depth)})'
        return f'{target}.{method}'

    def make_binary(self, kind, depth):
        op = self.pick(BINARY)
        same = {'str': 'str', 'num': 'num', 'list': 'list'}.get(kind, 'any')
        left, right = self.expression(same, depth - 1), self.expression(same, depth - 1)
        if op == '**':
            right = self.pick(['2', '0', '-1', '1.0', '3'])
        if op == '*':
            right = self.pick(['2', '0', '-1', '3', 'f', 'n'])
        return f'{left} {op} {right}'

    def make_test(self, kind, depth):
        name = self.pick(list(self.tests))
        args = self.arguments(self.tests[name], depth)
        if self.wild and self.chance(5):
            args = self.noise(args, depth)
        # A number is an open file, and both sides have others open.
        inner = self.atom('str') if name in ASKS_FILES else self.expression('any', depth - 1)
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

    def make_chain(self, kind, depth):
        same = self.pick(['num', 'str', 'any', 'list'])
        parts = [self.expression(same, depth - 2) for _ in range(self.pick([3, 3, 4]))]
        text = parts[0]
        for part in parts[1:]:
            text += f" {self.pick(['<', '<=', '>', '>=', '==', '!=', 'in', 'not in'])} {part}"
        return f"({self.pick(['', '', 'not '])}{text})"

    def make_date(self, kind, depth):
        date = lambda: self.pick(["'2023-04-05 06:07:08'|to_datetime", 'dt|to_datetime', "'2020-02-29'|to_datetime('%Y-%m-%d')", "'2001-01-01'|from_yaml", "'2001-01-01 10:00:00.25'|from_yaml", "'2001-01-01T10:00:00+02:00'|from_yaml"])
        return self.pick([f'({date()}) - ({date()})', f'(({date()}) - ({date()})).{self.pick(["days", "seconds", "total_seconds()", "microseconds", "nope"])}', f'({date()}).{self.pick(["year", "strftime(" + chr(39) + "%d %b" + chr(39) + ")", "isoformat()", "weekday()", "date()", "timestamp()", "hour", "replace(year=1999)", "isocalendar()|list", "nope"])}', f'({date()}) {self.pick(["<", "==", "+", ">="])} ({date()})', f'({date()})|{self.pick(["string", "to_json", "to_yaml", "type_debug", "string|length", "to_nice_json", "pprint", "int"])}', f'[{date()}, {date()}]|{self.pick(["min", "max", "sort", "unique", "join", "sum"])}'])

    def make_lookup(self, kind, depth):
        name = self.pick(['items', 'list', 'dict', 'together', 'nested', 'indexed_items', 'sequence', 'subelements', 'varnames', 'vars', 'env', 'template', 'file', 'first_found', 'pipe', 'fileglob', 'nope'])
        args = ', '.join(self.expression('any', depth - 2) for _ in range(self.pick([0, 1, 1, 2, 3])))
        if name in ('env', 'pipe'):
            args = self.pick(["'FUZZ'", "'true'", "'FUZZ'",  "'FUZZ', default='d'", '1', 'nope'])
        if self.chance(25):
            return self.pick(LOOKUPS + self.lookups)
        extra = self.pick(['', '', '', ', wantlist=true', ", errors='ignore'", ', nope=1', ", errors='warn'", ', wantlist=nope', ', errors=s', ', default=5'])
        return f"{self.pick(['lookup', 'query', 'q'])}('{name}'{', ' + args if args else ''}{extra})"

    # Statements.

    def statements(self, depth=2):
        return ''.join(self.statement(depth) for _ in range(self.pick([1, 1, 2, 3])))

    def statement(self, depth):
        form = self.random.choices(['text', 'print', 'if', 'for', 'set', 'set_block', 'macro', 'with', 'raw', 'comment', 'filter', 'call', 'namespace', 'loop', 'append', 'tree', 'include', 'literal', 'space', 'names', 'turns', 'macros', 'context'],
                                   [10, 22, 12, 14, 10, 4, 6, 4, 2, 2, 4, 3, 4, 6, 4, 2, 3, 3, 3, 3, 3, 4, 3])[0]
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

    def state_tree(self, depth):
        tree = "[{'n': 1, 'c': [{'n': 2, 'c': []}, {'n': 3}]}, {'n': 4, 'c': [{'n': 5, 'c': [{'n': 6}]}]}]"
        body = self.pick(['{{ x.n }}', '{{ loop.depth }}{{ x.n }}', '{{ loop.depth0 }}:{{ loop.index }}{{ x.n }}', '{{ x.n }}{{ loop.first }}', '{{ loop.length }}{{ x }}'])
        inner = self.pick(['{{ loop(x.c) }}', '{% if x.c %}({{ loop(x.c) }}){% endif %}', '{{ loop(x.c|default([])) }}', '{{ loop(x.c|default([]))|upper }}', '{{ loop(x.nope) }}', '{% set r = loop(x.c|default([])) %}{{ r }}', '{% for y in x.c|default([]) %}{{ loop(y) }}{% endfor %}'])
        return self.tag(f'for x in {tree} recursive') + body + inner + self.tag('endfor')

    def state_space(self, depth):
        """White space around tags."""
        around = lambda: self.pick(['', ' ', '\n', '  \n', '\n  ', '\t', '\r\n', 'x', ' x ', '\n\n', '\xa0', '\x0b'])
        tag = lambda text: '{%' + self.pick(['', '-', '+']) + self.pick(['', ' ', '\n', '\t']) + text + self.pick([' ', '', '\n']) + self.pick(['', '-', '+']) + '%}'
        show = lambda: '{{' + self.pick(['', '-', '+']) + self.pick(['s', ' n', '\n l', ' -n', ' 1']) + self.pick(['', ' ', '-']) + '}}'
        note = lambda: '{#' + self.pick(['', '-', '+']) + self.pick(['c', ' \n', '#', '{{ s }}', '']) + self.pick(['', '-', '+']) + '#}'
        pieces = [[tag('if t'), around(), show(), around(), tag('else'), around(), tag('endif')], [tag('for x in l'), around(), '{{ x }}', around(), tag('endfor')], [tag('set q = 1'), around(), show()], [note(), around(), note()], [show(), around(), show()], [tag('raw'), around(), '{{ x', around(), tag('endraw')]]
        return ''.join(around() + ''.join(self.pick(pieces)) for _ in range(self.pick([1, 2, 3]))) + around()

    def state_names(self, depth):
        """Namespaces."""
        made = self.pick(['namespace(c=0, s=s)', 'namespace(d)', 'namespace(d, a=9)', "namespace([('a', 1)])", 'namespace()', 'namespace(n)', 'namespace(c=[])', 'namespace(ns=namespace(c=1))', 'namespace(**d)', 'namespace(s)', 'namespace(c=nope)', 'd', 's'])
        body = self.pick(['set ns.c = ' + self.expression('any', 1), 'set ns.a, ns.b = 1, 2', "set ns['c'] = 1", 'set ns.c = (ns.c|default(0)) ~ x', 'set _ = ns.c.append(x)', 'set ns.ns.c = 5', 'set x, ns.c = 1, 2', 'set ns = 5', 'set other.c = 1', 'set ns.items = 1'])
        last = self.pick(['ns.c', 'ns', 'ns|type_debug', 'ns.ns.c', "ns['c']", 'ns.nope', 'ns is mapping', 'ns is iterable', 'ns|list', 'ns|length', 'ns.a ~ ns.b', 'ns == ns', 'ns.c|default("x")', "ns.nope is defined", 'ns.items', 'ns|to_json', 'ns.c.d', "ns|attr('c')", 'ns is callable', 'ns()', 'ns ~ ""|length'])
        loop = self.pick(['for x in l', 'for x in ls if x', 'if t', 'with x = 1', 'filter upper'])
        kind = loop.split()[0]
        block = self.tag(body) if self.chance(85) else self.tag('set ns.c' + self.pick(['', ' | upper', ' | length'])) + self.pick(['blk', '{{ s }}', '[1]']) + self.tag('endset')
        return self.tag(f'set ns = {made}') + self.tag(loop) + block + self.tag('end' + kind) + '{{ ' + last + ' }}'

    def state_turns(self, depth):
        """What loops tell of themselves."""
        source = self.pick(['l', 'ls', 'd', 's', 'range(4)', 'd.items()', 'ld', 'le', 'nope', 'n', "l|map('string')", 'l|select', 'd.nope', 'ld|groupby("g")', 'tl', 'l|batch(2)', 'hostvars', 'groups', "'ab'|list", 'no', 'ul', 'll', 'l if t', 'l if fl', 'd|dictsort', 'cycler(1, 2)', '{1: 2}', '(1, 2)', 'q("items", l)'])
        told = lambda: 'loop.' + self.pick(['index', 'index0', 'revindex', 'revindex0', 'first', 'last', 'length', 'depth', 'depth0', 'previtem', 'nextitem', 'cycle("a", "b")', 'cycle()', 'cycle(*l)', 'changed(x)', 'changed()', 'changed(x, n)', 'nope', 'index + 1', 'nextitem|default("end")', 'previtem is defined', "index is odd", 'length|string', 'cycle', 'index.nope', 'last|type_debug', 'changed|type_debug', 'nextitem.k'])
        shown = self.pick(['{{ %s }}', '{{ %s }},{{ x }}', '{%% if %s %%}y{%% endif %%}', '{{ %s ~ "" }}', '{%% set r = %s %%}{{ r }}', '{{ [%s] }}', '{%% for x in l %%}{{ loop.index }}{%% endfor %%}{{ %s }}', '{%% set outer = loop %%}{%% for y in ls %%}{{ outer.index }}{%% endfor %%}{{ %s }}', '{%% macro i() %%}{{ loop is defined }}{%% endmacro %%}{{ i() }}{{ %s }}', '{%% include "loop.j2" %%}{{ %s }}', '{{ loop is defined }}{{ loop|length }}{{ %s }}', '{%% set loop = 1 %%}{{ %s }}', '{%% with %s as w %%}{%% endwith %%}', '{{ loop is iterable }}{{ loop is callable }}{{ %s }}']) % told()
        some = self.pick(['', '', '', ' if x', ' if loop.first', ' if x is defined', ' if x != 1', ' if nope', ' recursive'])
        target = self.pick(['x', 'x', 'x', 'x, y', '(x, y)', 'x, (y, z)', 'x,', 'loop', 's', 'ns.a'])
        return self.tag(f'for {target} in {source}{some}') + shown + (self.tag('else') + 'E{{ loop is defined }}{{ x is defined }}' if self.chance(25) else '') + self.tag('endfor') + self.pick(['', '', '{{ x is defined }}', '{{ loop is defined }}', '{{ s }}'])

    def state_macros(self, depth):
        """Macros in macros, and what calls them with a body."""
        params = self.pick(['', 'a', 'a, b=a', 'a=s', 'a, caller=none', 'b=nope', 'a, a', 's', 'a=[]', 'a, b', 'loop', 'varargs', 'kwargs=1', 'a=caller'])
        body = self.pick(['{{ caller() }}', '{{ caller(1) }}', '{{ caller(a, b) }}', '{{ caller is defined }}{{ caller() if caller }}', '{{ caller(x=1) }}', '{{ varargs }}{{ kwargs }}', '{{ varargs|length }}{{ kwargs.z }}', '{{ kwargs|dictsort }}', '{% for v in varargs %}{{ v }}{{ caller(v) }}{% endfor %}', '{{ a }}{{ caller }}', '{{ caller.name }}{{ caller.arguments }}', '{{ a.append(1) }}{{ a }}', '{% set a = 5 %}{{ a }}', '{{ outer is defined }}{{ a }}', '{{ s }}{{ n }}', '{% if a %}{{ m(a - 1) }}{% endif %}{{ a }}', '{{ self }}', '{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{{ m.name }}', '[{{ a }}, 1]', '{{ caller()|upper }}', '{% call m2() %}{{ caller() }}{% endcall %}', '{{ m2(a) }}', '{% filter upper %}{{ caller() }}{{ a }}{% endfilter %}', '{% set blk %}{{ caller() }}{% endset %}{{ blk|length }}'])
        call = self.pick(['{{ m() }}', '{{ m(1) }}', '{{ m(2, 3, 4) }}', '{{ m(a=1, z=2) }}', '{{ m(*l) }}', '{{ m(**d) }}', '{{ m(s)|upper }}', '{{ m(caller=m2) }}', '{% call m() %}in{% endcall %}', '{% call m(1) %}{{ s }}{{ a }}{% endcall %}', '{% call(x) m(2) %}<{{ x }}>{% endcall %}', '{% call(x, y=2) m(l) %}<{{ x }}{{ y }}>{% endcall %}', '{% call(*x) m() %}{% endcall %}', '{% call m(caller=1) %}z{% endcall %}', '{% call m() %}{% call m2() %}deep{% endcall %}{% endcall %}', '{% for x in l %}{% call m(x) %}{{ loop.index }}{% endcall %}{% endfor %}', '{% call s() %}{% endcall %}', '{% call nope() %}{% endcall %}', '{{ m(m) }}', '{{ m is callable }}{{ m|type_debug }}', '{{ m(nope) }}', '{{ m(1, a=1) }}', '{{ [m(1)] }}', '{{ m(1)[0] }}', '{{ (m(1) + "x") }}', '{% set r = m(3) %}{{ r|type_debug }}{{ r }}', "{{ [1, 2]|map('string')|map(m)|list }}", '{{ m(1)|length }}', '{% call(x=s) m() %}{{ x }}{% endcall %}'])
        second = self.pick(['', '{% macro m2(a=0) %}({{ caller() if caller else a }}){% endmacro %}', '{% macro m2() %}{{ caller() }}{% endmacro %}', '{% macro m2(a) %}{{ m(a) if a > 100 }}{{ a }}{% endmacro %}'])
        nested = self.tag(f'macro m({params})') + self.pick(['', '', '{% macro inner(q=1) %}{{ q }}{{ a }}{% endmacro %}{{ inner() }}']) + body + self.tag('endmacro')
        return second + self.pick(['', '', '{% set n = 7 %}']) + nested + self.pick(['', '', '{% set s = 8 %}']) + call

    def state_context(self, depth):
        """What other templates see."""
        how = self.pick(['', ' with context', ' without context'])
        setup = self.pick(['', '{% set x = 7 %}', '{% set s = "here" %}', '{% set n = 1 %}{% set l = [9] %}', '{% for x in l %}', '{% with s = "w" %}', '{% macro mm2() %}', '{% if t %}', '{% set made = 0 %}'])
        used = self.pick([f'{{% include "inc.j2"{how} %}}', f'{{% include "loop.j2"{how} %}}', f'{{% include "nest.j2"{how} %}}', f'{{% import "deep.j2" as dd{how} %}}{{{{ dd.outer(1) }}}}', f'{{% import "deep.j2" as dd{how} %}}{{% call(z) dd.outer(s) %}}{{{{ z }}}}{{{{ s }}}}{{% endcall %}}', f'{{% from "deep.j2" import exported{how} %}}{{{{ exported }}}}', f'{{% from "deep.j2" import m{how} %}}{{{{ m(2) }}}}', f'{{% import "mac.j2" as mm{how} %}}{{{{ mm.m(n) }}}}{{{{ mm.v }}}}', f'{{% from "inc.j2" import made, x{how} %}}{{{{ made }}}}{{{{ x }}}}', f'{{% include ["nope.j2", "loop.j2"] ignore missing{how} %}}', f'{{% import "nest.j2" as nn{how} %}}{{{{ nn.x }}}}{{{{ nn }}}}', f'{{% import "mac.j2" as mm{how} %}}{{{{ mm|type_debug }}}}{{{{ mm.__name__ }}}}', f'{{% from "mac.j2" import m as s{how} %}}{{{{ s(1) }}}}', f'{{% import s as mm{how} %}}', f'{{% include "./inc.j2"{how} %}}', f'{{% from "mac.j2" import nope{how} %}}{{{{ nope is defined }}}}{{{{ nope() }}}}', f'{{% include "list.j2"{how} %}}', f'{{% include "head.j2"{how} %}}', f'{{% set f = "inc.j2" %}}{{% include f{how} %}}', f'{{% include d{how} %}}', f'{{% include []{how} %}}', f'{{% include "alone.j2"{how} %}}', f'{{% include ["nope.j2", "alone.j2"]{how} %}}'])
        word = setup[3:].split()[0] if setup else ''
        end = {'for': '{% endfor %}', 'with': '{% endwith %}', 'macro': '{% endmacro %}{{ mm2() }}', 'if': '{% endif %}'}.get(word, '')
        return setup + used + end + self.pick(['', '', '{{ s }}', '{{ x }}', '{{ made }}', '{{ exported }}', '{{ m(1) }}'])

    def state_include(self, depth):
        return self.pick(['{% include "inc.j2" %}', '{% include "inc.j2" without context %}', '{% include ["nope.j2", "inc.j2"] %}', '{% include "nope.j2" ignore missing %}', '{% include "nope.j2" %}', '{% include "bad.j2" %}', '{% include "undef.j2" %}', '{% include s %}', '{% include l %}', '{% include nope %}', '{% include "undef.j2" ignore missing %}',
                          '{% import "mac.j2" as mm %}{{ mm.m(1) }}{{ mm.v }}', '{% import "mac.j2" as mm with context %}{{ mm.m(s, b=n) }}{{ mm }}', '{% import "mac.j2" as mm %}{{ mm._hidden }}{{ mm.nope }}', '{% from "mac.j2" import m %}{{ m(1, 2) }}', '{% from "mac.j2" import m as k, v with context %}{{ k() }}{{ v }}', '{% from "mac.j2" import nope %}{{ nope }}',
                          '{% from "mac.j2" import w %}{% call w() %}x{{ s }}{% endcall %}', '{% import "inc.j2" as i %}{{ i.made }}{{ i }}', '{% from "inc.j2" import made %}{{ made }}', '{% include "base.j2" %}', '{% include "mid.j2" %}', '{% for x in l %}{% include "inc.j2" %}{% endfor %}', '{% set x = 7 %}{% include "inc.j2" %}', '{% import "bad.j2" as b %}', '{% import "undef.j2" as b %}{{ b }}'])

    def state_literal(self, depth):
        return self.pick(['[{{ %s }}, 1]', '{"a": {{ %s }}}', "['{{ %s }}']", '{{ %s }}', "{{ %s }}, {{ n }}", '[1, {{ %s }}]', '{%% if t %%}[{{ %s }}]{%% endif %%}', '{{ n }}{{ %s }}']) % self.pick([self.atom('lit'), self.atom('lit'), self.expression('any', 1)])

    def extended(self):
        """A template that extends another."""
        parent = self.pick(['"base.j2"', '"base.j2"', '"mid.j2"', '"mid.j2"', '"nope.j2"', 's', '"base.j2" if t else "mid.j2"'])
        text = self.pick(['', self.statements(1)]) + '{% extends ' + parent + ' %}' + self.pick(['', 'ignored {{ nope }}', self.statements(1)])
        for name in self.pick([['one'], ['two'], ['one', 'two'], ['three']]):
            text += '{% block ' + name + self.pick(['', '', ' scoped']) + ' %}' + self.pick(['', '{{ super() }}', '{{ super.super() }}', '{{ self.two() }}', '{{ self.one }}']) + self.statements(1) + '{% endblock %}'
        return text

    def case(self):
        """A request."""
        mode = self.random.choices(['playbook', 'file', 'native', 'condition'], [50, 25, 12, 13])[0]
        if mode == 'condition':
            template = self.expression('any', 3)
        elif mode == 'file':
            template = self.extended() if self.chance(8) else self.statements(2)
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
        if isinstance(template, str) and mode != 'condition' and self.chance(5):
            template = '#jinja2:' + self.pick(['', ' ']) + self.pick(HEADERS) + '\n' + template
        return {'template': template, 'vars': VARS, 'mode': mode, 'show': 'python'}


def line(case):
    return json.dumps(case)
