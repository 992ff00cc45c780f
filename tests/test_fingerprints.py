"""What a run was made with is known by its bytes, files that a user's file imports beside it among them."""

import hashlib
import shutil
from pathlib import Path

import pytest

import dynviz
from dynviz.errors import DynvizError
from dynviz.plugins.fingerprints import CodeFile

BOWL = Path(__file__).parent / "files" / "bowl.py"


def test_a_file_that_stands_alone_has_its_own_sha256(tmp_path):
    file = Path(shutil.copy(BOWL, tmp_path))
    (tmp_path / "other.py").write_text("nobody = 'imports me'")
    assert CodeFile(file).fingerprint() == hashlib.sha256(file.read_bytes()).hexdigest()


def test_files_that_import_each_other_count_once(tmp_path):
    (tmp_path / "a.py").write_text("from b import x")
    (tmp_path / "b.py").write_text("import c, a\nx = 1")
    (tmp_path / "c.py").write_text("x = 1")
    before = CodeFile(tmp_path / "a.py").fingerprint()
    (tmp_path / "c.py").write_text("x = 2")
    assert CodeFile(tmp_path / "a.py").fingerprint() != before


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a task that takes a number from the file beside it."""
    task = tmp_path / "task.py"
    task.write_text(BOWL.read_text().replace("import torch\n", "import torch\n\nfrom the_size import SIZE\n", 1))
    (tmp_path / "the_size.py").write_text("SIZE = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    return dynviz.run(str(task), "sgd", steps=3, record="parameters", out=tmp_path / "run")


def test_a_run_goes_on_only_with_the_files_that_it_began_with(run, tmp_path):
    assert dynviz.resume(run.folder, steps=4, trust=tmp_path)["sgd"].recorded == 4
    (tmp_path / "the_size.py").write_text("SIZE = 4\n")
    with pytest.raises(DynvizError, match=r"the_size\.py has changed since the run began"):
        dynviz.resume(run.folder, steps=5, trust=tmp_path)


def test_a_projection_is_refused_where_a_file_of_the_run_has_changed(run, tmp_path):
    from dynviz.projection.project import Wish, project

    (tmp_path / "the_size.py").write_text("SIZE = 4\n")
    with pytest.raises(DynvizError, match=r"the_size\.py has changed since the run began"):
        project(run["sgd"], Wish(dimensions=1, grid=3, trust=(str(tmp_path),)))
