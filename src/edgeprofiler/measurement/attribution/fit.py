"""Powers of all states and the timing of the sensor, found together.

One pass writes the conversions as a sum: shares of layers times powers, gaps and pauses, slow
drift, and the change that a better timing would make. Given the noise, the posterior of all of
these is exact linear algebra; the timing moves by what it says, the noise is told from what is
left over, and the next pass begins. What is not asked for is integrated out, so that the errors
of the layers carry the doubt about timing, drift and variation within layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.clock import hats
from edgeprofiler.measurement.attribution.cycles import Cycles, Whitened
from edgeprofiler.measurement.attribution.noise import Noise, told_apart
from edgeprofiler.measurement.attribution.prior import LayerBelief, Prior
from edgeprofiler.measurement.attribution.problem import Mixture
from edgeprofiler.measurement.attribution.runs import RunTimes
from edgeprofiler.measurement.attribution.timing import Timing


@dataclass(frozen=True)
class Knob:
    """One timing that is fitted."""

    doubt: float
    """Standard deviation before the measurement."""
    most: float
    """Largest step of one pass: beyond it the slopes no longer hold."""
    step: float
    """By which slopes are taken."""


KNOBS = {
    "lag_s": Knob(5e-3, 40e-6, 1e-6),
    "window_s": Knob(1e-3, 60e-6, 1e-6),
    "gap_s": Knob(8e-6, 3e-6, 0.3e-6),
    "time_constant_s": Knob(1e-3, 0.3e-3, 20e-6),
    "drift_s": Knob(0.2e-3, 60e-6, 1e-6),
    "bend_s": Knob(50e-6, 30e-6, 1e-6),
}
"""Steps are about a short layer's length, over which predictions are nearly linear. Doubts are
what boards and hosts differ by; ten times as much changes no power by a tenth of its error."""

LEAST_WINDOW_S = 80e-6
"""Below any chip's: the INA3221's shortest conversion takes 0.14 ms."""


@dataclass(frozen=True)
class FitSettings:
    """What decides how a fit goes about it, each with what set it."""

    knots_every: int = 300
    """Conversions for each knot of the drift; with 100 the knots begin to follow noise."""
    most_knots: int = 16
    drift: float = 0.1
    """Standard deviation of a knot, as a share of the runs' power: boards warm by less."""
    follows: float = 1.5
    """Power of the clock that power follows, roughly: boards' goes with the first to third."""
    sag_per_w: float = 2e-3
    """Standard deviation of a supply's sag, relative, for each watt: 50 mOhm at 5 V."""
    outlier: float = 3.5
    """Residuals beyond so many deviations lose weight: one odd poll in a hundred does no harm."""
    settled: float = 0.3
    """A pass that gains less log-likelihood than this was the last."""
    least_waves: int = 2
    """Waves by which power may vary within a layer: a start that differs from the end, and ends
    that differ from the middle. A third one changed no coverage of layers far below a window."""
    waves_per_window: float = 10.0
    """Waves of a layer that lasts a window: a kernel's start-up may take a tenth of it."""
    most_waves: int = 32
    """Waves of one layer, reached at three windows: a bound on the columns, 1,500 of all layers."""
    most_textured: int = 48
    """Layers, the longest ones, that may vary within."""
    textures: tuple[float, ...] = (0.0, 0.03, 0.06, 0.12, 0.25)
    """Sizes of those waves that are tried, as shares of the runs' power; the likeliest is taken."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What was found. Powers are above the floor of the samples."""

    timing: Timing
    fitted: tuple[str, ...]
    mean_w: FloatArray
    """Of layers, gaps, between runs; shape (states,)."""
    covariance: FloatArray
    """Shape (states, states)."""
    noise: Noise
    residual: FloatArray
    """Of each conversion; shape (samples,)."""
    deviation: FloatArray
    """Standard deviation that the noise gives each conversion; shape (samples,)."""
    log_likelihood: float
    prior: FloatArray
    """Covariance of the layers before the measurement; shape (layers, layers)."""
    information: FloatArray
    """What the samples alone say of the layers, as inverse covariance; shape (layers, layers)."""
    moment: FloatArray
    """That times the powers that the samples alone would give, less `centre_w`."""
    centre_w: float
    halves: list[tuple[FloatArray, FloatArray]]
    """Information and moment of the first and of the second half of the samples alone; none where
    not all sizes of the prior were mixed."""
    texture_w: float
    """Standard deviation of the waves within layers."""
    drift_w: float
    """From the least to the most power that drift added."""
    timing_error: dict[str, float]
    """Standard error of each fitted timing."""
    others: FloatArray
    """What is found beside the layers, in the pass's own units."""

    @property
    def blur_s(self) -> float:
        """Half the width by which ends of runs are uncertain."""
        return float(np.sqrt(3.0)) * self.noise.shift_s


def fit(
    problem: Mixture,
    timing: Timing,
    fitted: tuple[str, ...],
    *,
    rounds: int,
    start: Fit | None = None,
    texture: bool = False,
    every: bool = True,
    least: float = -np.inf,
    settings: FitSettings | None = None,
) -> Fit:
    """Return powers, timing and noise that explain the samples.

    Args:
        problem: what is to be explained.
        timing: where the search begins; near the truth, by less than a layer's length or so.
        fitted: names of the timings that may move.
        rounds: most passes.
        start: an earlier fit, whose noise and powers are taken to begin with.
        texture: whether power may vary within layers.
        every: mix all sizes of the prior in the end, not those next to the likeliest alone.
        least: log-likelihood of another fit: one that gains too little to reach it ends early.
        settings: how.
    """
    settings = settings or FitSettings()
    state = _State.begin(problem, timing, start)
    fewest = 1 if start is not None else 2
    found = before = None
    for number in range(rounds):
        if number > 0:
            state.shares = problem.shares(state.timing, state.blur_s)
        linear = _Linear.of(problem, state, fitted, settings, texture=texture)
        before, found = found, linear.solved(settings, every=False)
        gain = np.inf if before is None else found.log_likelihood - before.log_likelihood
        if number == rounds - 1 or (number >= fewest and abs(gain) < settings.settled):
            break
        if number >= fewest and found.log_likelihood + gain * (rounds - number - 1) < least:
            break
        linear.hand_on(found, settings)
    assert found is not None
    return linear.solved(settings, every=True) if every else found


@dataclass(eq=False)
class _State:
    """What one pass hands to the next."""

    timing: Timing
    shares: FloatArray
    """Of each state in each conversion, under that timing and blur."""
    power: FloatArray
    noise: Noise
    weight: FloatArray
    blur_s: float
    within: FloatArray | float = 0.0
    """What power that varies within layers added to each conversion."""

    @staticmethod
    def begin(problem: Mixture, timing: Timing, start: Fit | None) -> _State:
        blur = 0.0 if start is None else start.blur_s
        shares = problem.shares(timing, blur)
        above = problem.samples.above_w
        power, left = _robust(shares, above, problem.scale_w)
        usual = float(np.median(np.abs(left))) / 0.6745 + 1e-9
        weight = np.minimum(1.0, 4 * usual / np.maximum(np.abs(left), 1e-12)) ** 2
        noise = Noise.white(max(usual, problem.least_w) ** 2) if start is None else start.noise
        return _State(timing, shares, power, noise, weight, blur)


def _robust(shares: FloatArray, above: FloatArray, scale: float) -> tuple[FloatArray, FloatArray]:
    """Return first powers, gently drawn to the mean, that odd samples do not disturb."""
    centre = float(above.mean())
    ridge = np.eye(shares.shape[1]) * (0.05**2)
    weight = np.ones(len(above))
    power = np.full(shares.shape[1], centre)
    left = above - centre
    for _ in range(3):
        weighted = shares * weight[:, None]
        gram = weighted.T @ shares + ridge * (0.01 + float(np.var(left)) / scale**2)
        power = centre + np.linalg.solve(gram, weighted.T @ (above - centre))
        left = above - shares @ power
        usual = float(np.median(np.abs(left))) / 0.6745 + 1e-9
        weight = np.minimum(1.0, 3 * usual / np.maximum(np.abs(left), 1e-12))
    return power, left


@dataclass(frozen=True, eq=False)
class _Linear:
    """One pass: the conversions as a sum, under one timing, noise and weights."""

    problem: Mixture
    state: _State
    fitted: tuple[str, ...]
    cycles: Cycles
    log_determinant: float
    blocks: dict[str, tuple[FloatArray, float]]
    equations: _Equations
    centre_w: float
    texture: bool

    @staticmethod
    def of(
        problem: Mixture, state: _State, fitted: tuple[str, ...], settings: FitSettings, *,
        texture: bool,
    ) -> _Linear:  # fmt: skip
        """Return the sum under what the last pass handed on."""
        timing, scale, shares = state.timing, problem.scale_w, state.shares
        layers, above = problem.runs.layers, problem.samples.above_w
        edges = problem.edges(timing, state.power, state.blur_s)
        cycles = problem.cycles(edges)
        white = Whitened(cycles, state.noise.spread, state.noise.sensor / state.weight)
        steps = {name: knob.step for name, knob in KNOBS.items()}
        slopes = problem.slopes(edges, fitted, steps, state.blur_s)
        running = np.maximum(shares @ state.power - state.power[-1], 0.0)
        drift = _drift(problem, running, settings)
        has_gaps = float(shares[:, layers].mean()) > 1e-5
        blocks = {
            "gap": (shares[:, layers : layers + has_gaps], 2 * scale),
            "pause": (shares[:, layers + 1 :], 100 * scale),
            "timing": (slopes * _doubts(fitted), 1.0),
            "drift": (drift, settings.drift * scale),
            "clock": (_clocked(problem, running + state.within, settings), 1.0),
            "sag": (problem.crossed(timing, state.power, state.blur_s), settings.sag_per_w),
            "waves": (_waves(problem, timing, settings) if texture else drift[:, :0], scale),
        }
        centre = float(above.mean())
        equations = _Equations.of(white, shares[:, :layers], blocks, above - centre)
        return _Linear(
            problem, state, fitted, cycles, white.log_determinant, blocks, equations, centre,
            texture,
        )  # fmt: skip

    def solved(self, settings: FitSettings, *, every: bool) -> Fit:
        """Return what follows from it; `every`: mix all sizes of the prior."""
        problem, equations, part = self.problem, self.equations, self.equations.parts
        prior, scale, above = problem.prior, problem.scale_w, problem.samples.above_w
        tried = settings.textures if self.texture else (0.0,)
        sizes: list[dict[str, float]] = [{"waves": max(size, 1e-3)} for size in tried]
        solutions = [equations.solve(prior, size, every) for size in sizes]
        best = max(range(len(tried)), key=lambda n: solutions[n].log_likelihood)
        found = solutions[best]
        explained = equations.columns @ np.concatenate([found.belief.mean, found.others])
        residual = above - self.centre_w - explained
        freedom = max(1 - 0.7 * equations.columns.shape[1] / len(above), 0.5)
        noise = told_apart(residual, self.cycles, freedom, problem.least_w**2)
        power, covariance = found.states(part, has_gaps=part["gap"].stop > part["gap"].start)
        drift = self.blocks["drift"][0] @ found.others[part["drift"]]
        errors = found.errors()[part["timing"]] * _doubts(self.fitted)
        return Fit(
            timing=self.state.timing,
            fitted=self.fitted,
            mean_w=power + self.centre_w,
            covariance=covariance,
            noise=noise,
            residual=residual,
            deviation=np.sqrt(noise.variance(self.cycles)),
            log_likelihood=found.log_likelihood - 0.5 * self.log_determinant,
            prior=found.belief.prior,
            information=found.information,
            moment=found.moment,
            centre_w=self.centre_w,
            halves=equations.halves(sizes[best]) if every else [],
            texture_w=tried[best] * scale,
            drift_w=float(np.ptp(drift)),
            timing_error=dict(zip(self.fitted, errors.tolist(), strict=True)),
            others=found.others,
        )

    def hand_on(self, found: Fit, settings: FitSettings) -> None:
        """Give the next pass the timing, noise, weights and powers that were found."""
        state, part = self.state, self.equations.parts
        off = np.abs(found.residual) / found.deviation
        state.weight = np.minimum(1.0, settings.outlier / np.maximum(off, 1e-9)) ** 2
        state.noise, state.power, state.blur_s = found.noise, found.mean_w, found.blur_s
        state.within = self.blocks["waves"][0] @ found.others[part["waves"]]
        change = found.others[part["timing"]] * _doubts(self.fitted)
        state.timing = _moved(self.problem.runs, state.timing, self.fitted, change)


def _doubts(fitted: tuple[str, ...]) -> FloatArray:
    """Return the standard deviation of timings before the measurement."""
    return np.array([KNOBS[name].doubt for name in fitted])


@dataclass(frozen=True, eq=False)
class _Equations:
    """Normal equations of layers and of everything else, under one noise."""

    columns: FloatArray
    """Layers, then the blocks; shape (samples, unknowns)."""
    parts: dict[str, slice]
    """Where each block lies among the unknowns behind the layers."""
    sizes: dict[str, float]
    """Standard deviation of a block's unknowns before the measurement."""
    half: FloatArray
    """Products of all columns, and of what is seen behind them, in both halves of the session;
    shape (2, unknowns + 1, unknowns + 1)."""
    layers: int

    @staticmethod
    def of(
        white: Whitened, shares: FloatArray, blocks: dict[str, tuple[FloatArray, float]],
        above: FloatArray,
    ) -> _Equations:  # fmt: skip
        parts, start = {}, 0
        for name, (table, _) in blocks.items():
            parts[name] = slice(start, start + table.shape[1])
            start += table.shape[1]
        columns = np.concatenate([shares, *(t for t, _ in blocks.values()), above[:, None]], axis=1)
        sizes = {name: size for name, (_, size) in blocks.items()}
        return _Equations(columns[:, :-1], parts, sizes, white.halves(columns), shares.shape[1])

    def solve(self, prior: Prior, shares: dict[str, float], every: bool) -> _Solution:
        """Return all unknowns; `shares` makes some blocks' unknowns smaller beforehand."""
        likelihood, information, moment, lower, across = self._reduced(self.half.sum(0), shares)
        belief = prior.posterior(information, moment, every=every)
        back = np.linalg.solve(lower.T, across)
        likelihood += belief.log_likelihood
        others = back[:, -1] - back[:, :-1] @ belief.mean
        return _Solution(belief, others, back[:, :-1], lower, likelihood, information, moment)

    def halves(self, shares: dict[str, float]) -> list[tuple[FloatArray, FloatArray]]:
        """Return information and moment of the layers in each half of the session."""
        return [self._reduced(gram, shares)[1:3] for gram in self.half]

    def _reduced(
        self, gram: FloatArray, shares: dict[str, float]
    ) -> tuple[float, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Integrate out what is no layer.

        Returns:
            The log-likelihood but for the layers, what the samples say of the layers (information
            and moment), the root of the others' own equations, and that solved for the rest.
        """
        n = self.layers
        known = np.empty(len(gram) - 1 - n)
        for name, part in self.parts.items():
            known[part] = 1 / (self.sizes[name] * shares.get(name, 1.0)) ** 2
        lower = np.asarray(np.linalg.cholesky(gram[n:-1, n:-1] + np.diag(known)), np.float64)
        mixed = np.column_stack([gram[n:-1, :n], gram[n:-1, -1]])
        across = np.linalg.solve(lower, mixed)
        information = np.asarray(gram[:n, :n] - across[:, :-1].T @ across[:, :-1])
        moment = gram[:n, -1] - across[:, :-1].T @ across[:, -1]
        likelihood = -0.5 * (float(gram[-1, -1]) - float(across[:, -1] @ across[:, -1]))
        likelihood += 0.5 * float(np.log(known).sum()) - float(np.log(np.diag(lower)).sum())
        information = 0.5 * (information + information.T)
        return likelihood, information, np.asarray(moment), lower, np.asarray(across)


@dataclass(frozen=True, eq=False)
class _Solution:
    belief: LayerBelief
    others: FloatArray
    """What is no layer."""
    back: FloatArray
    """How much of each layer's change the others take back; shape (others, layers)."""
    lower: FloatArray
    """Root of the others' own equations."""
    log_likelihood: float
    information: FloatArray
    moment: FloatArray

    def errors(self) -> FloatArray:
        """Return the standard errors of the others."""
        spread = np.linalg.inv(self.lower)
        variance = (spread**2).sum(axis=0)
        variance += ((self.back @ self.belief.covariance) * self.back).sum(axis=1)
        return np.asarray(np.sqrt(variance))

    def states(self, parts: dict[str, slice], *, has_gaps: bool) -> tuple[FloatArray, FloatArray]:
        """Return mean and covariance of layers, gaps (as pauses where there are none), pauses."""
        gap, pause = parts["gap"].start, parts["pause"].start
        two = [gap if has_gaps else pause, pause]
        spread = np.linalg.inv(self.lower)[:, two]
        back = self.back[two]
        mixed = -back @ self.belief.covariance
        own = spread.T @ spread - mixed @ back.T
        covariance = np.block([[self.belief.covariance, mixed.T], [mixed, own]])
        return np.concatenate([self.belief.mean, self.others[two]]), covariance


def _waves(problem: Mixture, timing: Timing, settings: FitSettings) -> FloatArray:
    """Return columns for power that varies within the longest layers."""
    length = problem.runs.mean_s
    longest = np.argsort(-length, kind="stable")[: settings.most_textured]
    wanted = np.ceil(settings.waves_per_window * length[longest] / timing.window_s)
    orders = np.zeros(length.size, dtype=np.int64)
    orders[longest] = np.clip(wanted, settings.least_waves, settings.most_waves)
    return problem.texture(timing, orders)


def _moved(runs: RunTimes, timing: Timing, fitted: tuple[str, ...], change: FloatArray) -> Timing:
    values = {}
    for name, by in zip(fitted, change.tolist(), strict=True):
        most = KNOBS[name].most
        values[name] = getattr(timing, name) + min(max(by, -most), most)
    for name, least in (("window_s", LEAST_WINDOW_S), ("gap_s", 0.0), ("time_constant_s", 0.0)):
        if name in values:
            values[name] = max(values[name], least)
    if "gap_s" in values:
        values["gap_s"] = min(values["gap_s"], runs.spare_s / runs.layers)
    return timing.with_values(values)


def _drift(problem: Mixture, running: FloatArray, settings: FitSettings) -> FloatArray:
    """Return columns for slow change of what everything draws and of what runs."""
    place, count = problem.line(), len(problem.samples)
    columns = [np.empty((count, 0))]
    knots = int(min(max(count // settings.knots_every, 1), settings.most_knots))
    if knots > 1:
        hat = hats(place, np.linspace(-0.5, 0.5, knots))[:, 1:]
        hat = hat - hat.mean(axis=0)
        columns += [hat, hat * (running / max(float(running.mean()), 1e-9))[:, None]]
    return np.concatenate(columns, axis=1)


def _clocked(problem: Mixture, running: FloatArray, settings: FitSettings) -> FloatArray:
    """Return columns for power of what runs that follows the clock.

    A power of the clock is an exponential of its logarithm, of which these are the first terms:
    unlike a factor in the shares, they let the samples say how far the clock's noise is to be
    believed. Layers keep their means over the time that they ran.
    """
    runs = problem.runs
    if runs.clock is None:
        return np.empty((len(problem.samples), 0))
    run = np.minimum(np.searchsorted(runs.end_s, problem.samples.end_s), len(runs) - 1)
    columns, term = [], np.ones(len(runs))
    for order in range(1, 4):
        term = term * settings.follows * runs.clock / order
        mean = float(np.average(term, weights=runs.total_s))
        columns.append((term - mean)[run] * running)
    return np.column_stack(columns)
