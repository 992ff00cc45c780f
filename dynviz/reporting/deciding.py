"""From a claims file to findings: train what is missing, measure, and judge."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dynviz.comparison.statistics import median
from dynviz.errors import DynvizError, in_words
from dynviz.frozen import frozen
from dynviz.plugins.grammar import seeds as read_seeds
from dynviz.recording import Recording
from dynviz.reporting.clustered import bring_home, train
from dynviz.reporting.document import Claim, Claims, Quantity
from dynviz.reporting.reading import optimizer_of
from dynviz.reporting.training import QUICK_SEEDS, CachedTraining, TrainingListener, trainings
from dynviz.reporting.values import Effects, effects
from dynviz.reporting.verdicts import Finding, Ruling, judge
from dynviz.sweeps.cluster import opened


@frozen
class Inquiry:
    """How the claims are decided.

    Attributes:
        seeds: The seeds of runs that name none.
        cache: The folder that keeps the recordings.
        quick: Whether to take a quick look.
        trust: The user's own code that may run.
        cluster: The Dask cluster on which it trains; empty for this machine.
    """

    seeds: str
    cache: Path
    quick: bool = False
    trust: tuple[str, ...] = ()
    cluster: str = ""


def decide(claims: Claims, inquiry: Inquiry, listener: TrainingListener) -> Iterator[Finding]:
    """Train what is missing, then give the verdict on each claim.

    A run that cannot be trained leaves the claims that need it undecided, and all others are decided.

    Raises:
        KeyboardInterrupt: Training was stopped; what was recorded is kept, and is continued next time.
    """
    plan = trainings(claims.runs, inquiry.seeds, inquiry.cache, quick=inquiry.quick)
    failures = _train(plan, inquiry, listener)
    for claim in claims.claims:
        yield _decided(claim, claims, plan, failures, inquiry)


def _train(
    plan: Mapping[str, Mapping[str, CachedTraining]], inquiry: Inquiry, listener: TrainingListener
) -> dict[Path, str]:
    """Train what is not finished; gives why by folder for what cannot be trained."""
    bring_home(inquiry.cache)
    by_folder = {training.folder: training for run in plan.values() for training in run.values()}
    missing, failures = [], {}
    for folder, training in by_folder.items():
        try:
            if not training.done:
                missing.append(training)
        except DynvizError as error:
            failures[folder] = str(error)
    with opened(inquiry.cluster if missing else "") as cluster:
        if cluster is not None:
            runs = [training for training in missing if not training.command.sweeps and not training.trained]
            failures |= train(runs, cluster, inquiry.trust, listener.sweep_progress)
            missing = [training for training in missing if training.folder not in failures and not training.done]
        for number, training in enumerate(missing, 1):
            listener.begin(number, len(missing), training)
            try:
                training.train(listener, inquiry.trust, cluster)
            except Exception as error:  # a scenario is anybody's code
                failures[training.folder] = in_words(error)
    return failures


def _decided(
    claim: Claim,
    claims: Claims,
    plan: Mapping[str, Mapping[str, CachedTraining]],
    failures: Mapping[Path, str],
    inquiry: Inquiry,
) -> Finding:
    if claim.out_of_reach:
        return Finding(claim, Ruling.UNDECIDED, claim.out_of_reach)
    sides = {"value": claim.value, "against": claim.against}
    needed: dict[str, list[CachedTraining]] = {
        side: _needed(quantity, claims, plan) for side, quantity in sides.items() if quantity
    }
    used = used_by(claim, claims, plan)
    commands = tuple(dict.fromkeys(words for training in used for words in training.words()))
    for training in used:
        if training.folder in failures:
            reason = f"a run failed: {failures[training.folder]}"
            return Finding(claim, Ruling.UNDECIDED, reason, commands=commands)
    chosen = read_seeds(inquiry.seeds)
    chosen = chosen[:QUICK_SEEDS] if inquiry.quick else chosen
    recordings: dict[str, list[Recording]] = {}
    try:
        for side, missing in needed.items():
            recordings[side] = [recording for training in missing for recording in training.recordings()]
        numbers = effects(claim, recordings, chosen)
        finding = judge(claim, numbers.values, numbers.seeds, quick=inquiry.quick)
    except (DynvizError, ValueError, ArithmeticError, LookupError, np.linalg.LinAlgError) as error:
        return Finding(claim, Ruling.UNDECIDED, f"it cannot be measured: {in_words(error)}", commands=commands)
    return replace(
        finding,
        sides=_medians(numbers),
        commands=commands,
        sources=tuple(recording.source for recording in numbers.recordings),
    )


def used_by(claim: Claim, claims: Claims, plan: Mapping[str, Mapping[str, CachedTraining]]) -> list[CachedTraining]:
    """What has to be trained for a claim, each once."""
    needed = [training for quantity in claim.quantities for training in _needed(quantity, claims, plan)]
    return list({training.folder: training for training in needed}.values())


def _needed(
    quantity: Quantity, claims: Claims, plan: Mapping[str, Mapping[str, CachedTraining]]
) -> list[CachedTraining]:
    if quantity.calculate:
        return []
    return [plan[quantity.run][text] for text in optimizer_of(quantity, claims.runs[quantity.run].command)]


def _medians(numbers: Effects) -> tuple[float, float] | None:
    if (
        numbers.of_value is None
        or numbers.of_against is None
        or not (numbers.of_value.any() or numbers.of_against.any())
    ):
        return None
    sides: Sequence[float] = [float(median(side)) for side in (numbers.of_value, numbers.of_against)]
    return sides[0], sides[1]
