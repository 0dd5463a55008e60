"""Rank a gallery and score what was retrieved, our way and others', and compare.

Ranking: the 20 best of a gallery for every query, of random descriptors of 256
numbers and a random match head. Ours is df2mm.evaluation.ranking. `matmul` is one
product and one top-k, of as many queries at a time as 2 GiB of scores allow. `faiss`
is its IndexFlatIP, where it is installed. `broadcast` takes the difference of every
query and every gallery descriptor, as the match head is written; it is measured on
a slice of the queries, and its time is extrapolated to all of them.

Scoring: a retrieval results file in memory, of the official size, ours against
official_retrieval.py beside this file.

Each figure is of a fresh process. Linux only: the memory is that of /proc.
"""

import argparse
import importlib.util
import json
import os

from measuring import in_fresh_process, measured, tree_memory

RANKERS = ('df2mm', 'matmul', 'faiss', 'broadcast')
SCORERS = ('df2mm', 'official')
TOP = 20
#: Queries that the broadcast is measured on, and that all ways are compared on.
SLICE = 32


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--queries', type=int, default=12_550)
    parser.add_argument('--gallery', type=int, default=37_183)
    parser.add_argument('--results', type=int, default=60_000, help='to be scored')
    parser.add_argument('--only', choices=('ranking', 'scoring'))
    parser.add_argument('--measure', nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    for name, least in (('queries', SLICE), ('gallery', TOP), ('results', 1)):
        if getattr(args, name) < least:
            parser.error(f'--{name} must be at least {least}, got '
                         f'{getattr(args, name)}')
    if args.measure:
        what, way = args.measure
        function = dict(ranking=measure_ranking, scoring=measure_scoring)[what]
        print(json.dumps(function(way, args)))
        return
    if args.only != 'scoring':
        report_ranking(args)
    if args.only != 'ranking':
        report_scoring(args)


def report_ranking(args):
    ways = [way for way in RANKERS
            if way != 'faiss' or importlib.util.find_spec('faiss')]
    found = [measure(args, 'ranking', way) for way in ways]
    print(f'{args.queries:,} queries x {args.gallery:,} gallery, top {TOP}, '
          f'{len(os.sched_getaffinity(0))} cores')
    table(ways, found, [
        ('seconds', 'seconds', 1), ('processor seconds', 'processor', 1),
        ('memory beyond the vectors, MiB', 'peak', 2**20)])
    for way, figures in zip(ways, found, strict=True):
        same = sum(a == b for a, b in zip(
            figures['best'], found[0]['best'], strict=True))
        print(f'{way:10} the same {TOP} in the same order for {same} of {SLICE} queries'
              + (f'; time extrapolated from {SLICE} queries' if way == 'broadcast'
                 else ''))
    if 'faiss' not in ways:
        print('faiss      left out: faiss is not installed')


def report_scoring(args):
    found = [measure(args, 'scoring', way) for way in SCORERS]
    print(f'\n{args.results:,} results with {TOP} boxes each, 15,752 query items, '
          '24,012 gallery items')
    table(SCORERS, found, [
        ('seconds', 'seconds', 1), ('with arrays made of the lists', 'whole', 1)])
    if found[0]['hits'] != found[1]['hits']:
        raise ValueError(f'expected equal numbers, got {found[0]["hits"]} and '
                         f'{found[1]["hits"]}')
    print(f'equal numbers: {found[0]["hits"]} hits')


def measure(args, what, way):
    return in_fresh_process(
        __file__, '--measure', what, way, '--queries', args.queries, '--gallery',
        args.gallery, '--results', args.results)


def table(names, found, rows):
    print(f'{"":32}' + ''.join(f'{name:>11}' for name in names)
          + ''.join(f'{name + " /":>13}' for name in names[1:]))
    for title, key, unit in rows:
        values = [figures[key] / unit for figures in found]
        ratios = ''.join(f'{value / max(values[0], 1e-9):13,.1f}'
                         for value in values[1:])
        print(f'{title:32}' + ''.join(f'{value:11,.2f}' for value in values) + ratios)


def measure_ranking(way, args):
    import numpy as np
    rng = np.random.default_rng(0)
    q, g = (rng.standard_normal((count, 256), np.float32)
            for count in (args.queries, args.gallery))
    weights, bias = rng.standard_normal(256, np.float32), np.float32(0.5)
    share = 1
    if way == 'broadcast':
        share = args.queries / SLICE
        q = q[:SLICE]
    else:
        ones = np.ones((args.gallery, 1), np.float32)
        q = np.hstack([-2 * weights * q, ones[:1].repeat(len(q), 0),
                       (weights * q**2).sum(1, keepdims=True) + bias])
        g = np.hstack([g, (weights * g**2).sum(1, keepdims=True), ones])
    function = globals()[f'rank_{way}']
    function(q[:SLICE], g[:1024], weights, bias)
    idle = tree_memory(os.getpid())
    figures = measured(lambda: function(q, g, weights, bias))
    return dict(
        seconds=figures['seconds'] * share, processor=figures['processor'] * share,
        peak=figures['peak'] - idle, best=figures['result'][:SLICE].tolist())


def rank_df2mm(queries, gallery, weights, bias):
    from df2mm.evaluation.ranking import rank
    return rank(queries, gallery, TOP, device='cpu')[0]


def rank_matmul(queries, gallery, weights, bias):
    import torch
    queries, gallery = map(torch.from_numpy, (queries, gallery))
    count = max(1, 2**29 // len(gallery))
    return torch.cat([(queries[i:i + count] @ gallery.T).topk(TOP).indices
                      for i in range(0, len(queries), count)]).numpy()


def rank_faiss(queries, gallery, weights, bias):
    import faiss
    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)
    return index.search(queries, TOP)[1]


def rank_broadcast(queries, gallery, weights, bias):
    import torch
    queries, gallery, weights = map(torch.from_numpy, (queries, gallery, weights))
    scores = [(queries[:, None] - gallery[None, i:i + 512]).square() @ weights + bias
              for i in range(0, len(gallery), 512)]
    return torch.cat(scores, 1).topk(TOP).indices.numpy()


def measure_scoring(way, args):
    query_gt, gallery_gt, results = make_results(args.results)
    if way == 'official':
        from official_retrieval import official_retrieval
        figures = measured(lambda: official_retrieval(query_gt, gallery_gt, results))
        return dict(seconds=figures['seconds'], whole=figures['seconds'],
                    hits=figures['result'][0])
    from df2mm.evaluation.retrieval import represent, score_retrieval
    made = measured(lambda: as_arrays(query_gt, gallery_gt, results))
    truth, columns = made['result']

    def score():
        chosen = represent(truth, *columns[:4])
        return score_retrieval(truth, chosen, *columns[4:]).hits

    figures = measured(score)
    return dict(seconds=figures['seconds'], hits=figures['result'].tolist(),
                whole=figures['seconds'] + made['seconds'])


def make_results(count, num_queries=15_752, num_gallery=24_012):
    """Random query items, gallery items and results, as in the official files."""
    import numpy as np
    rng = np.random.default_rng(0)

    def boxes(count):
        corners = rng.integers(0, 300, (count, 2))
        return np.hstack([corners, corners + rng.integers(50, 300, (count, 2))])

    # 1.43 items a user image, 3 user images a pair, a fifth of the items of style 0.
    images = np.arange(num_queries) * 10_990 // num_queries
    styles = rng.choice([0, 1, 2], num_queries, p=[0.2, 0.4, 0.4])
    query_boxes, classes = boxes(num_queries), rng.integers(1, 14, num_queries)
    query_gt = [dict(
        query_image_id=int(images[i]), pair_id=int(images[i]) // 3,
        style=int(styles[i]), bbox=query_boxes[i].tolist(), cls=int(classes[i]))
        for i in range(num_queries)]
    # Both styles of every pair, over and over.
    kinds = np.arange(num_gallery) % (2 * (10_990 // 3 + 1))
    gallery_boxes = boxes(num_gallery)
    gallery_gt = [dict(
        gallery_image_id=20_000 + i, pair_id=int(kinds[i]) // 2,
        style=int(kinds[i]) % 2 + 1, bbox=gallery_boxes[i].tolist())
        for i in range(num_gallery)]
    items = rng.integers(num_queries, size=count)
    partners = (images[items] // 3 * 2 + np.maximum(styles[items] - 1, 0))[:, None]
    entries = np.where(rng.random((count, TOP)) < 0.05, partners,
                       rng.integers(num_gallery, size=(count, TOP)))
    found = query_boxes[items] + rng.normal(0, 20, (count, 4))
    retrieved = gallery_boxes[entries] + rng.normal(0, 20, (count, TOP, 4))
    results = [dict(
        query_image_id=int(images[item]), query_bbox=box, query_cls=int(classes[item]),
        query_score=score, gallery_image_id=entry, gallery_bbox=gallery)
        for item, box, score, entry, gallery in zip(
            items, found.tolist(), rng.random(count).tolist(),
            (entries + 20_000).tolist(), retrieved.tolist(), strict=True)]
    return query_gt, gallery_gt, results


def as_arrays(query_gt, gallery_gt, results):
    """A RetrievalTruth, and the columns of results for ours."""
    import numpy as np

    from df2mm.evaluation.retrieval import RetrievalTruth

    def column(rows, name):
        return np.array([row[name] for row in rows])

    truth = RetrievalTruth(
        query_labels=column(query_gt, 'cls') - 1,
        query_variations=np.zeros((len(query_gt), 4), np.uint8),
        **{f'{kind}_{ours}': column(rows, name.format(kind))
           for kind, rows in (('query', query_gt), ('gallery', gallery_gt))
           for ours, name in (('image_ids', '{}_image_id'), ('bboxes', 'bbox'),
                              ('pair_ids', 'pair_id'), ('styles', 'style'))})
    columns = [column(results, name) for name in (
        'query_image_id', 'query_bbox', 'query_cls', 'query_score',
        'gallery_image_id', 'gallery_bbox')]
    columns[2] -= 1
    return truth, columns


if __name__ == '__main__':
    main()
