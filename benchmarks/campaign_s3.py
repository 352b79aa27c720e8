"""A campaign over ledgers in S3, by moto's server: the matrix is that of the same files on disk.

pip install tieout[cluster] s3fs 'moto[server]'   (in an environment of its own: botocore pins much)
python benchmarks/campaign_s3.py --jobs 40
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import fsspec
from campaign_jobs import make_jobs

import reconcile

PORT = 5555
FAKE = {"AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_DEFAULT_REGION": "us-east-1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=40)
    jobs = parser.parse_args().jobs
    os.environ.update(FAKE, AWS_ENDPOINT_URL=f"http://127.0.0.1:{PORT}")
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(PORT)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_jobs(folder, jobs)
            while True:
                try:
                    urlopen(f"http://127.0.0.1:{PORT}", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            store = fsspec.filesystem("s3")
            store.mkdir("ledgers")
            for side in ("old", "new"):
                store.put(f"{folder}/{side}", "ledgers/", recursive=True)
            pairs = {"reference": "s3://ledgers/old/*", "candidate": "s3://ledgers/new/*"}
            began = time.perf_counter()
            remote = reconcile.campaign({"pairs": [pairs]}, workers=2, keep=folder / "kept")
            seconds = time.perf_counter() - began
            local = reconcile.campaign(folder / "plan.toml", workers=2)
            same = [one.headline for _, one in remote.matrix.jobs] == [
                one.headline for _, one in local.matrix.jobs
            ]
            again = reconcile.campaign({"pairs": [pairs]}, workers=2, keep=folder / "kept").matrix
            print(f"{jobs} jobs over S3 in {seconds:.1f} s: {remote.text().partition(chr(10))[0]}")
            print(f"the answers are those of the files on disk: {same}; run again at once: {again.ran}")
            shutil.rmtree(folder / "kept")
            sys.exit(0 if same and not again.ran else 1)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
