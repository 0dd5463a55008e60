"""Score queries against a gallery by the match network, ours and the plain way.

Ours is one product of the queries' and the gallery's vectors. The plain way is
the network as it is printed: subtract every gallery descriptor from every query's,
square, apply the linear layer; a few queries at a time, since all pairs' squares
fill far more than a machine's memory. Each runs in a process of its own. The
default is a tenth of the validation split's queries, 12,550.

    python tools/benchmark/match_scoring.py --queries 12550

Linux only: the memory figures are those of /proc. The logits of both are kept in
temporary files, four bytes a pair each, to be compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FORMS = ('product', 'broadcast')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--queries', type=int, default=1_255)
    parser.add_argument('--galleries', type=int, default=37_183)
    parser.add_argument('--dims', type=int, default=256, help='of a descriptor')
    parser.add_argument('--chunk', type=int, default=1,
                        help='queries at a time in the plain way')
    parser.add_argument('--repeats', type=int, default=1, help='the best one counts')
    parser.add_argument('--measure', choices=FORMS, help=argparse.SUPPRESS)
    parser.add_argument('--out', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if min(args.queries, args.galleries, args.dims, args.chunk, args.repeats) < 1:
        parser.error('expected positive numbers')
    if args.measure:
        print(json.dumps(measure(args)))
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, f'{form}.npy') for form in FORMS]
        results = [run(form, file) for form, file in zip(FORMS, files, strict=True)]
        report(args, results, *compare(*files))


def run(form, file):
    """Measure one form in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], '--measure', form,
               '--out', file]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(args, results, difference, largest):
    print(f'{args.queries:,} queries, {args.galleries:,} gallery items, '
          f'{args.dims} numbers each; {len(os.sched_getaffinity(0))} cores')
    print(f'{"":24}' + ''.join(f'{form:>12}' for form in FORMS) + '       ratio')
    for title, key, unit in (('seconds', 'seconds', 1),
                             ('peak memory, MiB', 'peak', 2**20)):
        ours, plain = (result[key] / unit for result in results)
        print(f'{title:24}{ours:12,.2f}{plain:12,.2f}{plain / ours:12,.1f}')
    print('Peak memory is over what the process held before, and includes the '
          'logits.')
    print(f'greatest difference of the logits: {difference:.2e}; '
          f'greatest logit: {largest:.2f}')


def measure(args):
    """Seconds of the fastest repeat, and bytes at the peak of all."""
    import numpy as np
    import torch

    head = make_head(args.dims)
    generator = torch.Generator().manual_seed(1)
    queries, galleries = (
        torch.randn(count, args.dims, generator=generator)
        for count in (args.queries, args.galleries))
    score = {'product': score_by_product, 'broadcast': score_by_broadcast}
    with torch.inference_mode():
        # Threads and scratch memory are there before anything is counted.
        score[args.measure](head, queries[:2], galleries[:2], args.chunk)
        Path('/proc/self/clear_refs').write_text('5')
        held, times = memory('VmRSS'), []
        for _ in range(args.repeats):
            logits = None
            began = time.perf_counter()
            logits = score[args.measure](head, queries, galleries, args.chunk)
            times.append(time.perf_counter() - began)
        peak = memory('VmHWM') - held
    np.save(args.out, logits.numpy())
    return dict(seconds=min(times), peak=peak)


def make_head(dims):
    """A head with weights of both signs, as a training leaves them."""
    import torch

    from df2mm.models.match_head import MatchHead

    torch.manual_seed(0)
    head = MatchHead(embed_dims=dims)
    torch.nn.init.normal_(head.fc_match.weight, std=0.1)
    return head


def score_by_product(head, queries, galleries, chunk):
    return head.query_vectors(queries) @ head.gallery_vectors(galleries).T


def score_by_broadcast(head, queries, galleries, chunk):
    logits = queries.new_empty(len(queries), len(galleries))
    for part, out in zip(queries.split(chunk), logits.split(chunk), strict=True):
        squares = (part[:, None] - galleries).square_()
        no_match, match = head.fc_match(squares).unbind(dim=-1)
        out.copy_(match - no_match)
    return logits


def compare(*files):
    """Greatest difference of two files of logits, and the greatest logit."""
    import numpy as np

    ours, plain = (np.load(file, mmap_mode='r') for file in files)
    rows = range(0, len(ours), 64)
    return (max(float(abs(ours[k:k + 64] - plain[k:k + 64]).max()) for k in rows),
            max(float(abs(plain[k:k + 64]).max()) for k in rows))


def memory(field):
    """Bytes of this process: VmRSS now, VmHWM the most since it was cleared."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(f'{field}:'):
            return int(line.split()[1]) << 10
    raise ValueError(f'no {field} in /proc/self/status')


if __name__ == '__main__':
    main()
