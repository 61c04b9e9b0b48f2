"""
Import a file once, and print what it took, as JSON: `one_import.py STORE FILE PROCESSES`.

Each of its processes reads this file again, so nothing is imported before it runs.
"""

import sys

SITE = "main"


def main(url: str, file: str, processes: int) -> None:
    import os
    from itertools import islice

    import orjson
    from measure import cpu_of_all, family, peaks_mib, spent

    from recommender.ingest import ingest
    from recommender.preparing import BATCH
    from recommender.sources.files import ArticleFile
    from recommender.storage.connections import Connection
    from recommender.storage.store import Store

    store = Store(Connection(url))
    articles = 0
    peaks: dict[int, float] = {}
    cpu = cpu_of_all()
    with ArticleFile(file) as article_file, spent() as took:
        records = article_file.records()
        results = ingest(store, SITE, records, processes=processes, with_facts=True)
        while batch := [result.outcome for result in islice(results, BATCH)]:
            articles += batch.count("added")
            peaks |= peaks_mib(family(os.getpid()))
    figures = {
        "articles": articles,
        "wall": took.wall,
        "cpu": cpu_of_all() - cpu,
        "writer": peaks.pop(os.getpid()),
        "others": max(peaks.values(), default=0.0),
    }
    sys.stdout.buffer.write(orjson.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
