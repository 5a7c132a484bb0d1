"""No-op tasks on Dask distributed, two worker processes; the same lines as worker-processes.mjs."""
import json
import sys
import time

from dask.distributed import Client, LocalCluster


def no_op(item):
    return item


if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    client = Client(cluster)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        count = json.loads(line)["count"]
        started = time.perf_counter()
        results = client.gather(client.map(no_op, range(count), pure=False))
        took = time.perf_counter() - started
        assert results == list(range(count))
        print(json.dumps({"ms": took * 1000}), flush=True)
    client.close()
    cluster.close()
