"""What every grammar draws by chance."""


class Chance:
    def __init__(self, random, wild=False):
        self.random = random
        # Whether calls get arguments that nobody would give them.
        self.wild = wild

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, percent):
        return self.random.random() * 100 < percent
