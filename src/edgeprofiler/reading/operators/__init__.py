"""What each operator makes of shapes and of small constants: one set of rules for all.

The ONNX reader, the graph builder and every change of a graph ask here, so that a network read
at a size and one changed to that size are the same. Rules follow ONNX's operator specification,
https://onnx.ai/onnx/operators/, in all its versions from 7 on; what no rule of ours knows is left
to onnx's own inference, within bounds.
"""
