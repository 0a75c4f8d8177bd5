"""The wire families from the server's side: answers as bytes, and requests as what a model sees of them."""

from sansio.testing.wires.registry import Shelf, Wire, register_wire, wire_for, wire_names

__all__ = ["Shelf", "Wire", "register_wire", "wire_for", "wire_names"]
