"""Exact search in Milvus: a local file of milvus-lite, or a server by its URL."""

import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from df2mm.metainfo import NUM_CATEGORIES
from df2mm.retrieval.entries import Entry
from df2mm.retrieval.exact import MARGIN, rescored
from df2mm.retrieval.filters import flat_keys
from df2mm.retrieval.unique import by_widening, group_of

#: Of Milvus: results of a query, and bytes of a text.
_MOST, _LONGEST = 16384, 65535
#: Entries of one insert, ids of one expression, queries of one search.
_INSERT, _IDS, _QUERIES = 2000, 1000, 64
#: pymilvus pings every 10 s, for which the server of milvus-lite hangs up.
_QUIET = {'grpc.keepalive_time_ms': 2**31 - 1,
          'grpc.keepalive_permit_without_calls': False}
#: Galleries that this process has open, by file of milvus-lite.
_OPEN = Counter()


class MilvusBackend:
    """A collection with a FLAT index of inner products.

    What is added or removed is saved at once; there is no ``save`` to another place.
    Scores are computed anew from the vectors that a search returns, as for ``flat``,
    so that both return the same. The row of an entry is its time of insertion in
    nanoseconds. milvus-lite keeps a folder and lets one process in at a time.

    The methods are those of ``FlatBackend``.
    """

    name = 'milvus'
    exact = True
    most = _MOST

    def __init__(self, client, uri, collection, meta):
        self._client, self._uri, self._collection = client, uri, collection
        self.meta = meta

    @classmethod
    def created(cls, meta, path, token='', collection='gallery'):
        """A new collection.

        Args:
            meta (dict): dims, model, backend.
            path (str): A file such as ``gallery.db``, or http(s)://host:port.
            token (str): ``user:password`` or an API key.
            collection (str): Its name.

        Raises:
            ValueError: Without a path.
            FileExistsError: If the collection is there.
            ImportError: Without pymilvus.
            ConnectionError: If Milvus cannot be reached, or refuses.
        """
        if path is None:
            raise ValueError('milvus needs a path: a file such as gallery.db, or the '
                             'URL of a server')
        client = _connected(path, token)
        with _named_errors(path):
            if client.has_collection(collection):
                _disconnected(path, client)
                raise FileExistsError(
                    f'{path} has a collection {collection!r} already. '
                    'GalleryIndex.load it to add to it, or name another')
            _create(client, collection, meta)
        return cls(client, path, collection, meta)

    @classmethod
    def loaded(cls, path, token='', collection='gallery'):
        """A collection that is there.

        Raises:
            FileNotFoundError: If it is not.
            ValueError: If it is not one of df2mm.
            ImportError, ConnectionError: As ``created``.
        """
        client = _connected(path, token)
        with _named_errors(path):
            if not client.has_collection(collection):
                _disconnected(path, client)
                raise FileNotFoundError(f'{path} has no collection {collection!r}. '
                                        'Build a gallery there first')
            described = client.describe_collection(collection)
            client.load_collection(collection)
        text = described.get('properties', {}).get('df2mm') or described.get(
            'description')
        try:
            meta = orjson.loads(text or '')
            return cls(client, path, collection, {
                name: meta[name] for name in ('dims', 'model', 'backend')})
        except (ValueError, KeyError, TypeError) as error:
            _disconnected(path, client)
            raise ValueError(
                f'collection {collection!r} of {path} is no gallery of df2mm: expected '
                f'its model in the description, got {text!r}') from error

    def __len__(self):
        return self._count('row >= 0')

    def known(self, ids):
        found = set()
        for some in _pieces(list(ids), _IDS):
            rows = self._query(f'id in {_listed(some)}', ['id'])
            found.update(row['id'] for row in rows)
        return found

    def add(self, vectors, columns):
        first = time.time_ns()
        rows = [self._row(first + i, vector, columns.entry(i))
                for i, vector in enumerate(vectors)]
        with _named_errors(self._uri):
            try:
                for some in _pieces(rows, _INSERT):
                    self._client.insert(self._collection, some)
            except BaseException:
                # All or nothing.
                self._client.delete(self._collection, filter=(
                    f'row >= {first} and row < {first + len(rows)}'))
                raise

    def remove(self, ids):
        with _named_errors(self._uri):
            for some in _pieces(list(ids), _IDS):
                self._client.delete(self._collection, filter=f'id in {_listed(some)}')

    def search(self, queries, k, wanted):
        found = [None] * len(queries)
        left, wide = np.arange(len(queries)), min(k + MARGIN, _MOST)
        while len(left):
            doubtful = []
            for some in _pieces(left, _QUERIES):
                with _named_errors(self._uri):
                    results = self._client.search(
                        self._collection, data=list(queries[some]), limit=wide,
                        anns_field='vector', filter=wanted.expression(),
                        search_params=dict(metric_type='IP'),
                        output_fields=['vector'])
                for query, result in zip(some, results, strict=True):
                    found[query], sure = self._rescored(queries[query], result, k)
                    if not sure and len(result) == wide < _MOST:
                        doubtful.append(query)
            left, wide = np.array(doubtful, np.int64), min(wide * 4, _MOST)
        return found

    def search_unique(self, queries, k, wanted, unique):
        return by_widening(
            lambda queries, k: self.search(queries, k, wanted),
            lambda rows: [group_of(entry, unique) for entry in self.entries(rows)],
            queries, k, _MOST)

    def entries(self, rows):
        found = {}
        for some in _pieces(sorted(set(map(int, rows))), _IDS):
            found.update((row['row'], row) for row in self._query(
                f'row in {some}', ['row', 'id', 'label', 'entry']))
        return [_entry(found[int(row)]) for row in rows]

    def counts(self):
        return np.array([self._count(f'label == {label}')
                         for label in range(NUM_CATEGORIES)], np.int64)

    def build(self, queries=None):
        """Nothing: FLAT has no index."""

    def save(self, path=None):
        if path is not None and str(path) != str(self._uri):
            raise ValueError(f'a gallery in milvus is saved where it is, {self._uri}, '
                             f'got {path}')

    def compact(self):
        """Left to Milvus, which does it by itself."""

    def verify(self):
        """Left to Milvus."""

    def close(self):
        if self._client is not None:
            _disconnected(self._uri, self._client)
            self._client = None

    def info(self):
        return dict(path=str(self._uri), bytes=None, collection=self._collection)

    def _row(self, row, vector, entry):
        text = orjson.dumps([entry.image, entry.bbox, entry.score, entry.fields])
        for name, size in (('id', len(entry.id.encode())), ('entry', len(text))):
            if size > _LONGEST:
                raise ValueError(f'milvus takes {_LONGEST} bytes of {name}, got {size} '
                                 f'of {entry.id[:80]!r}. Put less into its fields')
        return dict(row=row, vector=vector, id=entry.id, label=entry.label,
                    entry=text.decode(), keys=flat_keys(entry.fields))

    def _rescored(self, query, result, k):
        if not len(result):
            return (np.zeros(0, np.int64), np.zeros(0, np.float32)), True
        return rescored(
            query, np.array([hit['row'] for hit in result], np.int64),
            np.array([hit['distance'] for hit in result], np.float32),
            np.array([hit['entity']['vector'] for hit in result], np.float32), k)

    def _count(self, expression):
        return self._query(expression, ['count(*)'])[0]['count(*)']

    def _query(self, expression, fields):
        with _named_errors(self._uri):
            return self._client.query(
                self._collection, filter=expression, output_fields=fields)


def _create(client, collection, meta):
    from pymilvus import DataType
    text = orjson.dumps(meta).decode()
    # milvus-lite drops the description; a server may drop unknown properties.
    schema = client.create_schema(
        auto_id=False, enable_dynamic_field=False, description=text)
    schema.add_field('row', DataType.INT64, is_primary=True)
    schema.add_field('vector', DataType.FLOAT_VECTOR, dim=meta['dims'])
    schema.add_field('id', DataType.VARCHAR, max_length=_LONGEST)
    schema.add_field('label', DataType.INT64)
    schema.add_field('entry', DataType.VARCHAR, max_length=_LONGEST)
    schema.add_field('keys', DataType.JSON)
    index = client.prepare_index_params()
    index.add_index('vector', index_type='FLAT', metric_type='IP')
    client.create_collection(
        collection, schema=schema, index_params=index, consistency_level='Strong',
        properties={'df2mm': text})


def _connected(uri, token):
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise ImportError("a gallery in milvus needs pymilvus: pip install "
                          f"'df2mm[milvus]' ({error})") from error
    if not _is_local(uri):
        with _named_errors(uri):
            return MilvusClient(str(uri), token=token)
    path = Path(uri).absolute()
    if path.suffix != '.db':
        raise ValueError(f'a file of milvus must end in .db, got {uri}')
    path.parent.mkdir(parents=True, exist_ok=True)
    with _named_errors(uri):
        client = MilvusClient(str(path), grpc_options=_QUIET)
    _OPEN[path] += 1
    return client


def _disconnected(uri, client):
    """Let go of a client and, with the last of a file, of the file."""
    client.close()
    if not _is_local(uri):
        return
    path = Path(uri).absolute()
    _OPEN[path] -= 1
    if not _OPEN[path]:
        from milvus_lite.server_manager import server_manager_instance
        # The client leaves the thread that serves it, and its lock, until the end
        # of the process.
        server_manager_instance.release_server(str(path))


def _is_local(uri):
    return '://' not in str(uri)


@contextmanager
def _named_errors(uri):
    from pymilvus.exceptions import MilvusException
    try:
        yield
    except MilvusException as error:
        cause = error.__cause__
        if isinstance(cause, ImportError):
            raise ImportError('milvus-lite, which keeps a gallery in a file, does not '
                              f"load: pip install 'df2mm[milvus]' ({cause})"
                              ) from error
        hint = '. milvus-lite lets one process in at a time' if _is_local(uri) else ''
        raise ConnectionError(
            f'milvus at {uri} failed: {error.message or error}{hint}') from error


def _entry(row):
    image, bbox, score, fields = orjson.loads(row['entry'])
    return Entry(image, tuple(bbox), row['label'], score, row['id'], fields)


def _listed(texts):
    return orjson.dumps(list(texts)).decode()


def _pieces(rows, size):
    return [rows[first:first + size] for first in range(0, len(rows), size)]
