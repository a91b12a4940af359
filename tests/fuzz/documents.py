"""YAML documents made by chance, good and bad, and values to be written as YAML."""
from chance import Chance

SCALARS = ['a', 'b c', '1', '-1', '+1', '0', '007', '0o17', '0x1F', '0b11', '1_000', '1.5', '-.5', '.5', '1.', '1e3', '1.e+3', '1.5e3', '1.5e+3', '.inf', '-.INF', '.nan', '1:30', '1:30:15.5', '190:20:30', '~', 'null', 'Null', 'NULL', 'nULL',
           'yes', 'No', 'ON', 'off', 'y', 'n', 'true', 'False', 'TRUE', 'tRUE', '2001-01-01', '2001-1-1', '2001-01-01 10:00:00', '2001-01-01T10:00:00Z', '2001-01-01t10:00:00.5+01:30', '2001-01-01 10:00:00 -5', '2001-13-01', '=', '<<', '-', '--', '---', '...', '?', '? a', ':', ':a',
           'a:b', 'a: b', 'a :b', 'a#b', 'a #b', '#', '@a', '`a', '%a', '&a', '*a', '!a', '!', '|', '>', '[', ']', '{', '}', ',', 'a,b', "it's", 'a"b', "'", '"', '\\', 'a\\nb', 'é', '中', '😀', '\x07', '\x85', '\u2028', '\ufeff', '\t', 'a\tb', ' a', 'a ', '', 'None', 'nan', 'inf', '0x', '0b', '0b2', '08', '1e', '1__0', '_1', '1_',
           '+.inf', '1e400', '123456789012345678901', '12e03', '-0', '0.0', '{{ x }}', '{{ x }}: y', '- a', 'a:', '!!str', '<<: *a', 'a\n', '\n', '\n\na', 'a\nb', 'a\n\nb\n\n', ' a\n b', 'a  \nb', '\ta\n b', 'a\r\nb', 'x' * 90, 'word ' * 30, 'x' * 40 + ' ' + 'y' * 60]
QUOTED = ["'a'", "'it''s'", "''", "'a\n  b'", "'a\n\n  b'", '"a"', '"\\n\\t\\x41\\u00e9\\U0001F600\\e\\0\\_\\L"', '"a\\\n  b"', '"a\n  b"', '"\\q"', '"\\x4"', '"', "'a", '"\\ud83d\\ude00"', '"a" b', "'a' 'b'", '"\\/"', '"\\ "']
TAGS = ['!!str', '!!int', '!!float', '!!bool', '!!null', '!!seq', '!!map', '!!set', '!!omap', '!!pairs', '!!binary', '!!timestamp', '!!python/tuple', '!!python/none', '!foo', '!', '!!', '!<tag:yaml.org,2002:str>', '!<x', '!e!x', '!unsafe', '!vault', '!!merge', '!!value']


class Grammar(Chance):
    # Documents.

    def scalar(self):
        text = self.pick(SCALARS) if self.chance(75) else self.pick(QUOTED)
        return text.replace('\n', '\n  ') if self.chance(50) else text.replace('\n', ' ')

    def properties(self):
        out = ''
        if self.chance(8):
            out += self.pick(TAGS) + ' '
        if self.chance(8):
            out += '&' + self.pick(['a', 'b', 'é', 'a-b', '']) + ' '
        return out

    def flow(self, depth):
        if depth <= 0 or self.chance(40):
            return self.properties() + (self.scalar() if not self.chance(6) else self.pick(['*a', '*b', '*']))
        items = [self.flow(depth - 1) for _ in range(self.pick([0, 1, 2, 3]))]
        if self.chance(50):
            text = '[' + self.pick([', ', ',', ' ,', ',\n    ']).join(items) + self.pick(['', '', ',', ' ']) + ']'
        else:
            pairs = [self.pick(['', '? ', '', '']) + item + self.pick([': ', ':', ' : ', '', ':  ']) + self.pick([self.flow(0), self.flow(0), '']) for item in items]
            text = '{' + self.pick([', ', ',']).join(pairs) + self.pick(['', '', ',']) + '}'
        return self.properties() + text

    def block_scalar(self, indent):
        header = self.pick(['|', '>', '|', '>', '|-', '>-', '|+', '>+', '|2', '>1-', '|+2', '|0', '> # c', '|x'])
        inner = indent + self.pick(['  ', '  ', '  ', ' ', '', '    '])
        lines = [inner + self.pick(['a', 'b c', '', ' more', '\tx', '- x', '# no', 'é', 'a: b', ' ', '']) for _ in range(self.pick([0, 1, 2, 3, 4]))]
        return header + '\n' + '\n'.join(lines)

    def comment(self):
        return self.pick(['', '', '', '', ' # c', '#c', ' #'])

    def node(self, depth, indent=''):
        """What stands after a dash or a colon."""
        form = self.random.random()
        if depth <= 0 or form < 0.4:
            if self.chance(7):
                return ' ' + self.pick(['*a', '*b', '*nope'])
            return ' ' + self.properties() + self.scalar() + self.comment()
        if form < 0.5:
            return ' ' + self.flow(2) + self.comment()
        if form < 0.6:
            return ' ' + self.properties() + self.block_scalar(indent)
        deeper = indent + self.pick(['  ', '  ', '  ', ' ', '    ', '', '\t'])
        return self.pick(['', ' ', '']) + self.properties().rstrip() + self.comment() + '\n' + self.block(depth - 1, deeper)

    def block(self, depth, indent=''):
        lines = []
        is_list = self.chance(45)
        for _ in range(self.pick([1, 1, 2, 3])):
            here = indent if not self.chance(3) else indent + self.pick([' ', '\t'])
            if is_list:
                lines.append(here + '-' + self.node(depth, indent))
            else:
                key = self.pick(['a', 'b', 'c', 'k', '<<', '1', 'yes', '"q"', "'q'", '? x', '~', '[a]', '{a: b}', 'a b', 'é', '- x', '', '!!str 5', '&a k', '*a']) if self.chance(60) else self.scalar()
                lines.append(here + key + self.pick([':', ':', ':', ':', ' :', '']) + self.node(depth, indent))
            if self.chance(4):
                lines.append(self.pick(['', '  ', '# comment', indent + '# comment', '\t']))
        return '\n'.join(lines)

    def document(self):
        text = self.pick(['', '', '', '---\n', '--- ', '%YAML 1.1\n---\n', '%YAML 1.2\n---\n', '%YAML 2.0\n---\n', '%TAG !e! tag:x,2000:\n---\n', '# c\n', '\ufeff', '\n\n', '%FOO\n---\n'])
        text += self.pick([self.block(3), self.block(2), self.flow(3), self.properties() + self.scalar(), self.properties() + self.block_scalar(''), self.block(3)])
        text += self.pick(['\n', '\n', '', '\n...\n', '\n---\n', '\n---\nb\n', '\n\n', ' ', '\n...\nx'])
        if self.chance(30 if self.wild else 12):
            at = self.random.randrange(len(text) + 1)
            text = text[:at] + self.pick([':', '-', ' ', '\n', "'", '"', '[', '}', '#', '\t', '!', '&', '*', ',', '|', '\x00', '?', '%']) + text[at:]
        return text

    # Values.

    def value(self, depth):
        form = self.random.random()
        if depth <= 0 or form < 0.5:
            return self.pick([self.pick(SCALARS), self.pick(SCALARS), self.pick(SCALARS), self.pick(SCALARS), self.pick([0, 1, -5, 10**20, 1.5, 1e20, 1e-7, 1e16, 123456.789, -0.0, 2.0, True, False, None])])
        if form < 0.75:
            return [self.value(depth - 1) for _ in range(self.pick([0, 1, 2, 3]))]
        return {self.pick(SCALARS): self.value(depth - 1) for _ in range(self.pick([0, 1, 2, 3]))}

    def case(self):
        """A request."""
        if self.chance(60):
            read = self.pick(['from_yaml', 'from_yaml', 'from_yaml', 'from_yaml_all|list'])
            return {'template': '{{ [doc|' + read + '] }}', 'vars': {'doc': {'__unsafe__': self.document()}}, 'mode': 'playbook', 'show': 'python'}
        args = self.pick(['', '', '', 'indent=4', 'width=20', 'width=1000', 'default_flow_style=true', 'default_flow_style=false', "default_style='|'", "default_style='>'", "default_style='\"'", 'default_style="\'"', 'explicit_start=true', 'explicit_end=true', 'sort_keys=false', 'canonical=true', 'indent=1', 'indent=9, width=5', "line_break='\\r\\n'", 'default_flow_style=none'])
        write = self.pick(['to_yaml', 'to_nice_yaml'])
        # A value goes both ways: what is written is read again.
        return {'template': '{{ [v|' + write + (f'({args})' if args else '') + '] }}', 'vars': {'v': {'__unsafe__': self.value(3)}}, 'mode': 'playbook', 'show': 'python'}
