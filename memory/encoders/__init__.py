"""Encoders: text to one pooled vector and one vector per token."""

from memory.encoders.onnx import OnnxEncoder
from memory.encoders.port import Encoder, Encoding
from memory.encoders.shared import SharedEncoder

__all__ = ["Encoder", "Encoding", "OnnxEncoder", "SharedEncoder"]
