"""A worker that is warm answers its first requests without compiling anything."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("first_requests.py")


def test_after_warm_the_first_requests_compile_nothing(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", str(PROGRAM), str(tmp_path)]
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=100, check=False
    )

    assert run.returncode == 0, run.stderr
    assert "[]" == run.stdout.splitlines()[-1]
