"""A program of ATen operators, written down as a graph of ONNX operators one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import AttributeValue, Factor, Graph, Node, Shape, Tensor, leading_to
from edgeprofiler.core.values import Value
from edgeprofiler.reading.operators.rules import infer_shapes
from edgeprofiler.reading.pt2.document import DTYPES, Ref, argument, free_axes, shape_of, untagged

_OPSET = 18


class Unlike(Exception):
    """A call that has no counterpart among ONNX's operators, or not with these arguments."""


class ProgramCall:
    """One call of an ATen operator: what it is given, by name, and what it makes."""

    def __init__(self, target: str, given: Mapping[str, Any], results: tuple[str, ...]) -> None:
        self.target = target
        self.given = given
        self.results = results

    def __getitem__(self, name: str) -> Any:
        """Return an argument that must be there."""
        found = self.given.get(name)
        if found is None:
            raise Unlike(f"{self.target} without {name}")
        return found

    def under(self, prefix: str) -> ProgramCall:
        """Return the call with names that begin with a body's."""

        def named(value: Any) -> Any:
            if isinstance(value, list):
                return [named(item) for item in value]
            return Ref(f"{prefix}/{value}") if isinstance(value, Ref) else value

        given = {name: named(value) for name, value in self.given.items()}
        return ProgramCall(self.target, given, tuple(f"{prefix}/{name}" for name in self.results))

    @property
    def first(self) -> Ref:
        """The first argument, where that is a tensor."""
        found = next(iter(self.given.values()), None)
        if not isinstance(found, Ref):
            raise Unlike(f"{self.target} of what is no tensor")
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or what holds where it is left out."""
        found = self.given.get(name)
        return default if found is None else found

    def ints(self, name: str, rank: int, default: int = 0) -> tuple[int, ...]:
        """Return one number for each of `rank` dimensions, of which one may stand for all."""
        found = self.get(name, default)
        numbers = [found] * rank if isinstance(found, int) else list(found) or [default]
        numbers = numbers * rank if len(numbers) == 1 else numbers
        if len(numbers) != rank or not all(isinstance(n, int) for n in numbers):
            raise Unlike(f"{self.target}: {name} is {found}")
        return tuple(numbers)


class Body(NamedTuple):
    """The calls of a graph that a call is given, and what it gives out."""

    calls: list[ProgramCall]
    results: list[str]


class Program:
    """The graph so far."""

    def __init__(self, value: Value, name: str) -> None:
        self.source = value
        self.name = name
        self.graph = value["graph_module"]["graph"]
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.calculated: dict[str, Node] = {}
        self.told: dict[str, Shape] = {}
        self.numbers = _numbers(self.graph)
        self.same: dict[str, str] = {}
        self.repeats: tuple[Factor, ...] = ()
        """How often what is added now runs: the loops around it."""
        self.warnings: list[str] = []
        self._stated = dict(self.graph["tensor_values"].entries())
        self._read = 0
        self._inputs: list[str] = []
        self._free: dict[str, tuple[int, ...]] = {}
        self._declare()

    def tensor(self, name: str) -> Tensor:
        """Return a tensor by name: what stands for it where it is another's equal."""
        name = self.same.get(name, name)
        known = self.tensors.get(name)
        if known is None:
            raise self.graph.fail(f"reads a tensor {name!r} before anything makes it")
        return known

    def shape(self, name: str) -> Shape:
        """Return a tensor's shape."""
        return self.tensor(name).shape

    def stated(self, name: str) -> Tensor:
        """Return what the file says of a tensor."""
        value = self._stated.get(name)
        if value is None:
            raise self.graph.fail(f"says nothing of a tensor {name!r}")
        return Tensor(name, shape_of(value), DTYPES.get(value["dtype"].raw, "fp32"))

    def number(self, values: float | Sequence[int], label: str) -> str:
        """Declare a small constant that is known by value: a scalar, or a list of whole numbers."""
        name = f"{label}.{len(self.tensors)}"
        if isinstance(values, (int, float)):
            made = Tensor(name, (), "fp32", constant=True, value=(float(values),))
        else:
            made = Tensor(name, (len(values),), "int64", constant=True, value=tuple(values))
        self.tensors[name] = made
        return name

    def turned(self, weight: str) -> str:
        """Declare a matrix of weights with its two dimensions exchanged, as `MatMul` has it."""
        tensor = self.tensor(weight)
        if not tensor.constant or len(tensor.shape) != 2:
            raise Unlike("a matrix that is computed")
        name = f"{tensor.name}.T"
        self.tensors[name] = Tensor(name, tensor.shape[::-1], tensor.dtype, constant=True)
        return name

    def constant(self, name: str) -> None:
        """Declare a result that is known before the program runs, and is no parameter."""
        stated = self.stated(name)
        self.tensors[name] = Tensor(name, stated.shape, stated.dtype, constant=True)
        self.calculated[name] = Node(name, "Constant", (), (name,))

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        results: Sequence[str],
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> str:
        """Add a node; return its first result.

        Raises:
            Unlike: it does not make what the file says that the call makes.
        """
        read = tuple(self.same.get(name, name) for name in inputs)
        node = Node(results[0], op, read, tuple(results), attributes or {}, self.repeats)
        try:
            made, _ = infer_shapes(node, self.tensors, _OPSET)
        except (InvalidInput, Unsupported) as error:
            raise Unlike(str(error)) from None
        for tensor in made:
            if tensor.name in self._stated and tensor.shape != self.stated(tensor.name).shape:
                raise Unlike(f"{op} makes {tensor.shape}")
        self.tensors.update((tensor.name, tensor) for tensor in made)
        self.nodes.append(node)
        return results[0]

    def foreign(self, call: ProgramCall, inputs: Sequence[str]) -> None:
        """Add a call under its own name, with results as the file says them."""
        for name in call.results:
            self.tensors[name] = self.stated(name)
            self.told[name] = self.tensors[name].shape
        read = tuple(self.same.get(name, name) for name in inputs)
        node = Node(call.results[0], call.target, read, call.results, repeats=self.repeats)
        self.nodes.append(node)

    def finished(self) -> Graph:
        """Return the graph of what leads to the results."""
        outputs = tuple(
            self.tensor(output["as_tensor"]["name"].name()).name
            for output in self.graph["outputs"].items()
            if "as_tensor" in output
        )
        kept = leading_to(outputs, self.nodes)
        made = {name for node in kept for name in node.outputs}
        read = {name for node in kept for name in node.inputs}
        counted = {f for node in kept for f in node.repeats if isinstance(f, str)}
        needed = {*outputs, *read, *counted}
        for name, node in reversed(self.calculated.items()):
            if name in needed:
                needed.update(node.inputs)
        used = {*needed, *made, *self._inputs}
        return Graph(
            self.name,
            tuple(kept),
            {name: tensor for name, tensor in self.tensors.items() if name in used},
            tuple(self._inputs),
            outputs,
            warnings=tuple(self.warnings),
            opset=_OPSET,
            free=self._free,
            calculated={name: node for name, node in self.calculated.items() if name in used},
            told={name: shape for name, shape in self.told.items() if name in made},
        )

    def calls(self) -> list[ProgramCall]:
        """Return the program's calls, in an order in which they can run."""
        return [self._call(node) for node in self._within_bounds(self.graph)]

    def enter(self, body: Value, prefix: str, bound: Sequence[str]) -> Body:
        """Declare what a body states, under names that begin with `prefix`.

        Args:
            body: a graph among a call's arguments.
            prefix: no other body's.
            bound: what stands for each of its inputs.

        Raises:
            Unlike: it has other inputs.
        """
        inputs = body["inputs"].items()
        if len(inputs) != len(bound):
            raise Unlike(f"a body of {len(inputs)} inputs that is given {len(bound)}")
        self._stated.update((f"{prefix}/{n}", v) for n, v in body["tensor_values"].entries())
        self.numbers.update(_numbers(body))
        for value, name in zip(inputs, bound, strict=True):
            if "as_tensor" in value:
                inner = f"{prefix}/{value['as_tensor']['name'].name()}"
                self.same[inner] = self.same.get(name, name)
        calls = [self._call(node).under(prefix) for node in self._within_bounds(body)]
        results = [argument(output, self.numbers) for output in body["outputs"].items()]
        if not all(isinstance(result, Ref) for result in results):
            raise Unlike("a body that gives out what is no tensor")
        return Body(calls, [f"{prefix}/{result}" for result in results])

    def _within_bounds(self, graph: Value) -> list[Value]:
        nodes = graph["nodes"].items()
        self._read += len(nodes)
        if self._read > limits.NODES:
            raise graph.fail(f"has {self._read} nodes", f"at most {limits.NODES} are read")
        return nodes

    def _call(self, node: Value) -> ProgramCall:
        given = {  # higher-order operators name none of their arguments
            item["name"].text() or str(place): argument(item["arg"], self.numbers)
            for place, item in enumerate(node["inputs"].items())
        }
        results: list[str] = []
        for output in node["outputs"].items():
            found = argument(output, self.numbers) if "as_sym_int" not in output else None
            results += [str(ref) for ref in (found if isinstance(found, list) else [found]) if ref]
        return ProgramCall(node["target"].text().removeprefix("torch.ops."), given, tuple(results))

    def _declare(self) -> None:
        """Declare inputs, and parameters and buffers as constants."""
        for spec in self.source["graph_module"]["signature"]["input_specs"].items():
            for kind, what in spec.entries():
                arg = untagged(what["arg"])
                if kind == "token" or "name" not in arg:
                    continue  # an input that is a number, or none at all
                name = arg["name"].name()
                tensor = self.stated(name)
                if kind == "user_input":
                    self._inputs.append(name)
                    self._free[name] = free_axes(self._stated[name])
                else:
                    tensor = Tensor(name, tensor.shape, tensor.dtype, constant=True)
                    if kind != "parameter":
                        self.calculated[name] = Node(name, "Constant", (), (name,))
                self.tensors[name] = tensor
        if not self._inputs:
            raise self.source.fail("its program reads no tensor")


def _numbers(graph: Value) -> dict[str, int]:
    """Return the sizes that the program computes, as they were when it was exported."""
    found = {}
    for name, value in graph["sym_int_values"].default({}).entries():
        inner = value["as_expr"]["hint"] if "as_expr" in value else value
        found[name] = inner["as_int"].whole()
    return found


def refs_of(given: Mapping[str, Any]) -> list[str]:
    """Return the tensors among a call's arguments, in order."""
    found: list[str] = []
    for value in given.values():
        found += [str(v) for v in (value if isinstance(value, list) else [value])
                  if isinstance(v, Ref)]  # fmt: skip
    return found
