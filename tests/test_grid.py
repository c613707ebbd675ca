"""Grids: what their cells are, that all of them end well whatever dies, and that nothing is done twice."""

import ctypes
import errno
import functools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import joblib
import nbformat
import psutil
import pytest

from dckit import Recipe, results
from dckit.batch import estimate, grid, headless, notebook_script
from dckit.batch.grid_cells import chains, jobs_of
from dckit.data import Split
from dckit.method import Scores
from dckit.results import Run, runs

GRIDS = Path(__file__).parents[1] / "notebooks" / "grids"
PARAMETERS = """dataset = "digits"
ipc = 1
budget = "smoke"
seed = 0
download = False
outputs = "outputs"
protocol = "published"
methods = "random"
networks = "MLP"
trained = ""
"""
MEASURES = """import os, dckit
from dckit.results import measure, runs

real = dckit.load(dataset)
for run in runs(dataset, ipc, budget, seed, methods, networks, trained, protocol):
    measure(run, real, outputs)
print("threads", os.environ["OMP_NUM_THREADS"])
"""
# In place of measuring, which takes long: copies a result that is ready, a moment after it began, and keeps a diary.
COPIES = """import os, shutil, signal, time
from pathlib import Path

def note(what):
    with Path(outputs, "diary").open("a") as file:
        print(what, seed, os.environ.get("WORKER"), file=file)

note("begin")
time.sleep(0.5)
{trouble}
name = f"digits-1-random-MLP-published-smoke-{{seed}}.json"
results = Path(outputs, "results")
results.mkdir(exist_ok=True)
if not (results / name).exists():
    shutil.copy(Path({ready!r}, "results", name), results / f".{{name}}")
    os.replace(results / f".{{name}}", results / name)
    note("end")
"""
TROUBLE = """if seed == 0:
    raise ValueError("too bad\\nfor one sentence")
if seed == 1:
    os._exit(1)
if seed == 2:
    os.replace = lambda part, whole: part.unlink()  # no result
if seed == 3:  # as the system does where memory is short
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A folder of results for seeds 0 to 5."""
    folder = tmp_path_factory.mktemp("ready")
    for seed in range(6):
        (run,) = runs("digits", 1, "smoke", seed, "random", "MLP")
        n = run.recipe.testing.networks
        card = {"dataset": "digits", "recipe": run.recipe.as_json(), "seed": seed, "networks": n}
        results.save(run, Scores((50.0,) * n, 1.0, card | {"set": {"method": "random", "ipc": 1}}), folder)
    return folder


@pytest.fixture
def make(tmp_path, ready):
    """Writes a lesson and a grid of it; returns the grid's file."""

    def write(
        body=COPIES,
        every="seed = [0, 1, 2, 3, 4, 5]",
        trouble="",
        head='lesson = "lesson.ipynb"',
        parameters=PARAMETERS,
    ):
        body = body.format(ready=str(ready), trouble=trouble) if body is COPIES else body
        cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
        cells += [nbformat.v4.new_code_cell(body)]
        metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), tmp_path / "lesson.ipynb")
        (tmp_path / "grid.toml").write_text(f"{head}\n[every]\n{every}\n")
        return tmp_path / "grid.toml"

    return write


def diary(out):
    """How often each cell began and ended: ("begin", seed) → times."""
    return Counter(tuple(line.split()[:2]) for line in (out / "diary").read_text().splitlines())


def assert_all_is_well(out, seeds):
    found, skipped = results.read_all(out)
    assert sorted(result.run.seed for result in found) == seeds
    assert not skipped
    names = {path.name for path in (out / "cells").iterdir()}
    assert names == {f"lesson-{seed}.ipynb" for seed in seeds}  # and no unfinished ones
    for path in (out / "cells").iterdir():
        cells = nbformat.read(path, as_version=4).cells
        assert all(cell.execution_count for cell in cells if cell.cell_type == "code")


def test_each_combination_is_a_cell_and_the_command_line_fixes_parameters(make):
    path = make(every='seed = [0, 1]\nmethods = ["random", "herding dc"]')
    cells = jobs_of(path, {})
    assert [c.name for c in cells] == [f"lesson-{s}-{m}" for s in (0, 1) for m in ("random", "herding_dc")]
    assert cells[3].parameters == {"seed": 1, "methods": "herding dc"}
    assert cells[3].runs == tuple(runs("digits", 1, "smoke", 1, "herding dc", "MLP"))
    (cell,) = jobs_of(path, {"seed": 7, "methods": "dc", "ipc": 2})
    assert cell.name == "lesson-7-dc-2"
    assert cell.runs == tuple(runs("digits", 2, "smoke", 7, "dc", "MLP"))


@pytest.mark.parametrize(("name", "count", "tied"), [("table_1", 60, 3), ("table_2", 180, 6)])
def test_the_kits_grids_can_be_run(name, count, tied, tmp_path):
    cells = jobs_of(GRIDS / f"{name}.toml", {})
    assert len({cell.name for cell in cells}) == count
    assert {run.recipe.budget for cell in cells for run in cell.runs} == {"full"}
    assert [len(chain) for chain in chains(cells, tmp_path)] == [tied] * (count // tied)
    small = jobs_of(GRIDS / f"{name}.toml", {"budget": "smoke", "seed": 0, "dataset": "digits"})
    assert len(small) == {"table_1": 3, "table_2": 36}[name]
    assert {(run.recipe.budget, run.seed, run.dataset) for cell in small for run in cell.runs} == {
        ("smoke", 0, "digits")
    }


def test_cells_that_make_the_same_file_follow_one_another_and_others_do_not_wait(make, tmp_path):
    every = 'ipc = [1, 2]\nseed = [0, 1]\nmethods = ["whole", "dc", "dc herding", "random"]\ntrained = ["MLP", "LeNet"]'
    cells = jobs_of(make(every=every), {})
    found = chains(cells, tmp_path)
    chain_of = {cell.name: number for number, chain in enumerate(found) for cell in chain}
    assert sum(map(len, found)) == len(chain_of) == len(cells)

    def files(cell):
        made = {run.set_file(tmp_path) for run in cell.runs if run.method in ("dc", "herding")}
        return made | {run.result_file(tmp_path) for run in cell.runs}

    for one, other in combinations(cells, 2):
        if files(one) & files(other):
            assert chain_of[one.name] == chain_of[other.name]
    assert len({chain_of[cell.name] for cell in cells if cell.parameters["methods"] == "random"}) == 8  # alone, each


@pytest.mark.parametrize(
    ("every", "given", "sentence"),
    [
        ("sed = [1]", [], "'sed' is not a parameter that a grid sets in lesson.ipynb: expected dataset, ipc"),
        ("seed = [1]", ["-p", "outputs", "here"], "'outputs' is not a parameter that a grid sets"),
        ("seed = []", [], "seed in [every] is []: expected a list"),
        ("seed = 1", [], "seed in [every] is 1: expected a list"),
        ('seed = ["one"]', [], "seed 'one': expected a whole number"),
        ("seed = [true]", [], "seed True: expected a whole number"),
        ("seed = [1]", ["-p", "seed", "one"], "seed 'one': expected a whole number"),
        ("seed = [1]", ["-p", "download", "yes"], "download 'yes': expected True or False"),
        ("download = [1]", [], "download 1: expected True or False"),
        ("protocol = [true]", [], "protocol True: expected text, in quotes"),
        ("seed = [1]", ["-p", "Seed", "1"], "; did you mean 'seed'?"),
        ("seed = [1, 1]", [], "two cells named lesson-1"),
        ('dataset = ["mnits"]', [], "unknown dataset 'mnits'"),
        ("seed = [1]", ["-p", "methods", "magic"], "unknown method 'magic'"),
        ("seed = [1]", ["-p", "budget", "tiny"], "unknown budget 'tiny'"),
        ("seed = [1]", ["--jobs", "0"], "--jobs 0: expected 1 or more"),
        ("seed = [1]", ["--dask", "nowhere"], "no Dask scheduler answers at 'nowhere'"),
        ("seed = [1", [], "grid.toml is no TOML file"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_before_any_work(make, tmp_path, capsys, every, given, sentence):
    assert grid.main([str(make(every=every)), "--out", str(tmp_path / "out"), *given]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
    assert not (tmp_path / "out").exists()


def test_values_have_the_types_of_the_lessons_own(make):
    (cell,) = jobs_of(make(every='download = ["false"]'), {"protocol": "report", "seed": "3", "trained": "MLP"})
    assert cell.parameters == {"download": False, "protocol": "report", "seed": 3, "trained": "MLP"}
    (cell,) = jobs_of(make(every="download = [false]"), {"download": "True"})
    assert cell.parameters == {"download": True}


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            PARAMETERS.replace("ipc = 1", "ipc = 1 + seed"),
            "expected plain values in its parameters cell; computed: ipc",
        ),
        (PARAMETERS.replace("dataset", "data"), "expected dataset and outputs in its parameters cell, found data, ipc"),
        (PARAMETERS.replace("outputs =", "out ="), "expected dataset and outputs in its parameters cell"),
        ("ipc = = 1", "its parameters cell is not Python"),
    ],
)
def test_a_lesson_that_no_grid_can_run_is_named(make, tmp_path, capsys, parameters, sentence):
    path = make(parameters=parameters)
    assert grid.main([str(path), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ('lesson = "missing.ipynb"', "names the lesson 'missing.ipynb': no notebook"),
        ("lesson = 4", 'expected lesson = "….ipynb", [fixed] and [every], found 4'),
        ('lesson = "lesson.ipynb"\n[fixd]\nipc = 1', "[fixed] and [every], found fixd"),
    ],
)
def test_a_grid_without_a_lesson_is_one_sentence(make, tmp_path, capsys, head, sentence):
    assert grid.main([str(make(head=head)), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
    assert grid.main([str(tmp_path / "no.toml")]) == 1
    assert "cannot read the grid" in capsys.readouterr().err


def test_cells_are_measured_with_their_share_of_the_cores_and_not_again(make, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    out, path = tmp_path / "out", make(MEASURES, "seed = [0, 1]")
    assert grid.main([str(path), "--out", str(out), "--jobs", "2"]) == 0
    assert "2 of 2 cells" in capsys.readouterr().out
    assert_all_is_well(out, [0, 1])
    text = nbformat.read(out / "cells" / "lesson-1.ipynb", as_version=4).cells[-1].outputs[-1].text
    assert f"threads {max(1, joblib.cpu_count() // 2)}" in text
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.*")}
    assert grid.main([str(path), "--out", str(out)]) == 0
    assert "2 cells, 2 done already, 0 to do" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in out.rglob("*.*")}
    (out / "results" / "digits-1-random-MLP-published-smoke-1.json").write_text("{")
    assert grid.main([str(path), "--out", str(out), "--dry-run"]) == 0
    assert "2 cells, 1 done already, 1 to do" in capsys.readouterr().out


def test_cells_that_fail_or_die_do_not_stop_the_others(make, tmp_path, capsys):
    out = tmp_path / "out"
    assert grid.main([str(make(trouble=TROUBLE)), "--out", str(out), "--jobs", "2"]) == 1
    failed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("FAILED")]
    sentences = [
        "ValueError: too bad; see",
        "DeadKernelError: Kernel died",
        "left no results",
        "its process ended with -9",
    ]
    assert len(failed) == len(sentences)
    for seed, sentence in enumerate(sentences):
        (line,) = [line for line in failed if line.startswith(f"FAILED lesson-{seed}: ")]
        assert sentence in line
        assert str(out / "cells" / f"lesson-{seed}.ipynb") in line
    assert "too bad" in (out / "cells" / "lesson-0.ipynb").read_text()
    assert {result.run.seed for result in results.read_all(out)[0]} == {4, 5}
    assert not list((out / "cells").glob(".*"))


EXECUTED = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A")]))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("error", ["", "ValueError: too bad"])
def test_a_page_that_cannot_be_written_costs_no_notebook(tmp_path, monkeypatch, number, error):
    def process(job, *_):
        Path(job[1]).write_text(EXECUTED)
        return error, 1.0

    def page(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(headless, "_in_a_process", process)
    monkeypatch.setattr(headless, "page", page)
    ran = headless.execute(tmp_path / "in.ipynb", tmp_path / "a.ipynb", {})
    reason = f"cannot write {tmp_path / 'a.html'}: {os.strerror(number)}; choose another folder"
    assert (ran.error, ran.kept) == (f"{error}; {reason}" if error else reason, True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]


def test_half_a_notebook_does_not_take_the_place_of_a_whole_one(tmp_path, monkeypatch):
    def process(job, *_):
        Path(job[1]).write_text(EXECUTED[:40])
        return "its process ended with 1", 0.0

    monkeypatch.setattr(headless, "_in_a_process", process)
    (tmp_path / "a.ipynb").write_text("what was there")
    ran = headless.execute(tmp_path / "in.ipynb", tmp_path / "a.ipynb", {})
    assert (ran.error, ran.kept) == ("its process ended with 1", False)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["what was there"]


def test_a_grid_killed_again_and_again_ends_with_all_results(make, tmp_path):
    out, path = tmp_path / "out", make(every="seed = [0, 1, 2, 3, 4, 5]")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background it may be ignored
    for how in (signal.SIGKILL, signal.SIGINT):
        before = diary(out) if out.exists() else Counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "dckit", "grid", path, "--out", out, "--jobs", "2"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=GRIDS.parents[1],
        )  # fmt: skip
        wait_until(lambda before=before: (out / "diary").exists() and in_the_middle(diary(out) - before))
        process.send_signal(how)
        assert process.wait(120) in (-signal.SIGKILL, 130)
        time.sleep(2)  # for the longest of the watches over parents
        known = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        time.sleep(1)
        assert known == {path: path.stat().st_mtime_ns for path in out.rglob("*")}  # nothing goes on working for it
        assert not results.read_all(out)[1]
    assert grid.main([str(path), "--out", str(out), "--jobs", "2"]) == 0
    assert_all_is_well(out, [0, 1, 2, 3, 4, 5])
    counts = diary(out)
    assert all(counts["end", str(seed)] == 1 for seed in range(6))  # what was done was not done again
    assert sum(n for (what, _), n in counts.items() if what == "begin") > 6


@pytest.mark.skipif(sys.platform != "linux", reason="who inherits orphans is set the way Linux does")
def test_a_kernel_that_is_still_starting_ends_with_its_grid(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import time; time.sleep(300)")])
    nbformat.write(notebook, tmp_path / "n.ipynb")
    job = json.dumps([str(tmp_path / "n.ipynb"), str(tmp_path / "out.ipynb"), {}, False])
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    adopt_orphans = functools.partial(ctypes.CDLL(None).prctl, 36)  # a session's manager does, in place of process 1
    adopt_orphans(1)
    try:
        with subprocess.Popen([sys.executable, notebook_script.__file__, job], **pipes) as process:
            parent = psutil.Process(process.pid)
            wait_until(parent.children)
            process.stdin.close()
            process.wait(60)
            wait_until(lambda: select.select([process.stdout], [], [], 0)[0], 30)  # it closes with the last that has it
            assert not process.stdout.read()
    finally:
        adopt_orphans(0)


def in_the_middle(counts):
    """Whether a cell has ended, and another one has begun."""
    ended = [seed for what, seed in counts if what == "end"]
    return ended and any(what == "begin" and seed not in ended for what, seed in counts)


def wait_until(condition, seconds=240):  # of a machine that may have other work
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_dask_cluster_loses_a_worker_and_nothing_else(make, tmp_path):
    pytest.importorskip("distributed")
    out, path, file = tmp_path / "out", make(), tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=GRIDS.parents[1])
    where = ["--scheduler-file", file, "--no-dashboard"]
    started = [subprocess.Popen([*dask, "scheduler", "--port", "0", *where], **quiet)]
    worker = [*dask, "worker", "--nthreads", "1", *where]
    started += [subprocess.Popen(worker, **quiet, env=os.environ | {"WORKER": str(number)}) for number in (1, 2)]
    killed = []

    def kill_a_worker_in_the_middle_of_a_cell():
        wait_until(lambda: (out / "diary").exists() and (out / "diary").read_text().count("begin") >= 3)
        _, seed, number = (out / "diary").read_text().splitlines()[-1].split()
        os.killpg(started[int(number)].pid, signal.SIGKILL)
        killed.append(seed)

    try:
        wait_until(file.exists)
        threading.Thread(target=kill_a_worker_in_the_middle_of_a_cell, daemon=True).start()
        assert grid.main([str(path), "--out", str(out), "--dask", json.loads(file.read_text())["address"]]) == 0
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert_all_is_well(out, [0, 1, 2, 3, 4, 5])
    counts, (seed,) = diary(out), killed
    assert counts.pop(("begin", seed)) == 2
    assert set(counts.values()) == {1}


def test_one_run_a_gpu_and_a_dead_process_holds_none(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    script = (
        "import torch\nfrom dckit.batch.headless import own_gpu\ntorch.cuda.device_count = lambda: 2\n"
        "with own_gpu() as shown: print(shown, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, cwd=GRIDS.parents[1]) as other:
        assert b"'4'" in other.stdout.readline()
        with headless.own_gpu() as second:
            assert second == {"CUDA_VISIBLE_DEVICES": "GPU-7"}
            killed = threading.Event()
            threading.Timer(0.5, lambda: (killed.set(), other.kill())).start()
            with headless.own_gpu() as third:
                assert third == {"CUDA_VISIBLE_DEVICES": "4"}
                assert killed.is_set()  # it has waited until the other one let go of it
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with headless.own_gpu() as none:
        assert none == {}


@pytest.fixture
def costs(monkeypatch):
    """Stand-ins for both stages whose seconds are a formula of the recipe's amounts."""

    def of_condensing(recipe):
        its = recipe.condensing
        if recipe.method == "dm":
            return 11 + its.iterations * 0.1 * its.real_batch
        between = (its.matching_steps - 1) * its.network_steps
        return its.iterations * (its.matching_steps * (2 + 0.1 * its.real_batch) + 3 * between)

    def of_testing(recipe, whole):
        its = recipe.testing
        if whole:
            return its.whole_networks * (5 * its.whole_epochs + 9)
        return its.networks * (4 * its.epochs_augmented + 7)

    monkeypatch.setattr(estimate, "condensing", lambda _, recipe: [SimpleNamespace(seconds=of_condensing(recipe))])
    monkeypatch.setattr(
        estimate,
        "evaluating",
        lambda data, _, recipe: [SimpleNamespace(seconds=of_testing(recipe, isinstance(data, Split)))],
    )
    return of_condensing, of_testing


@pytest.mark.parametrize(("method", "ipc"), [("dc", 1), ("dc", 10), ("dsa", 10), ("dm", 10)])
def test_an_estimate_multiplies_out_the_loops_of_both_stages(costs, method, ipc):
    recipe, (condensing, testing) = Recipe.published(ipc, "smoke", "MLP", method), costs
    assert estimate.timed(("condensing", "digits", recipe)) == pytest.approx(condensing(recipe))
    assert estimate.timed(("testing", "digits", recipe)) == pytest.approx(testing(recipe, whole=False))
    assert estimate.timed(("whole", "digits", recipe)) == pytest.approx(testing(recipe, whole=True))


def test_an_estimate_counts_shared_sets_and_orders_once(make, tmp_path):
    every = 'seed = [0, 1]\nmethods = ["dc", "herding", "whole"]\ntrained = ["MLP", "LeNet"]\nipc = [1, 2]'
    made, times = set(), Counter()
    for cell in jobs_of(make(every=every), {}):
        for often, (kind, *_) in estimate._work("digits", cell.runs, tmp_path, made):
            times[kind] += often
    # For each of 2 seeds: sets of 2 ipc, tested with 2 networks as herding's are; orders of 2 networks; both on all.
    assert times == {"condensing": 2 * 2, "testing": 2 * 2 * 2 * 2, "whole": 2 * 2 + 2 * 2}


def test_an_estimate_counts_one_teacher_where_more_networks_stand_for_the_whole_dataset(tmp_path):
    run = Run("digits", "herding", Recipe.published(1, "full"))
    (teacher,) = (r for _, (kind, _, r) in estimate._work("digits", [run], tmp_path, set()) if kind == "whole")
    assert (run.recipe.testing.whole_networks, teacher.testing.whole_networks) == (5, 1)


@pytest.mark.parametrize(("deaths", "starts", "error"), [(0, 1, ""), (2, 3, ""), (3, 3, "Kernel died before replying")])
def test_a_kernel_that_never_began_is_started_again(monkeypatch, capsys, deaths, starts, error):
    asked = []

    def execute(*_, **__):
        asked.append(1)
        if len(asked) <= deaths:
            raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr("papermill.execute_notebook", execute)
    monkeypatch.setattr(notebook_script, "end_with_the_parent", lambda: None)
    monkeypatch.setattr("sys.argv", ["script", json.dumps(["from", "to", {}, False])])
    notebook_script.main()
    said, _ = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(asked) == starts
    assert error in said
    assert bool(said) == bool(error)
