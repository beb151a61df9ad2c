"""Time and power of layers as arrays: a roofline with launch overhead, and a busy share.

For a layer on a device with peak `P` FLOP/s and memory bandwidth `B`::

    runtime = launch + compute + memory - overlap * min(compute, memory)
    compute = 2 MACs / (P e_class) * (1 + tail / tiles per multiprocessor) * (1 + w / channels)
    memory  = bytes / (B e_mem), and no less than DRAM's peak allows for what exceeds the L2
    power   = idle + base + busy * (compute + memory) / runtime

Depthwise convolutions are bound by issuing instructions and loads: their `P` counts vector lanes
by multiprocessor and clock. What each parameter means is in
`edgeprofiler.prediction.costmodel.parameters`; how they were fitted in docs/cost-model.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, Columns, FloatArray, IntArray
from edgeprofiler.prediction.costmodel.parameters import Parameters

CLASSES = ("none", "gemm", "convolution", "first", "depthwise", "depthwise_large")
"""What the compute units do in a layer; each has an efficiency of its own."""

BOUNDS = ("compute", "memory", "launch")
FIRST_LAYER_CHANNELS = 4
LANE_FLOPS = 256
"""FP32 operations a clock of 128 lanes. A multiprocessor counts as that whatever its generation:
Volta has half the FP32 lanes, but as many schedulers and load units, which bound depthwise work."""
TILE_ELEMENTS = 4096
"""Outputs of one thread block of a tensor-core convolution (64 x 64)."""

_DTYPES = ("fp32", "tf32", "fp16", "int8", "fp64")  # by `network.DTYPE_CODES`


@dataclass(frozen=True)
class Hardware:
    """What the cost model knows of a device in its power mode, as plain numbers."""

    peak_flops: FloatArray
    """By data-type code of `network.DTYPE_CODES`."""
    lane_flops: FloatArray
    """Operations of the vector lanes a second, by the same codes."""
    bandwidth_bytes_per_s: float
    gpu_clock_hz: float
    sms: int
    l2_bytes: int
    tensor_cores: bool
    async_copy: bool

    @staticmethod
    def of(device: Device) -> Hardware:
        """Return the numbers of `device`."""
        lanes = LANE_FLOPS * device.mode.clocks.sms * device.gpu_clock_hz
        vector = np.array([device.vector_flops(d) for d in _DTYPES]) / device.vector_flops("fp32")
        # Four INT8 products fit in a lane where two FP16 ones do; data sheets seldom say.
        vector[_DTYPES.index("int8")] = max(vector[_DTYPES.index(d)] for d in ("int8", "fp16"))
        return Hardware(
            peak_flops=np.array([device.peak_flops(d) for d in _DTYPES]),
            lane_flops=lanes * vector,
            bandwidth_bytes_per_s=device.bandwidth_bytes_per_s,
            gpu_clock_hz=device.gpu_clock_hz,
            sms=device.mode.clocks.sms,
            l2_bytes=device.datasheet.l2_bytes,
            tensor_cores=device.datasheet.tensor_cores,
            async_copy=device.datasheet.async_copy,
        )


STARTS = ("none", "multiply", "simple", "move", "concat", "pool")
"""Kinds of kernel by how long they take to start. Codes from `simple` on multiply nothing."""


@dataclass(frozen=True)
class Work:
    """What layers ask of any device: computed once a network, whatever the parameters."""

    flops: FloatArray
    """Two a multiply-accumulate; 0 where there are none."""
    bytes_moved: FloatArray
    rate_code: IntArray
    """Index into a table of `CLASSES` by data types."""
    start_code: IntArray
    """Index in `STARTS`."""
    tiles: FloatArray
    """Blocks of `TILE_ELEMENTS` outputs."""
    width: FloatArray
    """Output channels a group of a product that tensor cores run; infinite for the rest."""
    weight_bytes: FloatArray
    activation_bytes: FloatArray
    """Bytes that a fused activation would move if it were a kernel of its own; 0 without one."""
    repeats: FloatArray
    """Runs of each kernel, one after another: each is launched, and finds its own tiles."""
    covered: BoolArray

    def __len__(self) -> int:
        return len(self.flops)

    @property
    def runs(self) -> BoolArray:
        """Which layers take time."""
        return self.start_code > 0

    @staticmethod
    def of(columns: Columns) -> Work:
        """Return the work of layers from their columns."""
        multiplies = columns.is_op("convolution", "transposed_convolution", "gemm", "matmul")
        depthwise = multiplies & columns.depthwise
        macs = np.where(np.isfinite(columns.macs), columns.macs, 0.0)
        classes = np.zeros(len(columns), dtype=np.int64)
        classes[multiplies] = CLASSES.index("gemm")
        windowed = multiplies & (columns.kernel_size > 1)
        classes[windowed] = CLASSES.index("convolution")
        first = windowed & (columns.in_channels <= FIRST_LAYER_CHANNELS)
        classes[first] = CLASSES.index("first")
        classes[depthwise] = CLASSES.index("depthwise")
        classes[depthwise & (columns.kernel_max > 3)] = CLASSES.index("depthwise_large")
        starts = np.full(len(columns), STARTS.index("simple"))
        starts[multiplies] = STARTS.index("multiply")
        starts[columns.is_op("reformat", "copy")] = STARTS.index("move")
        starts[columns.is_op("concat")] = STARTS.index("concat")
        starts[columns.is_op("max_pool", "average_pool", "global_pool")] = STARTS.index("pool")
        starts[columns.is_op("noop")] = STARTS.index("none")
        width = np.maximum(columns.out_channels / np.maximum(columns.groups, 1.0), 1.0)
        return Work(
            flops=2.0 * macs,
            bytes_moved=columns.bytes_moved,
            rate_code=classes * len(_DTYPES) + columns.dtype_code,
            start_code=starts,
            tiles=np.maximum(columns.spatial * columns.out_channels / TILE_ELEMENTS, 1.0),
            width=np.where(multiplies & ~depthwise, width, np.inf),
            weight_bytes=np.minimum(columns.weight_bytes, columns.bytes_moved),
            activation_bytes=np.where(
                multiplies & columns.generated,
                2.0 * columns.output_bytes * columns.repeats,
                0.0,
            ),
            repeats=columns.repeats,
            covered=columns.covered,
        )

    def part(self, start: int, stop: int) -> Work:
        """Return the work of the layers from `start` up to `stop`."""
        names = [field.name for field in fields(Work)]
        return Work(**{name: getattr(self, name)[start:stop] for name in names})

    @staticmethod
    def concatenate(parts: list[Work]) -> Work:
        """Return the work of several networks, one after another."""
        names = [field.name for field in fields(Work)]
        return Work(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


@dataclass(frozen=True)
class LayerTimes:
    """Seconds of each layer and of its parts; NaN where a layer is not covered.

    The parts say how long each unit is active; where they overlap, the runtime is less than
    their sum.
    """

    launch_s: FloatArray
    compute_s: FloatArray
    memory_s: FloatArray
    runtime_s: FloatArray


def launch_seconds(hardware: Hardware, parameters: Parameters) -> float:
    """Return the overhead of one kernel on this hardware."""
    clock = (hardware.gpu_clock_hz / 1e9) ** -parameters.launch_clock_exponent
    old = 1.0 if hardware.tensor_cores else parameters.launch_without_tensor_cores
    return float(parameters.launch_s * clock * old)


def rate_table(hardware: Hardware, parameters: Parameters) -> FloatArray:
    """Return achieved FLOP/s by class and data type, flat, infinite for class `none`."""
    p = parameters
    gain = 1.0 if hardware.tensor_cores else p.efficiency_without_tensor_cores
    peak, lanes = hardware.peak_flops, hardware.lane_flops
    rates = (
        np.full(len(peak), np.inf),
        peak * (p.efficiency_gemm * gain),
        peak * (p.efficiency_convolution * gain),
        peak * (p.efficiency_convolution * gain * p.first_layer),
        lanes * p.efficiency_depthwise,
        lanes * (p.efficiency_depthwise * p.depthwise_large_kernel),
    )
    return np.concatenate(rates)


def start_table(hardware: Hardware, parameters: Parameters) -> FloatArray:
    """Return the launch overhead of each of `STARTS`.

    GPUs without tensor cores keep activations channel after channel, so a concatenation over
    channels is written in place and takes no kernel. Pooling starts like a convolution: its
    windows take more to set up than an element-wise kernel.
    """
    launch = launch_seconds(hardware, parameters)
    move = launch * parameters.launch_move
    concat = move if hardware.tensor_cores else 0.0
    return np.array([0.0, launch, launch * parameters.launch_simple, move, concat, launch])


def layer_times(work: Work, hardware: Hardware, parameters: Parameters) -> LayerTimes:
    """Return the seconds of each layer, vectorised.

    Args:
        work: of any number of layers, of one or many networks.
        hardware: the device's numbers.
        parameters: fitted numbers of that device.
    """
    starts = start_table(hardware, parameters)
    launch = starts[work.start_code] * work.repeats
    compute = work.flops / rate_table(hardware, parameters)[work.rate_code]
    if parameters.tail > 0:
        compute *= 1.0 + (parameters.tail * hardware.sms) / work.tiles
    if parameters.width_half > 0 and hardware.tensor_cores:
        compute *= 1.0 + parameters.width_half / work.width
    slowness = np.full(len(STARTS), 1.0 / bandwidth(hardware, parameters))
    slowness[STARTS.index("none")] = 0.0
    if not hardware.tensor_cores:
        slowness[STARTS.index("concat")] = 0.0
    memory = work.bytes_moved * slowness[work.start_code]
    memory = np.maximum(memory, _dram_floor(work, hardware) * (memory > 0))
    if parameters.separate_activations > 0:
        apart = (work.activation_bytes > 0) * parameters.separate_activations
        launch = launch + apart * work.repeats * starts[STARTS.index("simple")]
        memory = memory + apart * work.activation_bytes * slowness[STARTS.index("simple")]
    runtime = launch + compute + memory
    if hardware.async_copy:
        runtime = runtime - parameters.overlap * np.minimum(compute, memory)
    runtime[~work.covered] = np.nan
    return LayerTimes(launch, compute, memory, runtime)


def _dram_floor(work: Work, hardware: Hardware) -> FloatArray:
    """Return the seconds that weights, and what of the activations exceeds the L2, take at best."""
    activations = work.bytes_moved / work.repeats - work.weight_bytes
    once = work.weight_bytes <= hardware.l2_bytes  # then later runs find them there
    weights = work.weight_bytes * np.where(once, 1.0, work.repeats)
    beyond = weights + work.repeats * np.maximum(activations - hardware.l2_bytes, 0.0)
    return np.asarray(beyond / hardware.bandwidth_bytes_per_s)


def multiply_class(work: Work) -> IntArray:
    """Return the index in `CLASSES` of each layer."""
    return work.rate_code // len(_DTYPES)


def busy_seconds(work: Work, times: LayerTimes, parameters: Parameters) -> FloatArray:
    """Return how long each layer keeps the GPU busy, weighted by how much power that draws."""
    depthwise = multiply_class(work) >= CLASSES.index("depthwise")
    share = np.where(depthwise, parameters.depthwise_busy, 1.0)
    return np.asarray(share * times.compute_s + times.memory_s)


def kernel_counts(work: Work, parameters: Parameters) -> tuple[FloatArray, FloatArray]:
    """Return how many kernels each layer is, and how many of them multiply nothing."""
    apart = (work.activation_bytes > 0) * parameters.separate_activations
    simple = work.start_code >= STARTS.index("simple")
    return (work.runs + apart) * work.repeats, (simple + apart) * work.repeats


def host_gaps(work: Work, times: LayerTimes, parameters: Parameters) -> FloatArray:
    """Return what each layer adds to the host's gap; the gap's fixed part is not in it."""
    kernels, simple = kernel_counts(work, parameters)
    return np.asarray(
        parameters.host_gap_per_layer_s * kernels
        + parameters.host_gap_per_simple_s * simple
        + parameters.host_gap_per_launch * times.launch_s
    )


def network_sums(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Return the sum over each network's layers, shape (networks,).

    Args:
        values: one number a layer, network after network.
        offsets: where each network starts, and the end: one number more than networks.
    """
    count = len(offsets) - 1
    owner = np.repeat(np.arange(count), np.diff(offsets))
    return np.asarray(np.bincount(owner, values, count), dtype=np.float64)


def bandwidth(hardware: Hardware, parameters: Parameters) -> float:
    """Return the bytes a second that are reached."""
    return hardware.bandwidth_bytes_per_s * parameters.efficiency_memory


def bound_codes(times: LayerTimes) -> IntArray:
    """Return the index in `BOUNDS` of the largest part of each layer's time."""
    parts = np.stack((times.compute_s, times.memory_s, times.launch_s))
    return np.asarray(np.argmax(parts, axis=0))


def layer_power(
    work: Work, times: LayerTimes, idle_power_w: float, parameters: Parameters
) -> FloatArray:
    """Return the board's power while each layer runs: idle, base, and the share that is busy."""
    busy = busy_seconds(work, times, parameters)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = busy / times.runtime_s
    power = idle_power_w + parameters.base_power_w + parameters.busy_power_w * share
    power[times.runtime_s == 0] = idle_power_w  # a noop adds nothing to an idle board
    power[np.isnan(times.runtime_s)] = np.nan
    return power
