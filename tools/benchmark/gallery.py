"""Search, fill, save and open a gallery, our way and others', and compare.

Vectors are random, or with --vectors those of a file (.npy, gallery vectors; the
queries are then random mixtures of them).

Search: `flat` is df2mm.retrieval's exact back end on its file, entries of the
results and all. `naive` is one product of numpy and argpartition over an array in
memory, as it is commonly written; `broadcast` takes the difference of the query and
every gallery descriptor, as the match head is written, and is measured on single
queries alone; `faiss` is its IndexFlatIP, in memory. hnsw and ivf are measured with
--approximate, as their indexes take long to build, and say their recall.

Filling: our add and save; the incumbent pickles the array and the entries anew.
Opening: our load, and the first search after it; the incumbent reads its pickle.

Each figure is of a fresh process. Memory is that beyond what the process held
before, with the parts of the file that are mapped; these the system takes back
when it needs to. Linux only.
"""

import argparse
import json
import os
import pickle
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import in_fresh_process, measured, tree_memory

TOP = 20
BATCH = 64
WAYS = ('flat', 'naive', 'faiss', 'broadcast')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--entries', type=int, default=1_000_000)
    parser.add_argument('--dims', type=int, default=258)
    parser.add_argument('--added', type=int, default=100_000,
                        help='entries whose addition is timed')
    parser.add_argument('--repeats', type=int, default=50, help='single queries')
    parser.add_argument('--batches', type=int, default=10, help=f'of {BATCH} queries')
    parser.add_argument('--vectors', type=Path, metavar='FILE.npy')
    parser.add_argument('--approximate', action='store_true')
    parser.add_argument('--folder', type=Path, help='for the galleries, which are '
                        'removed again; default: the system\'s temporary one')
    parser.add_argument('--measure', nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    for name in ('entries', 'added', 'repeats', 'batches'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be positive, got {getattr(args, name)}')
    if args.dims < 3:
        parser.error(f'--dims must be at least 3, got {args.dims}')
    if args.measure:
        what, way = args.measure
        function = dict(fill=fill, search=search, open=reopen)[what]
        print(json.dumps(function(way, args)))
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        args.folder = Path(folder)
        report(args)


def report(args):
    filled = [measure(args, 'fill', way) for way in ('flat', 'naive')]
    print(f'{args.entries:,} entries of {args.dims} numbers, '
          f'{len(os.sched_getaffinity(0))} cores\n')
    added = f'{args.added:,}'
    table(('flat', 'naive'), filled, [
        (f'add {added}, s', 'add', 1), (f'add and save {added} more, s', 'append', 1),
        ('memory of adding them, MiB', 'peak', 2**20), ('file, MiB', 'bytes', 2**20)])
    opened = [measure(args, 'open', way) for way in ('flat', 'naive')]
    table(('flat', 'naive'), opened, [
        ('open, s', 'open', 1), ('open and the first search, s', 'first', 1),
        ('memory of both, MiB', 'peak', 2**20)])
    ways = (*WAYS, *(('hnsw', 'ivf') if args.approximate else ()))
    found = [measure(args, 'search', way) for way in ways]
    table(ways, found, [
        ('one query, p50 ms', 'single50', 1), ('one query, p99 ms', 'single99', 1),
        (f'of {BATCH}, p50 ms a query', 'batch50', 1),
        (f'of {BATCH}, p99 ms a query', 'batch99', 1),
        ('one with a filter, p50 ms', 'filtered', 1),
        ('memory of searching, MiB', 'peak', 2**20)])
    for way, figures in zip(ways, found, strict=True):
        if way == 'broadcast':
            continue
        same = sum(a == b for a, b in zip(
            figures['best'], found[0]['best'], strict=False))
        print(f'{way:10} the same {TOP} in the same order for {same} of '
              f'{len(figures["best"])} queries', figures.get('recall') or '')


def measure(args, what, way):
    names = ('entries', 'dims', 'added', 'repeats', 'batches', 'folder')
    options = [part for name in names for part in (f'--{name}', getattr(args, name))]
    if args.vectors:
        options += ['--vectors', args.vectors]
    return in_fresh_process(__file__, '--measure', what, way, *options)


def table(names, found, rows):
    """Figures of each way, and how many times the first's the others' are."""
    print(f'{"":32}' + ''.join(f'{name:>12}' for name in names)
          + ''.join(f'{name + " /":>13}' for name in names[1:]))
    for title, key, unit in rows:
        values = [figures.get(key) for figures in found]
        cells = [f'{value / unit:12,.2f}' if value is not None else f'{"-":>12}'
                 for value in values]
        ratios = [f'{value / max(values[0], 1e-9):13,.1f}' if value is not None
                  else f'{"-":>13}' for value in values[1:]]
        print(f'{title:32}' + ''.join(cells + ratios))
    print()


def vectors_of(args, count, first=0):
    """(count, D) float32."""
    if args.vectors:
        return np.load(args.vectors, mmap_mode='r')[first:first + count]
    rng = np.random.default_rng(first)
    return rng.standard_normal((count, args.dims), np.float32)


def queries_of(args, count):
    rng = np.random.default_rng(1)
    if not args.vectors:
        return rng.standard_normal((count, args.dims), np.float32)
    some = vectors_of(args, 1000)
    return rng.standard_normal((count, len(some)), np.float32) @ some


def entries_of(count, first=0):
    from df2mm.retrieval import Entry
    return [Entry(f'shop/{i // 4:08}.jpg', (10.5, 20.25, 300.0, 400.0), i % 13, 0.9,
                  f'item-{i:08}', {'price': i % 100, 'brand': f'brand {i % 50}',
                                   'url': f'https://example.org/{i}'})
            for i in range(first, first + count)]


def fill(way, args):
    """Add to an empty gallery; fill it up; add to a large one and save."""
    import df2mm.retrieval  # noqa: F401
    vectors, entries = vectors_of(args, args.added), entries_of(args.added)
    idle = tree_memory(os.getpid())
    gallery = dict(flat=FlatGallery, naive=PickledGallery)[way](args, new=True)
    added = measured(lambda: gallery.add(vectors, entries))
    for first in range(args.added, args.entries, args.added):
        count = min(args.added, args.entries - first)
        gallery.add(vectors_of(args, count, first), entries_of(count, first))
        gallery.save()
    gallery.save()
    # Not the same again, which would tie.
    vectors, entries = vectors * 0.99, entries_of(args.added, 10 * args.entries)
    began = time.perf_counter()
    gallery.add(vectors, entries)
    gallery.save()
    return dict(add=added['seconds'], append=time.perf_counter() - began,
                peak=added['peak'] - idle, bytes=gallery.path.stat().st_size)


def reopen(way, args):
    query = queries_of(args, 1)
    import faiss  # noqa: F401

    import df2mm.retrieval  # noqa: F401
    idle = tree_memory(os.getpid())

    def both():
        gallery = dict(flat=FlatGallery, naive=PickledGallery)[way](args)
        opened = time.perf_counter() - began
        gallery.search(query)
        return opened

    began = time.perf_counter()
    figures = measured(both)
    return dict(open=figures['result'], first=figures['seconds'],
                peak=figures['peak'] - idle)


def search(way, args):
    queries = queries_of(args, max(args.repeats, BATCH))
    import df2mm.retrieval  # noqa: F401
    idle = tree_memory(os.getpid())
    gallery = dict(flat=FlatGallery, naive=PickledGallery, faiss=FaissGallery,
                   broadcast=BroadcastGallery, hnsw=FlatGallery, ivf=FlatGallery)[way](
                       args, **(dict(backend=way) if way in ('hnsw', 'ivf') else {}))
    best = gallery.search(queries[:8]) if way != 'broadcast' else []
    gallery.search(queries[:1])
    singles = times(gallery.search, [queries[i:i + 1] for i in range(args.repeats)])
    figures = dict(single50=np.percentile(singles, 50),
                   single99=np.percentile(singles, 99), best=best)
    if way != 'broadcast':
        batches = times(gallery.search, [queries[:BATCH]] * args.batches) / BATCH
        figures.update(batch50=np.percentile(batches, 50),
                       batch99=np.percentile(batches, 99))
    if hasattr(gallery, 'filtered'):
        gallery.filtered(queries[:1])
        figures['filtered'] = np.percentile(times(
            gallery.filtered, [queries[i:i + 1] for i in range(args.repeats)]), 50)
        figures['recall'] = gallery.index.info().get('recall')
    return figures | dict(peak=tree_memory(os.getpid()) - idle)


def times(function, arguments):
    """Milliseconds of each call."""
    return np.array([1e3 * measured_time(function, one) for one in arguments])


def measured_time(function, argument):
    began = time.perf_counter()
    function(argument)
    return time.perf_counter() - began


class FlatGallery:
    """df2mm.retrieval's."""

    def __init__(self, args, new=False, backend=None):
        from df2mm.retrieval import GalleryIndex
        self.path = args.folder / 'gallery.df2g'
        self.index = (GalleryIndex(args.dims, 'random', path=self.path) if new
                      else GalleryIndex.load(self.path, backend=backend))
        if backend:
            self.index.build()

    def add(self, vectors, entries):
        self.index.add(vectors, entries)

    def save(self):
        self.index.save()

    def search(self, queries):
        return [[match.entry.id for match in matches]
                for matches in self.index.search(queries, TOP)]

    def filtered(self, queries):
        return self.index.search(queries, TOP, where={
            'price': {'<': 30}, 'brand': [f'brand {i}' for i in range(10)]})


class PickledGallery:
    """An array and a list, pickled as a whole."""

    def __init__(self, args, new=False):
        self.path = args.folder / 'gallery.pkl'
        if new:
            self.vectors, self.entries = np.empty((0, args.dims), np.float32), []
        else:
            with self.path.open('rb') as file:
                self.vectors, self.entries = pickle.load(file)

    def add(self, vectors, entries):
        self.vectors = np.concatenate([self.vectors, vectors])
        self.entries.extend(entries)

    def save(self):
        with self.path.open('wb') as file:
            pickle.dump((self.vectors, self.entries), file, protocol=5)

    def search(self, queries):
        scores = queries @ self.vectors.T
        best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind='stable')
        return [[self.entries[i].id for i in row]
                for row in np.take_along_axis(best, order, 1)]


class FaissGallery(PickledGallery):
    """faiss's exact index in memory, and the list."""

    def __init__(self, args):
        import faiss
        super().__init__(args)
        self.index = faiss.IndexFlatIP(args.dims)
        self.index.add(self.vectors)
        del self.vectors

    def search(self, queries):
        return [[self.entries[i].id for i in row]
                for row in self.index.search(queries, TOP)[1]]


class BroadcastGallery(PickledGallery):
    """sum(w * (q - g)^2) of every pair, in blocks of 64 MiB."""

    def search(self, queries):
        weights = np.ones(self.vectors.shape[1], np.float32)
        rows = 2**24 // self.vectors.shape[1]
        for query in queries:
            scores = np.concatenate([
                np.square(query - self.vectors[i:i + rows]) @ weights
                for i in range(0, len(self.vectors), rows)])
            np.argpartition(-scores, TOP)


if __name__ == '__main__':
    main()
