"""Parts of the ONNX front end: wire format, structure, shapes, folding, conversion."""
