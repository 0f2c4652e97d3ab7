"""Whatever the bytes: no traceback, no hang, no more than 1 GB. Specimens of the zoo are damaged and read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import l2cli

ZOO = Path(__file__).resolve().parent.parent / "data_zoo"

# Runs in a process of its own, in which the memory of the whole is measured and the time is bounded.
SCRIPT = """
import contextlib, io, json, resource, sys
from pathlib import Path

import numpy as np
from l2cli.cli.app import run

folder, zoo, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
files = [path for path in sorted(zoo.iterdir()) if path.is_file()]
specimens = [path.read_bytes() for path in files if path.suffix not in {".py", ".json", ".md"}]
rng = np.random.default_rng(20)
found, path = {}, folder / "damaged.csv"
for k in range(count):
    content = bytearray(specimens[k % len(specimens)][:4000])
    kind = k % 4
    if kind == 0:
        content = bytearray(rng.bytes(int(rng.integers(1, 2000))))
    elif content:
        for at in rng.integers(0, len(content), int(rng.integers(1, 6))).tolist():
            if kind == 1:
                content[at] = int(rng.integers(256))
            elif kind == 2:
                content[at:at] = rng.bytes(int(rng.integers(1, 9)))
            else:
                del content[at : at + int(rng.integers(1, 200))]
    path.write_bytes(content)
    print(k, file=sys.stderr, flush=True)
    told, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(said):
        words = ["inspect"] if k % 8 > 3 else ["fit", "--lambda", "1"]
        status = int(run([*words, str(path), "--json"]))
    if status not in {0, 1, 2, 3} or "Traceback" in said.getvalue():
        found[k] = [status, said.getvalue() + told.getvalue()]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"found": found, "peak_mb": peak / 1024 if sys.platform != "darwin" else peak / 1048576}))
"""


def test_damaged_and_random_files_end_in_a_table_or_one_line(tmp_path):
    assert l2cli.__file__ is not None
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(l2cli.__file__).parents[1]),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(ZOO), "800"],
        capture_output=True, text=True, timeout=100, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert answer["found"] == {}
    assert answer["peak_mb"] < 1000


def test_a_small_file_that_unpacks_to_much_takes_little_memory(tmp_path):
    """Eight million bytes of two rows in turn, packed to a few thousand."""
    import gzip

    path = tmp_path / "zeros.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"0,1\n1,0\n" * 1_000_000))
    code = (
        "import resource, sys\nfrom l2cli.data.read import read_table\n"
        "assert read_table(sys.argv[1]).n_rows == 2_000_000\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(l2cli.__file__ or "").parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, timeout=60, check=True, env=environment,
    )  # fmt: skip
    assert int(done.stdout) / (1024 if sys.platform != "darwin" else 1 << 20) < 1000
