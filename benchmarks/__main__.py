"""Time every part of the method beside plain code, and write what was found as JSON and into docs/speed.md.

python -m benchmarks                     all of it on this machine's CPU: about half an hour on two cores
python -m benchmarks --device cuda       on its GPU; with DCKIT_CUDA_GRAPHS=1 before it, steps are recorded
python -m benchmarks --only epoch        some of it anew, in the place of what was measured before
"""

import argparse
import json
import math
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import cost, timing
from benchmarks.cases import cases
from benchmarks.page import HERE, PAGE, fill
from benchmarks.whole import whole_runs
from dckit.engine import graphs_on, versions, write_json
from dckit.show import Table

AS_FAST = 1.25  # a product of matrices may take this many times as long on what passes for the same machine
HOWS = {"cpu": ("plain", "float32", "bfloat16"), "cuda": ("plain", "float32", "tf32", "bfloat16")}


def main(arguments: Iterable[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=tuple(HOWS), default="cpu")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is timed, in turn (default: 5)")
    parser.add_argument("--only", default="", help="the cases whose name has this in it, such as 'epoch' or 'VGG11'")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the JSON file")
    args = parser.parse_args(None if arguments is None else list(arguments))
    chosen = [case for case in cases() if args.only in case.name]
    if not chosen:
        print(f"no case has {args.only!r} in its name: there are {'; '.join(c.name for c in cases())}", file=sys.stderr)
        return 1
    machine = timing.machine(args.device)
    recorded = args.device == "cuda" and graphs_on()
    machine |= {"cuda_graphs": True} if recorded else {}
    file = args.out / f"{args.device}-{machine['threads']}{'-graphs' if recorded else ''}.json"
    if args.only and not file.exists():
        print(f"{file} is not there, so that nothing can be kept there: measure all cases first", file=sys.stderr)
        return 1
    found: dict[str, Any] = {"machine": machine, "versions": versions(), "cases": {}}
    if args.only:
        found = json.loads(file.read_text(encoding="utf-8"))
        faster = machine["gflops"]["float32"] / found["machine"]["gflops"]["float32"]
        if not 1 / AS_FAST < faster < AS_FAST:
            print(f"this machine is {faster:.1f} times as fast as that of {file}: measure all cases", file=sys.stderr)
            return 1
    for case in chosen:
        ways = timing.measure(case, HOWS[args.device], args.device, args.rounds)
        found["cases"][case.name] = {"case": asdict(case), "rounds": args.rounds, "ways": ways}
        print(" ".join(row(found["cases"][case.name], found["machine"])), flush=True)
    if not args.only:
        found["cost"] = cost.sweep(args.device, args.rounds)
    if not args.only and args.device == "cuda":
        found["whole"] = list(whole_runs(HOWS["cuda"][1:], "cuda"))
    if recorded and not graphs_on():
        print("nothing is written, since a recording failed: part of it was measured without one", file=sys.stderr)
        return 1
    write_json(file, found)
    if args.out == HERE / "results":
        write_page()
    return 0


def write_page(page: Path = PAGE, results: Path = HERE / "results") -> None:
    """Put the table and the picture of every file of results where the page has its name."""
    for file in sorted(results.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        drawn = cost.draw(found["cost"], found["machine"]["device"])
        drawn.save(page.with_name(f"cost-{file.stem}.png"))
        tables = [table(found)] + ([whole_table(found["whole"])] if "whole" in found else [])
        body = "\n\n".join([*(each.markdown for each in tables), f"![{drawn.alt}](cost-{file.stem}.png)"])
        fill(page, file.stem, body)


def table(found: dict[str, Any]) -> Table:
    """Everything that was timed on one machine."""
    cases = list(found["cases"].values())
    ways = list(cases[0]["ways"])
    header = ["part", "network", "images", "ipc", "plain", *(f"{way}" for way in ways[1:])]
    header += [f"MB, {way}" for way in ways] + ["of the peak"]
    rows = tuple(tuple(row(case, found["machine"])) for case in cases)
    peak = ", ".join(f"{way} {gflops:.0f}" for way, gflops in found["machine"]["gflops"].items())
    note = f"{found['machine']['device']}, {found['machine']['threads']} threads, torch {found['versions']['torch']}. "
    note += f"Each way was timed {min(case['rounds'] for case in cases)} times or more. "
    note += "Steps were replayed from CUDA graphs. " if "cuda_graphs" in found["machine"] else ""
    note += f"A large matrix product reaches, in Gflop/s: {peak}."
    return Table(tuple(header), rows, note)


def whole_table(found: list[dict[str, Any]]) -> Table:
    """Seconds of the published protocol."""
    header = ("precision", "images per class", "stage C, all of it", "stage T, all networks of a set")
    rows = ((f["precision"], str(f["ipc"]), seconds(f["stage C"]), seconds(f["stage T"])) for f in found)
    return Table(header, tuple(rows), "The published protocol, one set, MNIST's shape and numbers of images.")


def row(found: dict[str, Any], machine: dict[str, Any]) -> list[str]:
    """A case as a row of the table: seconds of plain code, how many times faster the kit is, megabytes."""
    case, ways = found["case"], found["ways"]
    kit = [way for way in ways if way != "plain"]
    share = ways["float32"]["gflop"] / ways["float32"]["seconds"] / machine["gflops"]["float32"]
    faster = [f"{seconds(ways[way]['seconds'])} ({ways[way]['times_faster']:.2g}×)" for way in kit]
    megabytes = ["–" if math.isnan(ways[way]["megabytes"]) else f"{ways[way]['megabytes']:.0f}" for way in ways]
    names = [case["part"], case["network"], case["shape"], str(case["ipc"])]
    return [*names, seconds(ways["plain"]["seconds"]), *faster, *megabytes, f"{share:.0%}"]


def seconds(value: float) -> str:
    """A time as a person says it."""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"


if __name__ == "__main__":
    sys.exit(main())
