"""Filters, tests and lookups of collections, as in grammar.py."""

VALUES = {
    'ip': ["'192.168.1.5/24'", "'10.0.0.1'", "'::1'", "'2001:db8::1/64'", "'300.1.1.1'", "'192.168.0.0/16'", "'fe80::1%eth0'", "'10.0.0.0/33'", "'127.0.0.1'", "'0.0.0.0/0'", "'::ffff:1.2.3.4'", "'2002:c000:204::'", "''", "'1.2.3'", "'224.0.0.1'", "'host'", "'192.168.1.255/24'", "'10.1.1.1/31'", 'n', 's'],
    'mac': ["'52:54:00:12:34:56'", "'5254.0012.3456'", "'525400123456'", "'52-54-00-12-34-56'", "'52:54:00'", "'x'", "''"],
    'span': ["'1h 30m'", "'2d'", "'90s'", "'1y 2mo'", "'100ms'", "'1 hour 5'", "'x'", "'5'", "''", "'-3m'", "'2weeks'", "'1.5h'", 'n', 'f'],
    'table': ["'a,b\\n1,2\\n'", "'a,b\\n1\\n'", "'a;b\\n1;2'", "''", "'a,a\\n1,2,3'", "'\"x y\",z\\n1, 2'"],
    'paths': ["{'a': {'b': [1, {'c': 2}]}}", 'dn', 'd', 'ld', "{'x.y': {1: 2}}"],
}

FILTERS = {
    'community.general.counter': ('list', 'dict', ['']), 'community.general.crc32': ('str', 'str', ['']), 'community.general.dict': ('lt', 'dict', ['']),
    'community.general.dict_kv': ('any', 'dict', ["'k'", '$s', '']), 'community.general.from_csv': ('table', 'list', ['', "delimiter=';'", "dialect='excel-tab'", "skipinitialspace=true", "fieldnames=['x', 'y']", 'strict=true', "dialect='nope'"]),
    'community.general.groupby_as_dict': ('ld', 'dict', ["'k'", "'v'", "'nope'", '$s']),
    'community.general.json_query': ('any', 'any', ["'a'", "'[0]'", "'[*].k'", "'[?v==`1`].k'", "'length(@)'", "'keys(@)'", "'c[-1]'", "'{x: a, y: b}'", "'x.y.z'", "'[].k | [0]'", "'sort(@)'", "'join(`,`, @)'", "'@'", "'['", "''", "'max_by(@, &v).k'", "'[?contains(k, `x`)]'", "'type(@)'", "'to_string(@)'", "'[::2]'", "'*'", '$s']),
    'community.general.lists_mergeby': ('ld', 'list', ["'k'", "[{'k': 'x', 'w': 5}], 'k'", "[{'k': 'x', 'v': [1]}], 'k', recursive=true", "[{'k': 'y', 'v': [1]}], 'k', list_merge='append'", "ld, 'nope'", '$l, $s']),
    'community.general.random_mac': ('str', 'str', ["seed='x'"]), 'community.general.unicode_normalize': ('str', 'str', ['', "'NFKD'", "form='NFC'", "'x'"]),
    'community.general.version_sort': ('lu', 'list', ['', 'reverse=true', 'true']),
    'community.general.to_time_unit': ('span', 'num', ["'m'", "unit='h'", '', "'x'"]), 'community.general.to_seconds': ('span', 'num', ['']), 'community.general.to_minutes': ('span', 'num', ['']),
    'community.general.to_hours': ('span', 'num', ['']), 'community.general.to_days': ('span', 'num', ['']), 'community.general.to_weeks': ('span', 'num', ['']), 'community.general.to_months': ('span', 'num', ['']), 'community.general.to_years': ('span', 'num', ['']), 'community.general.to_milliseconds': ('span', 'num', ['']),
    'ansible.utils.keep_keys': ('any', 'any', ["target=['a']", "target=['k', 'v'], matching_parameter='equality'", "target=['^k'], matching_parameter='regex'", "target=['k'], matching_parameter='starts_with'", "target='a'", '']),
    'ansible.utils.remove_keys': ('any', 'any', ["target=['a']", "target=['k', 'v']", "target=['.'], matching_parameter='regex'", "target=['k'], matching_parameter='ends_with'"]),
    'ansible.utils.replace_keys': ('any', 'any', ["target=[{'before': 'a', 'after': 'q'}]", "target=[{'before': 'k', 'after': 'kk'}], matching_parameter='starts_with'", "target=[{'before': 'a'}]"]),
    'ansible.utils.index_of': ('list', 'any', ["'eq', 1", "'>', 1", "'eq', 'x', 'k'", "'==', 9", "'eq', 1, 'v', wantlist=true", "'nope', 1", "'odd'", "'match', 'a'", "'eq', 1, 'nope'", "'eq', 1, 'nope', fail_on_missing=true"]),
    'ansible.utils.to_paths': ('paths', 'dict', ['', "prepend='p'", 'wantlist=true', "prepend=1"]), 'ansible.utils.get_path': ('paths', 'any', ["'a'", "'a.b[0]'", "'a.b[1].c'", "'x.y.z'", "'nope'", "'a.b', wantlist=true", "'[0].k'", "''"]),
    'ansible.utils.ipaddr': ('ip', 'any', ['', "'address'", "'network'", "'netmask'", "'prefix'", "'host'", "'size'", "'broadcast'", "'1'", "'-1'", "'192.168.0.0/16'", "'bool'", "'int'", "'net'", "'public'", "'private'", "'revdns'", "'type'", "'version'", "'subnet'", "'range_usable'", "'ip/prefix'", "'wrap'", "'nope'", "'first_usable'", "'last_usable'", "'next_usable'", "'hostmask'", "'cidr'", "'peer'", "'ipv6'", "'6to4'", "'loopback'", "'multicast'", "'link-local'", "'unicast'", '1', "'address', version=6", "'address', alias='x'"]),
    'ansible.utils.ipv4': ('ip', 'any', ['', "'address'"]), 'ansible.utils.ipv6': ('ip', 'any', ['', "'address'"]), 'ansible.utils.ipwrap': ('ip', 'any', ['']), 'ansible.utils.ipsubnet': ('ip', 'any', ['', '26', '26, 1', "26, -1", "'192.168.0.0/16'", '8', '129', "24, '192.168.0.0/16'"]),
    'ansible.utils.ipmath': ('ip', 'any', ['5', '-5', "'x'", '300']), 'ansible.utils.nthhost': ('ip', 'any', ['1', '-2', '999', "'1'"]), 'ansible.utils.next_nth_usable': ('ip', 'any', ['1', '9', '300']), 'ansible.utils.previous_nth_usable': ('ip', 'any', ['1', '3']),
    'ansible.utils.network_in_network': ('ip', 'any', ["'192.168.0.0/16'", "'10.0.0.1'", "'x'"]), 'ansible.utils.network_in_usable': ('ip', 'any', ["'192.168.1.7'", "'10.0.0.1'"]), 'ansible.utils.reduce_on_network': ('list', 'list', ["'192.168.0.0/16'"]), 'ansible.utils.cidr_merge': ('list', 'any', ['', "'span'", "'x'"]),
    'ansible.utils.ip4_hex': ('ip', 'any', ['', "':'"]), 'ansible.utils.usable_range': ('ip', 'any', ['']), 'ansible.utils.hwaddr': ('mac', 'any', ['', "'cisco'", "'bare'", "'bool'", "'int'", "'linux'", "'unix'", "'win'", "'postgresql'", "'nope'"]), 'ansible.utils.macaddr': ('mac', 'any', ['', "'unix'"]), 'ansible.utils.slaac': ('ip', 'any', ["'52:54:00:12:34:56'", "'x'"]),
    'ansible.netcommon.ipaddr': ('ip', 'any', ['', "'address'"]), 'ipaddr': ('ip', 'any', ["'address'", "'net'"]), 'json_query': ('any', 'any', ["'a'", "'[0]'"]), 'kubernetes.core.k8s_config_resource_name': ('dict', 'str', ['']),
}

TESTS = {f'ansible.utils.{name}': '' for name in ('ip', 'ip_address', 'ipv4', 'ipv6', 'ipv4_address', 'ipv6_address', 'ipv4_netmask', 'ipv4_hostmask', 'ipv6_ipv4_mapped', 'ipv6_sixtofour', 'ipv6_teredo', 'loopback', 'multicast', 'private', 'public', 'reserved', 'unspecified', 'mac')} | {
    'ansible.utils.in_network': "'192.168.0.0/16'", 'ansible.utils.subnet_of': "'192.168.0.0/16'", 'ansible.utils.supernet_of': "'192.168.1.0/30'", 'ansible.utils.in_any_network': "['10.0.0.0/8', '192.168.0.0/16']", 'ansible.utils.in_one_network': "['10.0.0.0/8']",
}

LOOKUPS = [
    "query('community.general.cartesian', l, ls)", "query('community.general.flattened', ll, [1, [2]])", "lookup('community.general.flattened', s)", "query('community.general.dependent', {'a': [1, 2]}, {'b': '[item.a, item.a + 1]'})", "query('community.general.dependent', {'a': ls}, {'b': 'nope'})",
    "lookup('community.general.merge_variables', 'd', pattern_type='prefix')", "lookup('community.general.merge_variables', '^l[su]$')", "lookup('community.general.merge_variables', 'zz')", "lookup('community.general.cartesian', s, e)", "lookup('cartesian', l, [1])", "lookup('flattened', l, ll)",
]
