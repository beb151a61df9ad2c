"""The journey from graph to network: facts, units, layers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edgeprofiler.core.arrays import peak
from edgeprofiler.core.choices import PRECISIONS
from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.graph import End, Graph
from edgeprofiler.core.network import Layer, Network, Source, elements
from edgeprofiler.core.reads import Reads
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.reading.lowering.compound import written_out
from edgeprofiler.reading.lowering.emit import Emitter
from edgeprofiler.reading.lowering.gather import gather_facts
from edgeprofiler.reading.lowering.lifetimes import Lifetimes
from edgeprofiler.reading.lowering.quantizers import is_explicit, on_integers
from edgeprofiler.reading.lowering.regions import generate_regions
from edgeprofiler.reading.lowering.rules import ATTENTION, GENERATED_REGION
from edgeprofiler.reading.lowering.sink import sunk
from edgeprofiler.reading.lowering.target import JETSON_ORIN, BuildTarget
from edgeprofiler.reading.lowering.units import gather_units

BUILDERS = ("trtexec", "torch-tensorrt")

_WIDER = {"int8": "fp16", "fp16": "fp32"}
_KERNEL_S, _BYTE_S, _MAC_S = 8e-6, 1 / 250e9, 1 / 50e12
"""About what a kernel, a byte and a multiply-accumulate cost on the fastest of the boards, where
conversions weigh most."""
_CONVERTING = 0.125
"""Share of the time in conversions from which on a wider type may be faster (see
`rules.FASTER_TYPE`): narrower kernels save more than that elsewhere."""


@dataclass(frozen=True)
class Draft:
    """What a graph becomes, before it is a network of a name."""

    layers: tuple[Layer, ...]
    batch: int
    precision: str
    warnings: tuple[str, ...]
    reads: Reads
    """The layers that each layer reads, by place."""
    alive: tuple[tuple[int, int, float], ...]
    """First and last step of each piece of memory, and its bytes (`lifetimes`)."""
    io_bytes: int
    no_work: Mapping[str, str]

    def network(self, name: str, source: Source | None) -> Network:
        """Return the network of the layers; its source is its name where none is given."""
        return Network(
            name=name,
            layers=self.layers,
            source=source or Source(name, "graph"),
            batch=self.batch,
            precision=self.precision,
            warnings=self.warnings,
            reads=self.reads,
            activation_bytes=round(peak(self.alive)),
            io_bytes=self.io_bytes,
        )


@dataclass(frozen=True)
class Lowered:
    """A network, and the nodes of the graph that became no layer."""

    network: Network
    no_work: Mapping[str, str]
    """Reason by node name: dead, constant, view, concatenation in place, ..."""


def lower(
    graph: Graph,
    precision: str = "fp16",
    source: Source | None = None,
    builder: str = "trtexec",
    target: BuildTarget = JETSON_ORIN,
) -> Network:
    """Return the layers that TensorRT would run for `graph`.

    Every node is in exactly one layer's `nodes`, or takes no work (see `lower_traced`); a recurrent
    layer or an attention is in those of all its parts. Views are not emitted as layers.
    Conversions and all but the first copy of a concatenation belong to no node.

    Args:
        graph: operators in ONNX's vocabulary with known shapes.
        precision: fp32, fp16 or int8; int8 computes convolutions and GEMMs in INT8 and keeps
            image tensors in INT8, all else in FP16, as a calibrated engine would.
        source: where the graph came from; by default its name.
        builder: what builds the engine: trtexec (TensorRT from ONNX), or torch-tensorrt, which
            leaves ReLU6 outside convolutions.
        target: GPU and TensorRT that the engine is built on; an FP32 engine's kernels depend on
            it. FP16 layers do not, but for Torch-TensorRT's sums.

    Raises:
        Unsupported: the precision is not one of the three, or the builder not one of the two.
        InvalidInput: a tensor that is read has no known shape.
    """
    return lower_traced(graph, precision, source, builder, target).network


def lower_traced(
    graph: Graph,
    precision: str = "fp16",
    source: Source | None = None,
    builder: str = "trtexec",
    target: BuildTarget = JETSON_ORIN,
) -> Lowered:
    """Return the layers of `graph` and the reason for every node that became none."""
    if precision not in PRECISIONS:
        raise Unsupported(f"no precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    if builder not in BUILDERS:
        raise Unsupported(f"no builder {builder!r}; choose one of {', '.join(BUILDERS)}")
    lowered = _lower_at(graph, "assumed", precision, source, builder, target)
    if not graph.open:
        wider = wider_type(graph, lowered.network, precision)
        if not wider:
            return lowered
        other = lower(graph, wider, source, builder, target)
        return Lowered(lowered.network.with_wider(other), lowered.no_work)
    at = partial(_lower_at, precision=precision, source=source, builder=builder, target=target)
    endless = {node.name for node in graph.nodes if graph.times(node, "most") is None}
    network = replace(
        lowered.network,
        least=at(graph, "least").network,
        most=None if endless else at(graph, "most").network,
        layers=tuple(
            replace(layer, unbounded=not endless.isdisjoint(layer.nodes))
            for layer in lowered.network.layers
        ),
    )
    return Lowered(network, lowered.no_work)


def wider_type(graph: Graph, network: Network, precision: str) -> str:
    """Return the wider type that a builder may keep a network in; empty where it has no reason.

    Args:
        graph: what the network was lowered from.
        network: its layers.
        precision: what was asked for; operators on integers are INT8 whatever that is.
    """
    wider = _WIDER.get(precision, "")
    if not wider or is_explicit(graph):
        return ""
    columns = network.columns
    seconds = _KERNEL_S + _BYTE_S * columns.bytes_moved + _MAC_S * np.nan_to_num(columns.macs)
    converting = float(seconds[columns.is_op("reformat")].sum())
    if not converting or converting < _CONVERTING * float(seconds.sum()):
        return ""
    return wider


def _lower_at(
    graph: Graph,
    end: End,
    precision: str,
    source: Source | None,
    builder: str,
    target: BuildTarget,
) -> Lowered:
    """Return the layers at one end of what is known only while the network runs."""
    draft = drafted(graph, end, precision, builder, target)
    return Lowered(draft.network(graph.name, source), draft.no_work)


def drafted(graph: Graph, end: End, precision: str, builder: str, target: BuildTarget) -> Draft:
    """Return the layers at one end, and what else their network is made of.

    Lengths may be `sizes.Size`: nothing here asks what kind of number they are.
    """
    explicit = is_explicit(graph)
    calibrated = precision == "int8" and not explicit
    if precision == "int8" and (explicit or not target.int8):
        precision = "fp16"  # what the model does not quantise, or INT8 does not make faster
    whole, part_of = written_out(graph, end)
    facts = gather_facts(sunk(whole))
    units = gather_units(facts, precision, builder, target)
    if target.tensor_cores and GENERATED_REGION.holds(precision, target):
        units = generate_regions(units, facts, attention=ATTENTION.holds(precision, target))
    emitter = Emitter(facts, units, precision, target)
    layers = emitter.run()
    if part_of:
        layers = [replace(layer, nodes=_origins(layer.nodes, part_of)) for layer in layers]
    warnings = list(graph.warnings)
    unknown = sorted({n.op for u in units if u.role == "unknown" for n in u.nodes})
    if unknown:
        warnings.append(
            f"no rule knows {', '.join(unknown)}: bytes are counted, MACs are not, and no cost "
            "is predicted"
        )
    dead = sum(reason == "dead" for reason in facts.no_work.values())
    if dead:
        warnings.append(f"{dead} nodes reach no output and are dropped")
    if calibrated:
        warnings.append(
            "int8 assumes a calibrated engine: convolutions and GEMMs in INT8, the rest in FP16"
            if target.int8
            else f"{target.name} multiplies INT8 no faster than FP16: the engine keeps FP16"
        )
    integers = sorted({node.op for _, node in facts.nodes if on_integers(node)})
    if integers:
        warnings.append(
            f"TensorRT's parser does not take {', '.join(integers)}: the INT8 layers that they "
            "stand for are predicted; export the model with QuantizeLinear and DequantizeLinear"
        )
    if emitter.widened:
        warnings.append("the first convolution writes FP32, as TensorRT before 10 has it in INT8")
    in_layers = {name for layer in layers for name in layer.nodes}
    no_work = {part_of.get(k, k): v for k, v in {**facts.no_work, **emitter.no_work}.items()}
    return Draft(
        layers=tuple(layers),
        batch=graph.batch,
        precision="int8" if emitter.has_int8 else precision,
        warnings=tuple(warnings),
        reads=tuple(emitter.reads),
        alive=Lifetimes(facts, emitter.memory).spans(units, emitter.made),
        io_bytes=_io_bytes(graph),
        no_work={k: v for k, v in no_work.items() if k not in in_layers},
    )


def _origins(names: Iterable[str], part_of: Mapping[str, str]) -> tuple[str, ...]:
    """The nodes of the model that parts of compound operators came from, each once."""
    return tuple(dict.fromkeys(part_of.get(name, name) for name in names))


def _io_bytes(graph: Graph) -> int:
    """Return the bytes of a graph's inputs and outputs in the types that it declares."""
    names = (*graph.inputs, *dict.fromkeys(graph.outputs))
    known = [graph.tensors[name] for name in names if name in graph.tensors]
    return math.ceil(sum(elements(t.shape) * dtype_bytes(t.dtype) for t in known))
