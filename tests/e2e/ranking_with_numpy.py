#!/usr/bin/python3
"""Every number of `evaluate --at`, computed again by numpy from the files alone.

usage: ranking_with_numpy.py FACTORPS
Exit code 77 if h5py or numpy is not installed (Debian: python3-h5py).
"""
import collections
import csv
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error} (Debian package python3-h5py)")
    sys.exit(77)

KS = (1, 3, 10, 50)
RELEVANT_FROM = 3.5
CONFIG = """
[data]
source = ["data.train.csv"]
test = ["data.test.csv"]
dataset = "data.h5"
[split]
validation_method = "none"
[model]
dim = 4
[train]
epochs = 2
[run]
dir = "run"
[attributes.items]
source = "items.csv"
categories = "kind"
tags = "genres"
missing = "NA"
[attributes.users]
source = "users.csv"
categories = "group"
"""
MOST_VALUES = 20
ATTRIBUTES = {"items:kind": "items.csv", "items:genres": "items.csv", "users:group": "users.csv"}


def run(command, folder):
    """Its standard output."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def pairs(path):
    """(user, item, value) of a file of ratings."""
    with open(path, newline="") as file:
        return [(user, item, float(value)) for user, item, value, *_ in itertools.islice(csv.reader(file), 1, None)]


def external_ids(group):
    if "ids" in group:
        return [str(number) for number in group["ids"][:]]
    offsets, text = group["id_offsets"][:], group["id_bytes"][:].tobytes()
    return [text[a:b].decode() for a, b in zip(offsets, offsets[1:])]


def write_attributes(folder):
    """Values of more kinds than get a segment, rows without a line, without a value, with several values."""
    items = ["sku,kind,genres"]
    for item in range(1, 58):  # 0, 58 and 59 have no line
        kind = "NA" if item % 13 == 0 else f'"kind, {item * item % 37}"'
        items.append(f"{item},{kind},{'|'.join(f'g{g}' for g in range(1, 9) if item % (g + 2) == 0)}")
    users = ["user,group", *(f"{user},{'odd' if user % 2 else 'even'}" for user in range(60))]
    (folder / "items.csv").write_text("\n".join(items) + "\n")
    (folder / "users.csv").write_text("\n".join(users) + "\n")


def attribute_values(folder, name, ids):
    """The set of values of each row."""
    column = name.split(":")[1]
    with open(folder / ATTRIBUTES[name], newline="") as file:
        first = "sku" if name.startswith("items") else "user"
        lines = {line[first]: line[column] for line in csv.DictReader(file)}
    return [{value for value in lines.get(i, "").split("|") if value and value != "NA"} for i in ids]


def attribute_segments(name, values):
    """Segment -> rows."""
    count = collections.Counter(value for some in values for value in some)
    named = sorted(count, key=lambda value: (-count[value], value))[:MOST_VALUES]
    segments = {f"{name}={value}": {row for row, some in enumerate(values) if value in some} for value in named}
    if len(count) > MOST_VALUES:
        segments[f"{name} (others)"] = {row for row, some in enumerate(values) if some - set(named)}
    nothing = {row for row, some in enumerate(values) if not some}
    return segments | ({f"{name} (none)": nothing} if nothing else {})


class Data:
    """Training and test sets as sets of rows of dataset.h5, whose order decides ties of lists."""

    def __init__(self, folder):
        with h5py.File(folder / "data.h5", "r") as file:
            self.users, self.items = external_ids(file["users"]), external_ids(file["items"])
        user_row = {user: row for row, user in enumerate(self.users)}
        item_row = {item: row for row, item in enumerate(self.items)}
        self.train = [set() for _ in self.users]
        self.test = [set() for _ in self.users]
        for user, item, _ in pairs(folder / "data.train.csv"):
            self.train[user_row[user]].add(item_row[item])
        for user, item, value in pairs(folder / "data.test.csv"):
            if value >= RELEVANT_FROM:
                self.test[user_row[user]].add(item_row[item])
        self.counts = np.zeros(len(self.items), int)
        for items in self.train:
            for item in items:
                self.counts[item] += 1

        self.values = {name: attribute_values(folder, name, self.items if name.startswith("items") else self.users)
                       for name in ATTRIBUTES}
        self.segments = {}
        for name, values in self.values.items():
            self.segments |= attribute_segments(name, values)
        self.segments["items:cold"] = {item for item in range(len(self.items)) if self.counts[item] == 0}
        self.segments["items:warm"] = set(range(len(self.items))) - self.segments["items:cold"]

    def segment_of_items(self):
        order = sorted(range(len(self.items)), key=lambda item: (-self.counts[item], item))
        segment, before = {}, 0
        for item in order:
            share = before / self.counts.sum()
            segment[item] = "head" if share < 1 / 3 else "torso" if share < 2 / 3 else "tail"
            before += self.counts[item]
        return segment


def orders(scores, candidates, relevant, pessimistic):
    """For each place: chance of a hit there, of a hit there and at an earlier one, of the first hit there."""
    groups = []
    for score in sorted({scores[c] for c in candidates}, reverse=True):
        group = [c for c in candidates if scores[c] == score]
        hits = sum(c in relevant for c in group)
        if pessimistic:
            groups += [(len(group) - hits, 0), (hits, hits)]
        else:
            groups.append((len(group), hits))
    return [group for group in groups if group[0] > 0]


def ranking_metrics(scores, candidates, relevant, k, pessimistic):
    """By definition: expectations over all orders of tied candidates, place by place."""
    n_relevant = len(relevant)
    place, before, hits, gain, precisions, first, none = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    for size, some in orders(scores, candidates, relevant, pessimistic):
        for offset in range(size):
            place += 1
            if place > k:
                break
            chance = some / size
            hits += chance
            gain += chance / np.log2(place + 1)
            others = (some - 1) * offset / (size - 1) if size > 1 else 0
            precisions += chance * (before + 1 + others) / place
            # None of the first `offset` of the group is a hit, the next one is.
            clear = np.prod([(size - some - n) / (size - n) for n in range(offset)])
            first += none * clear * some / (size - offset) / place
        else:
            none *= 0 if some > 0 else 1
            before += some
            continue
        none *= np.prod([max(size - some - n, 0) / (size - n) for n in range(offset)])
        break
    ideal = sum(1 / np.log2(p + 1) for p in range(1, min(k, n_relevant) + 1))
    listed = min(k, len(candidates))
    return {
        "precision": hits / k,
        "recall": hits / n_relevant,
        "recall_capped": hits / min(k, n_relevant),
        "f1": 2 * hits / (k + n_relevant),
        "accuracy": (hits + (len(candidates) - listed) - (n_relevant - hits)) / len(candidates),
        "hit_rate": 1 - none,
        "ndcg": gain / ideal,
        "map": precisions / min(k, n_relevant),
        "mrr": first,
    }


def auc(scores, candidates, relevant, pessimistic):
    tie = 0 if pessimistic else 0.5
    others = [c for c in candidates if c not in relevant]
    if not others:
        return 0.5
    wins = [1 if scores[r] > scores[o] else tie if scores[r] == scores[o] else 0 for r in relevant for o in others]
    return np.mean(wins)


def list_metrics(best, history, data, factors):
    training_users = sum(len(items) > 0 for items in data.train)
    values = {"novelty": np.mean(np.log2(training_users / np.maximum(data.counts[best], 1)))}
    if history:
        values["popularity"] = np.mean(data.counts[best])
    if factors is not None and len(best) > 1:
        rows = factors[best].astype(float)
        norms = np.linalg.norm(rows, axis=1)
        rows = rows / np.where(norms > 0, norms, 1)[:, None]
        cosines = [rows[a] @ rows[b] for a, b in itertools.combinations(range(len(best)), 2)]
        values["diversity"] = np.mean(1 - np.array(cosines))
    if len(best) > 1:
        for name in ("kind", "genres"):
            of = data.values["items:" + name]
            pairs_of = [not of[a] & of[b] for a, b in itertools.combinations(best, 2)]
            values["category_diversity", name] = np.mean(pairs_of)
    return values


def user_metrics(data, user, scores, factors, pessimistic, relevant, lists):
    candidates = [item for item in range(len(data.items)) if item not in data.train[user]]
    values = {}
    order = sorted(candidates, key=lambda item: (-scores[item], item))
    for k in KS:
        found = ranking_metrics(scores, candidates, relevant, k, pessimistic)
        if lists is not None:
            found |= list_metrics(order[:k], data.train[user], data, factors)
            np.add.at(lists[k], order[:k], 1)
        values |= {f"{name}@{k}" if isinstance(name, str) else f"{name[0]}@{k}({name[1]})": value
                   for name, value in found.items()}
    values["auc"] = auc(scores, candidates, relevant, pessimistic)
    if lists is not None and data.train[user]:
        values["history_popularity"] = np.mean(data.counts[list(data.train[user])])
    return values


def means(rows):
    names = {name for row in rows for name in row}
    columns = {name: np.array([row[name] for row in rows if name in row]) for name in names}
    return {name: (np.mean(c), np.std(c) / np.sqrt(len(c) - 1) if len(c) > 1 else None) for name, c in columns.items()}


def catalogue(lists, found):
    values = {}
    for k, counts in lists.items():
        share = counts[counts > 0] / counts.sum()
        values[f"coverage@{k}"] = np.mean(counts > 0)
        values[f"gini@{k}"] = np.abs(counts[:, None] - counts[None, :]).mean() / (2 * counts.mean())
        values[f"entropy@{k}"] = -np.sum(share * np.log2(share))
        values[f"popularity_lift@{k}"] = found[f"popularity@{k}"][0] / found["history_popularity"][0] - 1
    return values


def expected(data, all_scores, factors, pessimistic):
    lists = {k: np.zeros(len(data.items)) for k in KS}
    item_segment = data.segment_of_items()
    rows = {"all": [], "users:cold": [], "users:warm": [], "items:head": [], "items:torso": [], "items:tail": []}
    rows |= {name: [] for name in data.segments}
    for user in range(len(data.users)):
        relevant = data.test[user] - data.train[user]
        if not relevant:
            continue
        arguments = (data, user, all_scores[user], factors, pessimistic)
        row = user_metrics(*arguments, relevant, lists)
        rows["all"].append(row)
        rows["users:warm" if len(data.train[user]) >= 20 else "users:cold"].append(row)
        for name in ("head", "torso", "tail"):
            some = {item for item in relevant if item_segment[item] == name}
            if some:
                rows[f"items:{name}"].append(user_metrics(*arguments, some, None))
        for name, members in data.segments.items():
            if name.startswith("users"):
                rows[name] += [row] if user in members else []
            elif relevant & members:
                rows[name].append(user_metrics(*arguments, relevant & members, None))
    found = {name: means(some) for name, some in rows.items()}
    return found, catalogue(lists, found["all"])


def compare_means(where, measured, wanted):
    measured = {name: value for name, value in measured.items() if value is not None}
    assert measured.keys() == wanted.keys(), (where, measured.keys() ^ wanted.keys())
    for name, (mean, error) in wanted.items():
        assert abs(measured[name]["mean"] - mean) <= 1e-12 * max(1, abs(mean)), (where, name, measured[name], mean)
        if error is not None:  # the program subtracts squares: the variance has their digits, its root has fewer
            measured_error = measured[name]["standard_error"]
            assert abs(measured_error**2 - error**2) <= 1e-14 * max(1, mean**2), (where, name, measured_error, error)
    return len(wanted)


def check(factorps, folder, data, what, scores, factors, pessimistic):
    command = [factorps, "evaluate", *what, "data.h5", "--json", "--at", ",".join(map(str, KS)), "--segments",
               "--cold-below", "20", "--relevant-from", str(RELEVANT_FROM), *(["--pessimistic"] if pessimistic else []),
               *(f"--segments-by={name}" for name in ATTRIBUTES), "--diversity-by", "kind", "--diversity-by", "genres"]
    result = json.loads(run(command, folder))
    found, lists = expected(data, scores, factors, pessimistic)
    numbers = compare_means("all", result["metrics"], found["all"])
    assert result["segments"].keys() == found.keys() - {"all"}, result["segments"].keys() ^ found.keys()
    for name, segment in result["segments"].items():
        if name in data.segments and name.startswith("items"):
            assert segment["items"] == len(data.segments[name]), name
        numbers += compare_means(name, segment["metrics"], found[name])
    assert result["lists"].keys() == lists.keys()
    for name, value in lists.items():
        assert abs(result["lists"][name] - value) <= 1e-12 * max(1, abs(value)), (name, result["lists"][name], value)
    return numbers + len(lists)


def model_scores(path):
    """In single precision, added up in the program's order. @return scores, item factors"""
    with h5py.File(path, "r") as model:
        users, items = model["users/factors"][:], model["items/factors"][:]
        product = np.zeros((len(users), len(items)), np.float32)
        for d in range(users.shape[1]):
            product += users[:, d, None] * items[None, :, d]
        base = np.float32(model.attrs["mu"]) + model["users/bias"][:]
        return (base[:, None] + model["items/bias"][:][None, :]) + product, items


def main(factorps):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run.toml").write_text(CONFIG)
        write_attributes(folder)
        for command in (["generate", "--users", "70", "--items", "60", "--interactions", "2000", "--half-stars",
                         "--out", "data"], ["prepare", "run.toml"], ["train", "run.toml"]):
            run([factorps, *command], folder)
        data = Data(folder)
        scores, factors = model_scores(folder / "run" / "model.h5")
        popular = np.tile(data.counts.astype(float), (len(data.users), 1))
        numbers = 0
        for pessimistic in (False, True):
            numbers += check(factorps, folder, data, ["run/model.h5"], scores, factors, pessimistic)
            numbers += check(factorps, folder, data, ["--baseline", "popular"], popular, None, pessimistic)
    print(f"{numbers} numbers agree")


if __name__ == "__main__":
    main(sys.argv[1])
