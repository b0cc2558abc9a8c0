"""No module of Paceline imports pyVoIP, which is under the GPL: each is imported with it absent."""

import subprocess
import sys

_IMPORT_ALL = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pyVoIP":
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, Absent())
count = 0
for name in ("engine", "gateway", "clients"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            count += 1
print(count, any(name.split(".")[0] == "pyVoIP" for name in sys.modules))
"""


def test_every_module_is_imported_without_pyvoip() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _IMPORT_ALL], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    count, imported = done.stdout.split()
    assert int(count) > 150
    assert imported == "False"
