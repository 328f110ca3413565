"""``python -m bench.scale``: count, simulate, try, and write docs/scale.md with its plots. About four minutes."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bench.page import machine, replace_between, table, today
from bench.scale import demand, plots, prices, scenarios, trial
from bench.scale.demand import Demand
from bench.scale.levels import APPS, BUILDS_A_DAY, PEAK, Clusters, month, needs
from bench.scale.quotas import QUOTAS
from bench.scale.scenarios import PROVISIONING_MEDIAN, Row
from local.cloud.places import ROOT

PAGE: Final = ROOT / "docs" / "scale.md"
PLOTS: Final = ROOT / "docs" / "scale"
_WAITS: Final = ("", "median wait", "95 % wait at most", "longest", "never got a place")


def main() -> int:
    """Write the page; 1 when the simulation is too far from the real builds."""
    parser = argparse.ArgumentParser(description=__doc__.partition(": ")[2])
    parser.add_argument("--builds", type=int, default=64, help="of the trial")
    options = parser.parse_args()
    PLOTS.mkdir(exist_ok=True)
    counted = demand.measure()
    real = counted.on_codebuild(PROVISIONING_MEDIAN)
    _write("demand", _demand(counted))
    _write("levels", _levels(real))
    _write("costs", _costs(real))
    _write("busy", _busy(counted))
    _write("flood", _flood(counted))
    _write("fleet", _fleet(counted))
    _write("images", _images(counted))
    found = trial.run(options.builds)
    _write("trial", _trial(found))
    print(f"trial: {found.difference:.1%} of {found.real[-1]:.1f} s")  # noqa: T201
    return int(found.difference > trial.TOLERANCE)


def _write(name: str, text: str) -> None:
    replace_between(PAGE, f"scale {name}", text)
    print(f"{name}\n{text}\n", flush=True)  # noqa: T201


def _demand(counted: Demand) -> str:
    rows = [
        [name, f"{value:g}" if value == round(value) else f"{value:.2f}"] for name, value in demand.as_rows(counted)
    ]
    return f"{today()}, {machine()}.\n\n" + table(("one build of one file", ""), rows)


def _levels(real: Demand) -> str:
    levels = [(f"{builds:,} a day", needs(builds, real)) for builds in BUILDS_A_DAY]
    plots.utilisation(levels, PLOTS / "quotas.svg")
    by_name = [{used.name: used for used in found} for _, found in levels]
    rows = [
        [
            QUOTAS[used.name].title,
            f"{QUOTAS[used.name].limit:,g} {QUOTAS[used.name].unit}",
            *(_share(found[used.name].share) for found in by_name),
            QUOTAS[used.name].setting,
        ]
        for used in levels[-1][1]
    ]
    sources = "\n".join(f"- {quota.title}: {quota.source}" for quota in QUOTAS.values())
    return (
        table(("quota", "default", *(name for name, _ in levels), "what to raise"), rows)
        + f"\n\n![Quotas used](scale/quotas.svg)\n\nWhere the defaults are from:\n\n{sources}"
    )


def _share(share: float) -> str:
    text = f"{100 * share:.2g} %" if share < 1 else f"{share:.1f} times"
    return f"**{text}**" if share >= 1 else text


def _costs(real: Demand) -> str:
    months = [month(builds, real) for builds in BUILDS_A_DAY]
    rows = [[service, *(f"{one[service]:,.2f}" for one in months)] for service in months[0]]
    rows.append(["**a month**", *(f"**{sum(one.values()):,.2f}**" for one in months)])
    apps = [Clusters(number) for number in APPS]
    clusters = [
        [f"{one.apps:,}", str(one.nodes), str(one.clusters), f"{one.month:,.0f}", f"{one.month / one.apps:.2f}"]
        for one in apps
    ]
    head = ("USD a month", *(f"{builds:,} builds a day" for builds in BUILDS_A_DAY))
    return f"Prices of {prices.DATE}, us-east-1: {prices.SOURCES}.\n\n{table(head, rows)}\n\n" + table(
        ("apps of one replica", "nodes (m7i.2xlarge)", "clusters", "USD a month", "for each app"), clusters
    )


def _busy(counted: Demand) -> str:
    rows = scenarios.busy_hours(counted, 10_000, (5, 20, 40, 60, 300))
    plots.waits(f"Seconds until a build begins, {10_000 // 24 * PEAK:,} builds an hour", rows, PLOTS / "busy.svg")
    return _waits(rows) + "\n\n![Waits by places](scale/busy.svg)"


def _flood(counted: Demand) -> str:
    found = scenarios.floods(counted, scenarios.flood_settings(counted))
    others = [replace(row, name=name) for name, _, row in found]
    plots.waits("Seconds until a build of the others begins, by settings", others, PLOTS / "flood.svg")
    rows = [
        [
            name,
            _seconds(other.median),
            _seconds(other.p95),
            _seconds(flood.median),
            _seconds(flood.longest),
            str(flood.refused),
        ]
        for name, flood, other in found
    ]
    head = ("", "others: median wait", "95 %", "flood: median wait", "its last", "of 400 told 429")
    return table(head, rows) + "\n\n![Waits of the others](scale/flood.svg)"


def _fleet(counted: Demand) -> str:
    rows = scenarios.fleets(counted, 60, (0, 1, 2)) + scenarios.fleets(counted, 1200, (0, 1, 2, 5))
    names = ["60 builds an hour, "] * 3 + ["1,200 an hour, "] * 4
    return _waits([replace(row, name=before + row.name) for before, row in zip(names, rows, strict=True)])


def _images(counted: Demand) -> str:
    rows = scenarios.image_rates(counted, BUILDS_A_DAY[-1], (10, 50, 100, 300))
    return _waits(rows).replace("wait", "time to the end")


def _waits(rows: Sequence[Row]) -> str:
    return table(
        _WAITS,
        [
            [
                row.name,
                _seconds(row.median),
                _seconds(row.p95),
                _seconds(row.longest),
                f"{row.lost:,} of {row.builds:,}",
            ]
            for row in rows
        ],
    )


def _seconds(value: float) -> str:
    return f"{value:,.0f} s"


def _trial(found: trial.Trial) -> str:
    plots.trial(found, PLOTS / "trial.svg")
    rows = [
        [f"build {number}", f"{found.real[number - 1]:.1f} s", f"{found.simulated[number - 1]:.1f} s"]
        for number in (1, len(found.real) // 4, len(found.real) // 2, len(found.real))
    ]
    return (
        f"{today()}, {machine()}; a build takes {found.build_seconds:.2f} s while another one runs. "
        f"The last build: {found.difference:.1%} apart.\n\n"
        + table(("done", "real", "simulated"), rows)
        + "\n\n![Real and simulated](scale/trial.svg)"
    )


if __name__ == "__main__":
    sys.exit(main())
