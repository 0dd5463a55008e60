"""Look through a whole dataset and report every defect."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import orjson
from tqdm import tqdm

from df2mm.atomic import replacing
from df2mm.datasets.coco_reader import iter_coco
from df2mm.datasets.convert import CHUNK
from df2mm.datasets.defects import RULES, Defect, Report
from df2mm.datasets.parallel import chunked, map_stream
from df2mm.datasets.raw import list_raw, read_raw


@dataclass
class CheckSummary:
    """What a check looked at and found.

    Attributes:
        num_images (int): With a usable annotation.
        num_items (int): Usable ones.
        counts (Counter): Defects by (rule, repair).
    """

    num_images: int = 0
    num_items: int = 0
    counts: Counter = field(default_factory=Counter)

    @property
    def num_defects(self) -> int:
        return self.counts.total()

    @property
    def num_grave(self) -> int:
        """Defects that are not minor."""
        return sum(count for (rule, _), count in self.counts.items()
                   if not RULES[rule].minor)


def check_raw(split_dir, on_defect, workers=None, progress=False):
    """Check a split of the raw layout.

    Args:
        split_dir (str | Path): Holds ``image`` and ``annos``.
        on_defect (Callable[[Defect], None]): Called for each defect, by rising
            image number; those of the split as a whole come last.
        workers (int, optional): Processes. Defaults to the usable cores.
        progress (bool): Show a progress bar on stderr.

    Returns:
        CheckSummary: Counts.

    Raises:
        FileNotFoundError: If there is no such layout.
    """
    stems, defects = list_raw(split_dir)
    check = _Check(on_defect)
    check.note(defects)
    with tqdm(total=len(stems), unit='image', disable=not progress,
              desc=f'check {Path(split_dir).name}') as bar:
        for facts, defects in map_stream(
                partial(_check_chunk, str(split_dir)), chunked(stems, CHUNK), workers):
            check.note(defects)
            for fact in facts:
                check.add_image(*fact)
            bar.update(CHUNK if bar.n + CHUNK < len(stems) else len(stems) - bar.n)
    return check.finish()


def check_coco(ann_file, on_defect, progress=False):
    """Check a COCO file: compact, or with 294 landmarks. Opens no images.

    Args:
        ann_file (str | Path): The file.
        on_defect (Callable[[Defect], None]): Called for each defect.
        progress (bool): Show a progress bar on stderr.

    Returns:
        CheckSummary: Counts.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    name = Path(ann_file).name
    check = _Check(on_defect)
    try:
        for annotation, _, _ in tqdm(
                iter_coco(ann_file, lambda defect: check.note([defect])),
                unit='image', disable=not progress, desc=f'check {name}'):
            check.add_image(*_facts_of(annotation, f'{name} image {annotation.img_id}'))
    except ValueError as error:
        report = Report(name)
        report.add('broken-json', str(error), repair='not read on')
        check.note(report.defects)
    return check.finish()


def format_summary(summary):
    """The counts as a table of lines.

    Args:
        summary (CheckSummary | Conversion): Counts by (rule, repair).

    Returns:
        str: Without a newline at the end.
    """
    lines = [f'{summary.num_images} images and {summary.num_items} items can be used, '
             f'{summary.counts.total()} defects']
    if summary.counts:
        rows = [('defects', 'weight', 'rule', 'what is wrong', 'repair')] + [
            (str(count), 'minor' if RULES[rule].minor else 'serious', rule,
             RULES[rule].wrong, repair)
            for (rule, repair), count in summary.counts.most_common()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [f'{row[0]:>{widths[0]}}  ' + '  '.join(
            f'{cell:{width}}' for cell, width in zip(row[1:], widths[1:], strict=True)
        ).rstrip() for row in rows]
    return '\n'.join(lines)


@contextmanager
def defect_file(path, summaries):
    """Write defects as one JSON file, a defect a line; atomic.

    Args:
        path (str | Path): Appears once the ``with`` block has ended well.
        summaries (dict[str, CheckSummary]): By what was checked; read at the end.

    Yields:
        Callable[[Defect], None]: Writes a defect.
    """
    with replacing(path) as file:
        separators = [b'\n']

        def write(defect):
            line = orjson.dumps(asdict(defect) | {'minor': RULES[defect.rule].minor})
            file.write(separators[0] + line)
            separators[0] = b',\n'

        file.write(b'{"defects": [')
        yield write
        file.write(b'\n],\n"summaries": %b}\n' % orjson.dumps({
            name: dict(
                num_images=summary.num_images, num_items=summary.num_items,
                num_defects=summary.num_defects,
                rules=_by_rule(summary.counts))
            for name, summary in summaries.items()}))


def _by_rule(counts):
    rules = Counter()
    for (rule, _), count in counts.items():
        rules[rule] += count
    return rules


class _Check:
    """Passes defects on, counts them, and finds identities without partners."""

    def __init__(self, on_defect):
        self._on_defect = on_defect
        self._summary = CheckSummary()
        # source -> identity -> the first item that has it
        self._firsts = {'user': {}, 'shop': {}}

    def note(self, defects):
        for defect in defects:
            self._summary.counts[defect.rule, defect.repair] += 1
            self._on_defect(defect)

    def add_image(self, source, num_items, identities):
        self._summary.num_images += 1
        self._summary.num_items += num_items
        if source in self._firsts:
            for identity, file, key in identities:
                self._firsts[source].setdefault(identity, (file, key))

    def finish(self):
        for source, other in (('user', 'shop'), ('shop', 'user')):
            rule = f'{source}-without-{other}'
            for identity, (file, key) in self._firsts[source].items():
                if identity not in self._firsts[other]:
                    message = (f'no {other} image has pair_id {identity[0]}, style '
                               f'{identity[1]}')
                    self.note([Defect(file, key, rule, message, RULES[rule].repair)])
        return self._summary


def _check_chunk(split_dir, stems):
    """What ``_Check.add_image`` takes of some images, and their defects."""
    facts, all_defects = [], []
    split = Path(split_dir).name
    for stem in stems:
        annotation, _, defects = read_raw(split_dir, stem)
        all_defects += defects
        if annotation is not None:
            facts.append(_facts_of(annotation, f'{split}/annos/{stem}.json'))
    return facts, all_defects


def _facts_of(annotation, file):
    identities = [((annotation.pair_id, item.style), file, item.key)
                  for item in annotation.items if item.style > 0]
    return annotation.source, len(annotation.items), identities
