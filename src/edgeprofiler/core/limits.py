"""How much of everything is taken from a file before it is refused, and why so much.

Each bound lies far above what real files hold and far below what a machine with 4 GB would die of.
They are checked before the work that they bound: sizes before a file is read, counts before a list
is walked. What a server may do beside is in `views.web.settings`.
"""

from __future__ import annotations

MIB = 1024**2
GIB = 1024**3

# Files, in bytes.

TEXT_BYTES = 128 * MIB
"""JSON and CSV that are read into memory; the description of an engine of 1,000 layers has 2 MB,
a data set of 200,000 layers 80 MB as CSV."""

JSON_ROOM_BYTES = 512 * MIB
"""What a JSON text may take as objects; a profile takes three times its text, `[{},{}]` 24."""

TOML_BYTES = 256 * 1024
"""A TOML file; those that ship have at most 20 KB, and reading some takes quadratic time."""

NOTE_BYTES = 1 * MIB
"""A small file of our own: the note beside pulled data."""

POINTER_BYTES = 64 * 1024
"""A DVC pointer, of some 200 bytes; a second goes by for 64 KB of YAML."""

LOG_BYTES = 256 * MIB
"""A power log or layer times of the reference layout: 2.4 hours of 40 bytes a line at 750 Hz."""

LAYER_TIMES_BYTES = 64 * MIB
"""One layer's times in the reference layout, 45 bytes each: a million and a half runs."""

STREAM_BYTES = 8 * GIB
"""One stream of a recording: a day of eight rails at a kilohertz has 6 GB."""

CHUNK_BYTES = 64 * MIB
"""One chunk of a stream; writers here cut at 8 MB."""

HEADER_BYTES = 64 * MIB
"""The header of a recording, which may hold the network, or what trtexec tells of layers."""

PREDICTOR_HEADER_BYTES = 16 * MIB
"""The header of a trained predictor, which lists features, networks and errors."""

ARRAYS_BYTES = 128 * MIB
"""A file of a trained predictor, packed or not; those of our recipes take less than 1 MB."""

PARQUET_BYTES = 1 * GIB
"""A data set's Parquet file."""

MODEL_BYTES = 64 * GIB
"""A model file that is mapped, not read: skimming it depends on its fields, not on its size."""

ONNX_BYTES = 2 * GIB - 1
"""A model file that a runtime loads whole: protobuf holds no more."""

ENGINE_BYTES = 8 * GIB
"""A built engine, which must fit into the memory of a board."""

# Counts.

INTEGER = 2**63 - 1
"""The largest integer of 64 bits, which arrays and other tools can hold."""

COUNT = 2**80
"""MACs, FLOP or bytes of one layer; real counts stay below 2**50."""

DIMENSION = 2**31
"""One dimension of a tensor; what memory could hold is smaller still."""

ELEMENTS = 2**40
"""Elements of one tensor."""

RANK = 32
"""Dimensions of a tensor, which is NumPy's own limit before its version 2."""

LAYERS = 1_000_000
"""Layers of an engine description."""

NODES = 200_000
"""Nodes of a graph, functions and subgraphs counted as often as they are used."""

RAILS = 100_000
"""Rails of a recording's power stream."""

CSV_ROWS = 100_000
"""Measured networks of one CSV file."""

CSV_COLUMNS = 4_096
"""Columns of a CSV file; a sheet of a board of eight rails has some thirty."""

CSV_LINE = 1 * MIB
"""Characters of a row of a CSV file, or of a candidate of a sweep, which is read whole."""

CSV_CELLS = 2**23
"""Cells of a CSV file: a data set's of the most rows, which take 60 bytes each and more."""

LOG_LINES = 1_000_000
"""Lines of a power log of another tool: 27 hours at 10 Hz; one takes 600 bytes until it is read."""

LOG_CELLS = 4_000_000
"""Cells of such a log that is a table."""

IMAGE_SIDE = 65_536
"""Height or width of an input that a user asks for, images of a batch, classes of a head."""

INPUT_ELEMENTS = 2**31
"""Elements of an input that a user asks for."""

SWEEP_POINTS = 200_000
"""Combinations of one sweep."""

RATE_HZ = 1e9
"""Images a second; the fastest board takes some ten thousand small ones."""

WEB_LAYERS = 20_000
"""Layers of a network on the web page; the command line has no such bound."""

ARCHIVE_MEMBERS = 10_000
"""Files in an archive; a forest of 500 trees of a user's own keeps some 4,000 arrays."""

ARCHIVE_RATIO = 1032
"""What one byte can unpack to at most: ZIP's usual method is made so."""

TOML_PARTS = 16
"""Parts of a dotted key or a table's name; ours have four at most, and time is quadratic in it."""

# Data sets.

DATASET_COLUMNS = 1_000
"""Columns of a data set's file, of which 41 are known here."""

DATASET_CELLS = 2**23
"""Cells of a data set: 200,000 layers in the columns that are known here."""

DATASET_TEXT_BYTES = 256 * MIB
"""A data set's texts as arrays, in which each takes the room of the longest of its column."""

DATASET_MEMORY_BYTES = 768 * MIB
"""What the process may take that unpacks a Parquet file."""

DATASET_SECONDS = 120.0
"""Until a Parquet file must be read; 200,000 layers take two."""

# Profiles and predictors.

PROFILE_SECONDS = 1e13
"""Time of a layer: the most MACs that are taken, on the slowest board."""

PROFILE_WATTS = 1e6
"""Power of a board; sums stay numbers."""

LAYER_SECONDS = 1e3
"""Time of a layer that was measured, or that trained models answer."""

BOARD_WATTS = 2e3
"""Power of a board that was measured, or that trained models answer."""

# ONNX files, skimmed before they are parsed.

ONNX_FIELDS = 4_000_000
"""Fields that are visited; a real network of 10,000 nodes has about 200,000."""

ONNX_KEPT_BYTES = 128 * MIB
"""What may remain of a file; a real network of 10,000 nodes keeps about 3 MB."""

ONNX_DEPTH = 40
"""Messages within one another; each subgraph adds three."""

# Exported programs of PyTorch.

PROGRAM_BYTES = 64 * MIB
"""A program's JSON; one of 10,000 calls has about 25 MB, most of it stack traces."""

# Trained models.

MODEL_DEPTH = 12
"""Parts of a trained model within one another."""

MODEL_STEPS = 32
"""Steps of one pipeline, or groups beside one another."""

MODEL_PARTS = 64
"""Models in one sum."""

POWER_TERMS = 100_000
"""Terms of a polynomial of features."""

# Processes.

ANSWER_BYTES = 32 * MIB
"""What a bounded child may answer: the network of a model file, as JSON."""
