"""Protobuf messages that are described here, and read without the library that they come from."""

from typing import Any

Messages = dict[str, list[tuple[int, str, str, bool]]]
"""Message → its fields, each as (number, name, type, repeated)."""


def parsed(text: str) -> Messages:
    """Read a description: a line a message, its fields as number, name, type; `*` marks repeated.

    A map is written as what it is on the wire, a repeated pair of key and value, so that a key
    given twice shows both values.
    """
    messages: Messages = {}
    for line in text.replace(",\n", ", ").strip().splitlines():
        if not line:
            continue
        name, fields = line.split(":")
        messages[name] = []
        for field in fields.split(","):
            number, label, kind = field.split()
            messages[name].append((int(number), label, kind.rstrip("*"), kind.endswith("*")))
    return messages


def message_class(root: str, messages: Messages) -> Any:
    """Return a message's class; fields it does not name are skipped.

    Args:
        root: The message.
        messages: It and those in it.
    """
    from google.protobuf import (  # type: ignore[import-untyped]
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name=f"auditor/{root}.proto", package="auditor", syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeated in fields:
            added = message.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in messages:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".auditor.{kind}"
            else:
                added.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()  # its own: TensorFlow's messages have the same names
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"auditor.{root}"))
