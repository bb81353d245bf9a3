"""The runs of all rounds, and how they compare."""

from statistics import median


class Results:
    def __init__(self):
        self.runs = {}

    def add(self, case, server, number, run):
        self.runs.setdefault((case, server), []).append({"round": number, **run})

    def of(self, case, server):
        return self.runs.get((case, server), [])

    def has_case(self, case):
        return any(name == case for name, _ in self.runs)

    def median(self, case, server, metric):
        values = [run[metric] for run in self.of(case, server) if metric in run]
        return median(values) if values else None

    def ratio(self, case, ours, theirs):
        """Of two (server, metric), within each round: what else the machine does changes slowly."""
        mine, other = (self._by_round(case, *one) for one in (ours, theirs))
        both = [number for number in mine.keys() & other.keys() if other[number]]
        ratios = [mine[number] / other[number] for number in both]
        return median(ratios) if ratios else None

    def _by_round(self, case, server, metric):
        return {run["round"]: run[metric] for run in self.of(case, server) if metric in run}
